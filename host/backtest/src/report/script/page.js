// The page as a whole.

function repaint() {
  repaints.forEach((paint) => paint());
}

function themes() {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint);
  byId("theme").addEventListener("click", () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
    root.dataset.theme = isDark ? "light" : "dark";
    repaint();
  });
  // A chart does not follow the width of paper: pictures of the charts, painted light, take their places.
  let before;
  let pictures = [];
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    repaint();
    pictures = drawn.map(({ container, chart }) => {
      const picture = chart.takeScreenshot(true);
      picture.className = "printed";
      container.after(picture);
      return picture;
    });
  });
  window.addEventListener("afterprint", () => {
    pictures.forEach((picture) => picture.remove());
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    repaint();
  });
}

function navigation() {
  const links = [...document.querySelectorAll("nav a")];
  const sections = links.map((link) => document.querySelector(link.hash));
  const mark = () => {
    const passed = sections.filter((section) => section.getBoundingClientRect().top < 120).length;
    links.forEach((link, i) => (i === Math.max(passed - 1, 0) ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  };
  document.addEventListener("scroll", mark, { passive: true });
  mark();
}

function metrics() {
  const all = [...document.querySelectorAll("#metrics details")];
  byId("metric-tools").append(toggle("All definitions", false, (on) => all.forEach((one) => { one.open = on; })));
}

themes();
navigation();
metrics();
equityChart();
const price = priceChart((trade) => list.reveal(trade));
const list = tradeList(price.focus);
rejectedList();
