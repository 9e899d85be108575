// What part of the family tree the canvas shows, and who is where.
const canvas = find("#tree");
const brush = canvas.getContext("2d");
const tip = find("#tip");
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

const zoom = (factor, atX = size.width / 2, atY = size.height / 2) => {
  // In the void, it is towards whoever is nearest: nobody wants to see nothing.
  const near = nearest(atX, atY) ?? nearest(atX, atY, Infinity);
  const isFar = Math.hypot(left(near) - atX, top_(near) - atY) > 40;
  const [x, y] = isFar ? [left(near), top_(near)] : [atX, atY];
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

const nearest = (x, y, within = 144) => {
  let [best, reach] = [null, within];
  for (let node = 0; node < total; node += 1) {
    const [dx, dy] = [left(node) - x, top_(node) - y];
    const far = dx * dx + dy * dy;
    if (far < reach) [best, reach] = [node, far];
  }
  return best;
};
