// The family tree under mouse, fingers and keys.
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
