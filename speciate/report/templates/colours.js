// Colours have names; light and dark themes give them values.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const find = (selector) => document.querySelector(selector);
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

const colour = (name) => {
  probe.style.color = `var(--${/^\d/.test(name) ? `c${name}` : name})`;
  return getComputedStyle(probe).color;
};

// From worst to best; lightness alone tells, so all kinds of colour vision see the same order.
const scale = () => [0, 1, 2, 3, 4].map((stop) => colour(`s${stop}`));

const mixed = (stops, share) => {
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const [one, other] = [stops[low], stops[low + 1]].map((stop) => stop.match(/[\d.]+/g).map(Number));
  return `rgb(${one.slice(0, 3).map((value, place) => Math.round(value + (other[place] - value) * (at - low))).join(",")})`;
};

const isDark = () => {
  const chosen = root.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
