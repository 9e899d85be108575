// Draws the family tree, on the canvas or as SVG.
const curve = (pen, parent, child) => {
  const [x0, y0, x1, y1] = [left(parent), top_(parent), left(child), top_(child)];
  if (Math.max(y0, y1) < -5 || Math.min(y0, y1) > size.height + 5 || x1 < -5 || x0 > size.width + 5) return;
  const middle = (x0 + x1) / 2;
  pen.moveTo(x0, y0);
  pen.bezierCurveTo(middle, y0, middle, y1, x1, y1);
};

const star = (pen, x, y, r) => {
  for (let point = 0; point < 10; point += 1) {
    const [angle, reach] = [(point * Math.PI) / 5 - Math.PI / 2, point % 2 ? r * 0.45 : r];
    const to = [x + Math.cos(angle) * reach, y + Math.sin(angle) * reach];
    if (point) pen.lineTo(...to); else pen.moveTo(...to);
  }
  pen.closePath();
};

const radius = () => Math.min(Math.max(view.ky * 0.36, 1.5), 5);

// Dots of one colour in one path.
const dots = (pen) => {
  const r = radius();
  const fills = new Map();
  const rings = [];
  const crosses = [];
  for (let node = 0; node < total; node += 1) {
    const y = top_(node);
    const x = left(node);
    if (y < -9 || y > size.height + 9 || x < -9 || x > size.width + 9) continue;
    if (isGroup(node)) rings.push([x, y, r + Math.min(3, Math.log10(groups[node - count].count))]);
    else if (hasFailed(node)) crosses.push([x, y, isDim(node)]);
    else {
      const key = (isDim(node) ? "0" : "1") + colours.of[node];
      if (!fills.has(key)) fills.set(key, []);
      fills.get(key).push([x, y, node]);
    }
  }
  pen.lineWidth = 1;
  pen.strokeStyle = colour("muted");
  pen.globalAlpha = look.only === null ? 1 : 0.2;
  pen.beginPath();
  rings.forEach(([x, y, reach]) => { pen.moveTo(x + reach, y); pen.arc(x, y, reach, 0, 7); });
  pen.stroke();
  pen.beginPath();
  crosses.forEach(([x, y]) => { pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r); pen.moveTo(x + r, y - r); pen.lineTo(x - r, y + r); });
  pen.stroke();
  for (const [key, places] of fills) {
    pen.globalAlpha = key[0] === "0" ? 0.12 : 1;
    pen.fillStyle = key.slice(1);
    pen.beginPath();
    places.forEach(([x, y, node]) => {
      if (isFounder(node)) pen.rect(x - r - 1, y - r - 1, 2 * r + 2, 2 * r + 2);
      else { pen.moveTo(x + r, y); pen.arc(x, y, r, 0, 7); }
    });
    pen.fill();
  }
  pen.globalAlpha = 1;
};

const highlights = (pen) => {
  pen.strokeStyle = colour("accent");
  for (const isMain of [false, true]) {
    pen.globalAlpha = isMain ? 1 : Math.max(0.12, Math.min(0.4, 60 / kin.links.length));
    pen.lineWidth = isMain ? 2.5 : 1;
    pen.beginPath();
    kin.links.forEach(([parent, child, main]) => main === isMain && curve(pen, parent, child));
    pen.stroke();
  }
  pen.globalAlpha = 1;
};

const halo = (pen, node, name) => {
  pen.strokeStyle = colour(name);
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(left(node), top_(node), radius() + 5, 0, 7);
  pen.stroke();
};

const names = (pen) => {
  pen.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  pen.textAlign = "start";
  pen.fillStyle = colour("ink");
  pen.strokeStyle = colour("paper");
  pen.lineWidth = 3;
  const taken = [];
  const write = (node) => {
    const [x, y] = [left(node) + radius() + 6, top_(node) - 4];
    if (y < 0 || y > size.height - pad.bottom || x < 0 || x > size.width) return;
    const text = called(node);
    const end = x + 4 + brush.measureText(text).width;
    if (taken.some(([x0, y0, x1]) => Math.abs(y - y0) < 12 && x < x1 && end > x0)) return;
    taken.push([x, y, end]);
    pen.strokeText(text, x, y);
    pen.globalAlpha = kin.found.has(node) || isFounder(node) ? 1 : 0.65;
    pen.fillText(text, x, y);
    pen.globalAlpha = 1;
  };
  // Those that matter come first, for where they are written nobody else is.
  const first = new Set([look.selected, data.champion]);
  if (view.ky > 4) [...Object.keys(people.name).map(Number), ...kin.line].forEach((node) => first.add(node));
  first.forEach(write);
  for (let node = 0; node < total && view.ky > 13; node += 1) if (!first.has(node)) write(node);
};

const ticks = (pen) => {
  const step = 10 ** Math.ceil(Math.log10(46 / view.kx));
  const every = Math.max(1, [step / 5, step / 2, step].find((one) => one * view.kx >= 46));
  pen.font = `11px ${getComputedStyle(canvas).fontFamily}`;
  pen.textAlign = "center";
  pen.fillStyle = colour("soft");
  pen.strokeStyle = colour("rule");
  pen.lineWidth = 1;
  const [, last] = extent(tree[look.axis]);
  pen.beginPath();
  for (let value = Math.max(0, Math.ceil(view.x / every) * every); value <= last; value += every) {
    const x = pad.left + (value - view.x) * view.kx;
    if (x < 8 || x > size.width - 8) continue;
    pen.moveTo(x, 4);
    pen.lineTo(x, size.height - 22);
    if (x < size.width - 90) pen.fillText(String(value), x, size.height - 8);
  }
  pen.stroke();
  pen.textAlign = "end";
  pen.fillText(look.axis, size.width - 8, size.height - 8);
};

const draw = (pen) => {
  pen.fillStyle = colour("paper");
  pen.fillRect(0, 0, size.width, size.height);
  ticks(pen);
  pen.strokeStyle = colour("faint");
  pen.lineWidth = view.ky < 1 ? 0.6 : 1;
  pen.beginPath();
  tree.parent.forEach((parent, node) => parent >= 0 && curve(pen, parent, node));
  pen.stroke();
  highlights(pen);
  dots(pen);
  pen.fillStyle = colour("accent");
  pen.strokeStyle = colour("paper");
  pen.lineWidth = 1.5;
  pen.beginPath();
  star(pen, left(data.champion), top_(data.champion), radius() + 6);
  pen.stroke();
  pen.fill();
  halo(pen, look.selected, "ink");
  if (look.hovered !== null) halo(pen, look.hovered, "accent");
  names(pen);
};
