// What is said of individuals. Texts are the archive's: they only ever become text nodes.
const { people, tree, groups } = data;
const count = people.id.length;
const total = tree.parent.length;
const said = (number) => people.words[number];
const isGroup = (node) => node >= count;
const isFounder = (node) => node in people.name;
const hasFailed = (node) => !isGroup(node) && people.fitness[node] === null;
const living = new Set(data.living);
const figures = (value, digits = 4) => (value === null ? "" : value.toFixed(digits));
const many = (value) => value.toLocaleString("en");

const called = (node) => {
  if (isGroup(node)) return `${many(groups[node - count].count)} others`;
  return people.name[node] ?? people.id[node].slice(0, data.hidden.digits);
};

const brief = (node) => {
  if (isGroup(node)) {
    const group = groups[node - count];
    return `${called(node)} · steps ${group.first} to ${group.last} · best ${figures(group.best)}`;
  }
  const fitness = hasFailed(node) ? "failed" : `fitness ${figures(people.fitness[node])}`;
  return `${called(node)} · ${said(people.operator[node])} · step ${tree.step[node]} · ${fitness}`;
};

const children = Array.from({ length: total }, () => []);
tree.parent.forEach((parent, node) => parent >= 0 && children[parent].push(node));
const bred = Array.from({ length: count }, () => []);
people.parents.forEach((parents, node) =>
  new Set(parents.map(([parent]) => parent)).forEach((parent) => typeof parent === "number" && bred[parent].push(node)));

// All ancestors that are shown, the links to them, through recipes and along the tree, and its line
// of parents in the tree.
const lineage = (node) => {
  const line = new Set();
  for (let one = node; one >= 0; one = tree.parent[one]) line.add(one);
  const found = new Set([node]);
  const links = [];
  for (const one of found) {
    const parents = isGroup(one) ? [] : people.parents[one].map(([parent]) => parent);
    const near = new Set([...parents.filter((parent) => typeof parent === "number"), tree.parent[one]]);
    near.delete(-1);
    for (const parent of near) {
      links.push([parent, one, line.has(one) && parent === tree.parent[one]]);
      found.add(parent);
    }
  }
  return { found, links, line };
};

const element = (tag, text = "", properties = {}) =>
  Object.assign(document.createElement(tag), { textContent: text }, properties);

const save = (name, url) => {
  const link = element("a", "", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
};

const saveBlob = (name, blob) => {
  const url = URL.createObjectURL(blob);
  save(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};
