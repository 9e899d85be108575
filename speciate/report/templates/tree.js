// The family tree on a canvas: seen through a view that zooms and pans.
const canvas = find("#tree");
const brush = canvas.getContext("2d");
const tip = find("#tip");
const kinds = 7;
const look = { by: "operator", axis: "generation", only: null, selected: data.champion, hovered: null };
let size = { width: 0, height: 0 };
let view = { x: 0, y: 0, kx: 1, ky: 1 };
let colours = null;
let kin = lineage(look.selected);
const pad = { left: 24, right: 84, top: 20, bottom: 34 };
const across = (node) => tree[look.axis][node];
const left = (node) => pad.left + (across(node) - view.x) * view.kx;
const top_ = (node) => pad.top + (tree.y[node] - view.y) * view.ky;
const extent = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

const fitted = () => {
  const [[x0, x1], [y0, y1]] = [extent(tree[look.axis]), extent(tree.y)];
  const inner = { width: size.width - pad.left - pad.right, height: size.height - pad.top - pad.bottom };
  const ky = Math.min(inner.height / Math.max(y1 - y0, 1), 40);
  const slack = (inner.height / ky - (y1 - y0)) / 2;
  return { x: x0, y: y0 - slack, kx: inner.width / Math.max(x1 - x0, 1), ky };
};

// Words for kinds, from the commonest; all beyond the palette share one colour.
const ranked = (codes) => {
  const counts = new Map();
  codes.forEach((code) => counts.set(code, (counts.get(code) ?? 0) + 1));
  return [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
};

const valued = () => {
  if (look.by === "generation" || look.by === "fitness") return { values: (look.by === "fitness" ? people.fitness : tree.generation.slice(0, count)), higher: true };
  const number = Number(look.by.slice(1));
  return { values: people.scores[number], higher: data.tasks[number].higher };
};

const repaint = () => {
  const muted = colour("muted");
  const plain = Array(total).fill(muted);
  if (look.by === "operator" || look.by === "proposer") {
    const codes = people[look.by];
    const order = ranked(codes);
    const names = new Map(order.slice(0, order.length > kinds + 1 ? kinds : order.length).map(([code], place) => [code, place]));
    const palette = [...names].map(([, place]) => colour(String(place)));
    codes.forEach((code, node) => { plain[node] = palette[names.get(code)] ?? muted; });
    const rest = order.slice(names.size).reduce((sum, [, number]) => sum + number, 0);
    const legend = [...names].map(([code, place]) => ({ code, text: said(code), colour: palette[place], number: order[place][1] }));
    return { of: plain, legend, rest: rest && { text: "others", colour: muted, number: rest } };
  }
  const { values, higher } = valued();
  const [low, high] = extent(values.filter((value) => value !== null));
  const stops = scale();
  const share = (value) => (high > low ? (value - low) / (high - low) : 0.5);
  values.forEach((value, node) => { if (value !== null) plain[node] = mixed(stops, higher ? share(value) : 1 - share(value)); });
  return { of: plain, ramp: { stops, low: higher ? low : high, high: higher ? high : low } };
};

const isDim = (node) => look.only !== null && (isGroup(node) || people[look.by][node] !== look.only);

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
    pen.fillText(String(value), x, size.height - 8);
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

let waiting = false;
const show = () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const dense = devicePixelRatio || 1;
    brush.setTransform(dense, 0, 0, dense, 0, 0);
    draw(brush);
  });
};

const resize = () => {
  const box = canvas.getBoundingClientRect();
  if (!box.width) return;
  size = { width: box.width, height: box.height };
  const dense = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(box.width * dense), Math.round(box.height * dense)];
  view = fitted();
  show();
};

const zoom = (factor, x = size.width / 2, y = size.height / 2) => {
  const whole = fitted();
  const wanted = Math.min(Math.max(view.ky * factor, whole.ky * 0.7), Math.max(whole.ky * 1.2, 48));
  // Columns need less room than rows: beyond some width, only rows part.
  const wide = Math.min(Math.max(view.kx * wanted / view.ky, whole.kx * 0.7), Math.max(whole.kx, 140));
  view.x += (x - pad.left) * (1 / view.kx - 1 / wide);
  view.y += (y - pad.top) * (1 / view.ky - 1 / wanted);
  [view.kx, view.ky] = [wide, wanted];
  show();
};

const pan = (x, y) => {
  view.x -= x / view.kx;
  view.y -= y / view.ky;
  show();
};

// Brings a node into sight, near enough to tell it from its neighbours.
const centre = (node, near = false) => {
  if (near && view.ky < 9) zoom(Math.min(9, Math.max(fitted().ky, 9)) / view.ky, left(node), top_(node));
  const [x, y] = [left(node), top_(node)];
  const inside = x > 20 && x < size.width - 60 && y > 20 && y < size.height - 40;
  if (near || !inside) pan(size.width / 2 - x, size.height / 2 - y);
};

const nearest = (x, y) => {
  let [best, reach] = [null, 144];
  for (let node = 0; node < total; node += 1) {
    const [dx, dy] = [left(node) - x, top_(node) - y];
    const far = dx * dx + dy * dy;
    if (far < reach) [best, reach] = [node, far];
  }
  return best;
};

const hover = (node) => {
  if (node === look.hovered) return;
  look.hovered = node;
  canvas.style.cursor = node === null ? "grab" : "pointer";
  tip.hidden = node === null;
  if (node !== null) {
    tip.textContent = brief(node);
    const x = Math.min(Math.max(left(node), 8), size.width - 8);
    tip.style.left = `${x}px`;
    tip.style.top = `${top_(node)}px`;
    tip.dataset.side = x > size.width * 0.6 ? "left" : "right";
  }
  show();
};

const select = (node, where = "stay") => {
  look.selected = node;
  kin = lineage(node);
  hover(null);
  if (where !== "stay") centre(node, where === "near");
  describe(node);
  show();
};

const fingers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, event);
  moved = 0;
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return hover(nearest(event.offsetX, event.offsetY));
  const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
  moved += Math.abs(dx) + Math.abs(dy);
  const other = [...fingers.values()].find((one) => one.pointerId !== event.pointerId);
  if (other) {
    const far = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const box = canvas.getBoundingClientRect();
    zoom(far(event) / Math.max(far(before), 1), (event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top);
  } else if (moved > 4) {
    hover(null);
    pan(dx, dy);
  }
  return fingers.set(event.pointerId, event);
});
canvas.addEventListener("pointerup", (event) => {
  if (fingers.size === 1 && moved <= 4) {
    const node = nearest(event.offsetX, event.offsetY);
    if (node !== null) select(node);
  }
  fingers.delete(event.pointerId);
});
canvas.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
canvas.addEventListener("pointerleave", () => hover(null));
canvas.addEventListener("wheel", (event) => {
  // Until it was clicked, the page scrolls.
  if (document.activeElement !== canvas && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * 0.002), event.offsetX, event.offsetY);
}, { passive: false });

const beside = (node, way) => {
  const near = [];
  for (let one = 0; one < total; one += 1) if (across(one) === across(node) && Math.sign(tree.y[one] - tree.y[node]) === way) near.push(one);
  return near.sort((one, other) => way * (tree.y[one] - tree.y[other]))[0];
};
const keys = {
  ArrowLeft: () => tree.parent[look.selected],
  ArrowRight: () => children[look.selected].toSorted((one, other) => children[other].length - children[one].length || one - other)[0],
  ArrowUp: () => beside(look.selected, -1),
  ArrowDown: () => beside(look.selected, 1),
  Home: () => data.champion,
};
canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in keys) {
    const node = keys[event.key]();
    if (node !== undefined && node >= 0) select(node, "inside");
  } else if (event.key === "+" || event.key === "=") zoom(1.4, left(look.selected), top_(look.selected));
  else if (event.key === "-") zoom(1 / 1.4, left(look.selected), top_(look.selected));
  else if (event.key === "0") { view = fitted(); show(); } else return;
  event.preventDefault();
});

const saveTree = (kind) => {
  if (kind === "png") return canvas.toBlob((blob) => saveBlob("phylogeny.png", blob));
  const pen = new Pen(Math.round(size.width), Math.round(size.height));
  draw(pen);
  return saveBlob("phylogeny.svg", new Blob([pen.toString()], { type: "image/svg+xml" }));
};
