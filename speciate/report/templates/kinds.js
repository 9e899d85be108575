// Colours of individuals, by what they have in common or by a number.
const kinds = 7;

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
