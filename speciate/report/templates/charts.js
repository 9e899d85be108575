// Figures told in marks, drawn by plotly.
const config = { displayModeBar: false, responsive: true, displaylogo: false };
const symbols = { circle: "circle", square: "square", star: "star", x: "x-thin", diamond: "diamond" };
// Plotly reads some HTML in labels.
const plain = (text) => text.replace(/[<>&]/g, (sign) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[sign]);
const broken = (text) => plain(text).replaceAll("\n", "<br>");

const marks = {
  line: (layer) => ({
    type: "scatter", mode: "lines", name: plain(layer.name), x: layer.x, y: layer.y, hoverinfo: "skip",
    line: { color: colour(layer.colour), width: layer.width, dash: layer.dash ? "5px,4px" : "solid", shape: layer.steps ? "hv" : "linear" },
  }),
  dots: (layer) => ({
    type: "scatter", mode: layer.labels.some(Boolean) ? "markers+text" : "markers", name: plain(layer.name), x: layer.x, y: layer.y,
    text: layer.labels.length ? layer.labels.map(broken) : undefined, textposition: "bottom center", textfont: { size: 10, color: colour("soft") },
    customdata: layer.people, hovertext: layer.texts.map(plain), hovertemplate: "%{hovertext}<extra></extra>", cliponaxis: false,
    marker: { color: colour(layer.colour), size: layer.size, symbol: symbols[layer.shape], opacity: layer.faint ? 0.45 : 1 },
    error_x: layer.low.length ? { type: "data", symmetric: false, array: layer.high.map((high, place) => (high === null ? 0 : high - layer.x[place])), arrayminus: layer.low.map((low, place) => (low === null ? 0 : layer.x[place] - low)), color: colour(layer.colour), thickness: 1.6, width: 0 } : undefined,
  }),
  cells: (layer, width) => ({
    type: "heatmap", z: layer.values, x: layer.columns.map((_, place) => place), y: layer.rows.map((_, place) => place), text: layer.texts,
    texttemplate: width / layer.columns.length > 44 ? "%{text}" : "", textfont: { size: 11 }, hovertext: layer.texts.map((row, place) => row.map((text, column) => plain(`${layer.rows[place]} · ${layer.columns[column].replace("\n", ", ")}: ${text}`))),
    hovertemplate: "%{hovertext}<extra></extra>", zmin: 0, zmax: 1, showscale: false, xgap: 2, ygap: 2,
    colorscale: scale().map((stop, place) => [place / 4, stop]),
  }),
};

const listedAxis = (labels) => ({ tickmode: "array", tickvals: labels.map((_, place) => place), ticktext: labels.map(broken), ticks: "" });

const layoutOf = (figure, width) => {
  const axis = { gridcolor: colour("rule"), linecolor: colour("faint"), zeroline: false, tickfont: { size: 11 }, automargin: true, ticks: "" };
  const small = width < 560;
  const layout = {
    width, height: figure.height + (figure.legend && small ? 60 : 0), paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(canvas).fontFamily, size: 12, color: colour("soft") },
    margin: { l: 12, r: small ? 12 : 24, t: 16, b: 12, pad: 4 }, hovermode: "closest", dragmode: small ? false : "zoom",
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("faint"), font: { color: colour("ink"), size: 12 }, align: "left" },
    xaxis: { ...axis, title: { text: plain(figure.x), standoff: 10 } }, yaxis: { ...axis, title: { text: plain(figure.y), standoff: 8 } },
    showlegend: figure.legend, legend: { orientation: "h", x: 0, y: small ? -0.22 : -0.16, yanchor: "top", font: { size: 11 }, itemsizing: "trace" },
  };
  const cells = figure.layers.find(({ mark }) => mark === "cells");
  if (cells) {
    Object.assign(layout.xaxis, listedAxis(cells.columns), { side: "top", showgrid: false });
    Object.assign(layout.yaxis, listedAxis(cells.rows), { autorange: "reversed", showgrid: false });
  }
  if (figure.rows.length) Object.assign(layout.yaxis, listedAxis(figure.rows), { range: [figure.rows.length - 0.4, -0.6], showgrid: false });
  if (figure.bare) {
    const [low, high] = extent(figure.layers.flatMap((layer) => (layer.mark === "dots" ? layer.y : [])));
    layout.yaxis.range = [low - 0.9, high + 0.6]; // Room for what is written below.
    Object.assign(layout.yaxis, { showticklabels: false, showgrid: false, showline: false });
    Object.assign(layout.xaxis, { showgrid: false, dtick: figure.layers.some((layer) => layer.x.some((value) => value > 12)) ? undefined : 1 });
  }
  return layout;
};

const place = (figure) => find(`#figure-${figure.key} .plot`);
const drawn = (figure, width) => [figure.layers.map((layer) => marks[layer.mark](layer, width)), layoutOf(figure, width)];

const chart = async (figure, wanted) => {
  const box = place(figure);
  const width = wanted ?? box.clientWidth;
  await Plotly.react(box, ...drawn(figure, width), config);
};

const saveChart = async (figure, kind) => {
  const [traces, layout] = drawn(figure, 900);
  const title = { text: plain(figure.title), x: 0.02, font: { size: 15, color: colour("ink") } };
  Object.assign(layout, { title, paper_bgcolor: colour("paper"), margin: { ...layout.margin, t: figure.layers[0].mark === "cells" ? 90 : 48 } });
  const url = await Plotly.toImage({ data: traces, layout, config }, { format: kind, width: 900, height: layout.height + 30, scale: kind === "png" ? 2 : 1 });
  save(`${figure.key}.${kind}`, url);
};

// Another pair of tasks: the same marks at other places.
const pareto = data.figures.find(({ key }) => key === "pareto");
const pair = () => ["#task-x", "#task-y"].map((one) => Number(find(one).value));
const repair = () => {
  const [x, y] = pair();
  const front = data.fronts[x < y ? `${x},${y}` : `${y},${x}`];
  if (!front) return;
  const [line, best] = [pareto.layers.find(({ mark }) => mark === "line"), pareto.layers[2]];
  best.people = front;
  best.texts = front.map(brief);
  for (const layer of pareto.layers) {
    const nodes = layer === line ? front : layer.people;
    layer.x = nodes.map((node) => people.scores[x][node]);
    layer.y = nodes.map((node) => people.scores[y][node]);
  }
  [pareto.x, pareto.y] = [data.tasks[x].axis, data.tasks[y].axis];
  chart(pareto);
};
if (pareto) {
  for (const [selector, first] of [["#task-x", 0], ["#task-y", 1]]) {
    data.tasks.forEach((task, number) => task.paired && find(selector).append(element("option", task.name, { value: number, selected: number === first })));
    find(selector).addEventListener("change", () => {
      const [x, y] = pair();
      // The other one makes room.
      if (x === y) find(selector === "#task-x" ? "#task-y" : "#task-x").value = String(x ? 0 : 1);
      repair();
    });
  }
}
