// What is known of one node, the legend, and the search.
const panel = find("#details");

const link = (node, text = called(node)) => {
  const button = element("button", text, { className: "link", type: "button" });
  button.addEventListener("click", () => { select(node, "inside"); panel.querySelector("h3").focus(); });
  return button;
};

const listed = (title, nodes, most, all = nodes.length) => {
  const part = element("div", "", { className: "kin" });
  part.append(element("h4", title));
  const list = element("ul");
  for (const [node, note] of nodes.slice(0, most)) {
    const item = element("li");
    item.append(typeof node === "number" ? link(node) : element("span", node), element("small", note));
    list.append(item);
  }
  const more = all - Math.min(most, nodes.length);
  if (more) list.append(element("li", `and ${many(more)} more`));
  part.append(list);
  return part;
};

const table = (rows) => {
  const made = element("dl");
  rows.filter(([, value]) => value !== "").forEach(([name, value]) => made.append(element("dt", name), element("dd", value)));
  return made;
};

const roles = (node) => {
  const badges = [[node === data.champion, "champion"], [living.has(node), "living"], [isFounder(node), "founder"], [node === data.average, "plain average"], [hasFailed(node), "failed"]];
  return badges.filter(([is]) => is).map(([, text]) => text);
};

const describeGroup = (node) => {
  const group = groups[node - count];
  return [
    element("p", "Individuals that descend from the one to the left and are not drawn one by one."),
    table([["individuals", many(group.count)], ["failed", many(group.failed)], ["best fitness", figures(group.best)], ["mean fitness", figures(group.mean)], ["born in steps", `${group.first} to ${group.last}`]]),
    ...(tree.parent[node] >= 0 ? [listed("Below", [[tree.parent[node], ""]], 1)] : []),
  ];
};

const describePerson = (node) => {
  const parts = [element("p", said(people.recipe[node]), { className: "recipe" })];
  const gap = tree.gap[node];
  parts.push(table([
    ["fitness", figures(people.fitness[node])],
    ...data.tasks.map((task, number) => [`${task.name}, ${task.metric}`, figures(people.scores[number][node])]),
    ["born", `step ${tree.step[node]}, generation ${tree.generation[node]}`],
    ["proposed by", said(people.proposer[node])],
    ["children", many(people.children[node])],
    ["ancestors shown", many(lineage(node).found.size - 1)],
    ["hidden before it", gap ? `${many(gap)} in its main line` : ""],
  ]));
  if (people.error[node]) parts.push(element("p", said(people.error[node]), { className: "failure" }));
  if (people.reason[node]) parts.push(element("blockquote", said(people.reason[node])));
  if (people.parents[node].length) parts.push(listed("Parents", people.parents[node].map(([parent, role]) => [parent, said(role)]), 12));
  const young = bred[node].toSorted((one, other) => (people.fitness[other] ?? -Infinity) - (people.fitness[one] ?? -Infinity));
  if (young.length) parts.push(listed("Fittest children", young.map((child) => [child, figures(people.fitness[child])]), 8, people.children[node]));
  parts.push(element("p", people.id[node], { className: "id" }));
  return parts;
};

const describe = (node) => {
  const title = element("h3", called(node), { tabIndex: -1 });
  const badges = element("p", isGroup(node) ? "summarised" : [said(people.operator[node]), ...roles(node).filter((role) => role !== said(people.operator[node]))].join(" · "), { className: "badges" });
  panel.replaceChildren(title, badges, ...(isGroup(node) ? describeGroup(node) : describePerson(node)));
};

const legend = find("#legend");
const drawLegend = () => {
  const entries = (colours.legend ?? []).map(({ code, text, colour: its, number }) => {
    const button = element("button", "", { type: "button", className: "kind", ariaPressed: String(look.only === code) });
    const swatch = element("i");
    swatch.style.background = its;
    button.append(swatch, element("span", text), element("small", many(number)));
    button.addEventListener("click", () => { look.only = look.only === code ? null : code; drawLegend(); show(); });
    return button;
  });
  if (colours.rest) {
    const rest = element("span", "", { className: "kind" });
    const swatch = element("i");
    swatch.style.background = colours.rest.colour;
    rest.append(swatch, element("span", "others"), element("small", many(colours.rest.number)));
    entries.push(rest);
  }
  if (colours.ramp) {
    const { stops, low, high } = colours.ramp;
    const ramp = element("span", "", { className: "ramp" });
    const bar = element("i");
    bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
    const digits = look.by === "generation" ? 0 : 3;
    ramp.append(element("span", figures(low, digits)), bar, element("span", figures(high, digits)));
    entries.push(ramp);
  }
  legend.replaceChildren(...entries);
};

const recolour = () => {
  colours = repaint();
  drawLegend();
  show();
};

const by = find("#by");
data.tasks.forEach((task, number) => by.append(element("option", `score: ${task.name}`, { value: `t${number}` })));
by.addEventListener("change", () => { look.by = by.value; look.only = null; recolour(); });
find("#axis").addEventListener("change", (event) => { look.axis = event.target.value; view = fitted(); show(); });

const input = find("#search");
const results = find("#results");
const hidden = (text) => {
  const { ids, digits, group } = data.hidden;
  const begin = text.slice(0, digits);
  let [low, high] = [0, group.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids.slice(middle * digits, (middle + 1) * digits) < begin) low = middle + 1; else high = middle;
  }
  const found = ids.slice(low * digits, (low + 1) * digits);
  return low < group.length && found.startsWith(begin) ? [[count + group[low], `${found}, among ${called(count + group[low])}`]] : [];
};
const matches = (text) => {
  const found = [];
  for (let node = 0; node < count && found.length < 8; node += 1) {
    const name = people.name[node]?.toLowerCase();
    if (people.id[node].startsWith(text) || name?.includes(text)) found.push([node, brief(node)]);
  }
  return found.length < 8 && /^[0-9a-f]{2,}$/.test(text) ? [...found, ...hidden(text)] : found;
};
const search = () => {
  const text = input.value.trim().toLowerCase();
  const found = text ? matches(text) : [];
  results.replaceChildren(...found.map(([node, what]) => {
    const button = element("button", what, { type: "button" });
    button.addEventListener("click", () => { select(node, "near"); results.replaceChildren(); canvas.focus(); });
    return button;
  }));
  if (text && !found.length) results.append(element("p", "nobody of that id or name"));
};
input.addEventListener("input", search);
input.form.addEventListener("submit", (event) => {
  event.preventDefault();
  results.querySelector("button")?.click();
});
document.addEventListener("click", (event) => { if (!input.form.contains(event.target)) results.replaceChildren(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") results.replaceChildren(); });
