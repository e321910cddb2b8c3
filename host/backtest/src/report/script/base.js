// What every part of the page's script uses: the data, elements, numbers and times for people.

const data = JSON.parse(document.getElementById("data").textContent);
const charts = window.LightweightCharts;
const trades = data.trades;
const repaints = [];
const drawn = [];

const byId = (id) => document.getElementById(id);
const color = (name) => {
  // A custom property reads back as written, light-dark() and all; a color reads back resolved.
  const probe = byId("tip");
  probe.style.color = `var(--${name})`;
  const resolved = getComputedStyle(probe).color;
  probe.style.color = "";
  return resolved;
};
const faded = (rgb, alpha) => rgb.replace(/^rgba?\(([^,]+),([^,]+),([^,)]+).*$/, `rgba($1,$2,$3,${alpha})`);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Numbers and times for people.
const formats = new Map();
function number(value, decimals) {
  if (!formats.has(decimals)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, new Intl.NumberFormat("en-US", digits));
  }
  return formats.get(decimals).format(value).replace("-", "−").replace(/^−(0[.0]*)$/, "$1");
}
const signed = (value, decimals) => (value > 0 ? "+" : "") + number(value, decimals);
/** A sum of money: to the cent, one below 1 with four decimals. */
const cents = (value) => (value !== 0 && Math.abs(value) < 1 ? 4 : 2);
const quantity = (value) => Number(value.toPrecision(8)).toLocaleString("en-US", { maximumFractionDigits: 8 });
const iso = (seconds) => new Date(seconds * 1000).toISOString();
const minute = (seconds) => iso(seconds).slice(0, 16).replace("T", " ");
const date = (seconds) => iso(seconds).slice(0, 10);
const priceDecimals = (trade) => {
  const chart = trades.chart[trades.symbol[trade]];
  return chart === null ? 2 : data.prices[chart].decimals;
};
