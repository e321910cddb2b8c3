// A chart and the controls around it.

const behavior = {
  layout: { attributionLogo: false }, // The foot of the page has the link that the licence asks for.
  grid: { vertLines: { visible: false } },
  rightPriceScale: { borderVisible: false },
  timeScale: { timeVisible: true, secondsVisible: false, minBarSpacing: 0.02 },
  crosshair: { mode: 0 },
  localization: { locale: "en-GB", timeFormatter: minute },
  // A page is scrolled with a finger: only sideways strokes move the chart.
  handleScroll: { vertTouchDrag: false, mouseWheel: false, horzTouchDrag: true, pressedMouseMove: true },
  handleScale: { mouseWheel: false, pinch: true, axisPressedMouseMove: true },
  autoSize: true,
};

/** What the scheme decides. Nothing in it moves the chart: a repaint leaves the view as it is. */
function chartColors() {
  const soft = color("soft");
  const line = color("line");
  const hair = { color: soft, labelBackgroundColor: soft, width: 1, style: 2 };
  return {
    layout: {
      background: { type: "solid", color: "transparent" },
      textColor: soft,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 12,
      panes: { separatorColor: line, separatorHoverColor: faded(soft, 0.25) },
    },
    grid: { horzLines: { color: faded(line, 0.7) } },
    timeScale: { borderColor: line },
    crosshair: { vertLine: hair, horzLine: hair },
  };
}

function makeChart(container) {
  const chart = charts.createChart(container, behavior);
  const paint = () => chart.applyOptions(chartColors());
  paint();
  repaints.push(paint);
  drawn.push({ container, chart });
  const scale = chart.timeScale();
  const zoom = (factor) => {
    const range = scale.getVisibleLogicalRange();
    if (!range) return;
    const middle = (range.from + range.to) / 2;
    const half = Math.max(4, ((range.to - range.from) / 2) * factor);
    scale.setVisibleLogicalRange({ from: middle - half, to: middle + half });
  };
  const move = (part) => {
    const range = scale.getVisibleLogicalRange();
    if (!range) return;
    const by = (range.to - range.from) * part;
    scale.setVisibleLogicalRange({ from: range.from + by, to: range.to + by });
  };
  const keys = {
    ArrowLeft: () => move(-0.2),
    ArrowRight: () => move(0.2),
    "+": () => zoom(0.6),
    "=": () => zoom(0.6),
    "-": () => zoom(1.6),
    Home: () => fit(),
  };
  container.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  // The wheel alone scrolls the page; with ctrl or a pinch on a touchpad it zooms the chart.
  container.addEventListener(
    "wheel",
    (event) => {
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX / container.clientWidth);
      else if (event.ctrlKey || event.metaKey) zoom(Math.exp(event.deltaY / 120));
      else return;
      event.preventDefault();
    },
    { passive: false },
  );
  // A little air at both ends keeps the first and the last label of the axis whole.
  const fit = () => {
    const bars = chart.panes()[0].getSeries()[0].data().length;
    const air = (bars * 22) / Math.max(container.clientWidth, 200);
    scale.setVisibleLogicalRange({ from: -0.5 - air, to: bars - 0.5 + air });
  };
  return { chart, zoom, fit };
}

const button = (text, press, pressed) =>
  element("button", { type: "button", onclick: press, "aria-pressed": pressed === undefined ? null : String(pressed) }, text);

function toggle(text, pressed, set) {
  const made = button(text, () => {
    const on = made.getAttribute("aria-pressed") !== "true";
    made.setAttribute("aria-pressed", String(on));
    set(on);
  }, pressed);
  return made;
}

function zoomButtons(zoom) {
  const smaller = button("−", () => zoom(1.6));
  const larger = button("+", () => zoom(0.6));
  smaller.setAttribute("aria-label", "Zoom out");
  larger.setAttribute("aria-label", "Zoom in");
  return element("span", { class: "segment" }, smaller, larger);
}

/** Buttons for the last stretches of time that are shorter than the run. */
function rangeButtons({ chart, fit }, times) {
  const day = 86400;
  const last = times()[times().length - 1];
  const length = last - times()[0];
  const choices = [["1 w", 7], ["1 m", 30], ["3 m", 91], ["1 y", 365], ["3 y", 1096]].filter(([, days]) => days * day < length * 0.95);
  const show = (days) => {
    const all = times();
    if (!days) return fit();
    const from = firstAtOrAfter(all, all[all.length - 1] - days * day);
    chart.timeScale().setVisibleLogicalRange({ from: from - 0.5, to: all.length + 1.5 });
  };
  const shown = choices.slice(-4).map(([name, days]) => button(name, () => show(days)));
  return element("span", { class: "segment" }, ...shown, button("All", () => show(0)));
}

function firstAtOrAfter(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const swatch = (name) => {
  const line = element("i");
  line.style.cssText = `display:inline-block;width:18px;height:3px;border-radius:2px;background:var(--${name})`;
  return line;
};
