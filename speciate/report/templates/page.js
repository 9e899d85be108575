// Theme, saving, printing, and all that happens once.
const charts = (width) => Promise.all(data.figures.map((figure) => chart(figure, width)));

const restyle = () => {
  find("#theme").textContent = isDark() ? "Light" : "Dark";
  recolour();
  return charts();
};

find("#theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  restyle();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
document.addEventListener("click", (event) => {
  const kind = event.target.dataset?.save;
  if (!kind) return;
  const { key } = event.target.closest("figure").dataset;
  if (key === "phylogeny") saveTree(kind);
  else saveChart(data.figures.find((figure) => figure.key === key), kind);
});
const acts = { in: () => zoom(1.5), out: () => zoom(1 / 1.5), fit: () => { view = fitted(); show(); }, champion: () => select(data.champion, "near") };
document.querySelectorAll("[data-act]").forEach((button) => button.addEventListener("click", acts[button.dataset.act]));

let before = null;
addEventListener("beforeprint", () => {
  before = root.dataset.theme;
  root.dataset.theme = "light";
  recolour();
  brush.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  draw(brush);
  charts(680);
});
addEventListener("afterprint", () => {
  if (before) root.dataset.theme = before; else delete root.dataset.theme;
  restyle();
});

new ResizeObserver(resize).observe(canvas);
let last = innerWidth;
addEventListener("resize", () => { if (innerWidth !== last) { last = innerWidth; charts(); } });
resize();
describe(data.champion);
restyle().then(() => {
  for (const figure of data.figures) {
    place(figure).on("plotly_click", ({ points }) => {
      const node = points[0].customdata;
      if (!(node >= 0)) return;
      select(node, "near");
      find("#figure-phylogeny").scrollIntoView({ behavior: "smooth" });
    });
  }
  root.dataset.ready = "yes";
});
