// Candles with the trades on them.

/** Calls `reveal` with a trade that was clicked; the answer's `focus` brings a trade into view. */
function priceChart(reveal) {
  const container = byId("price-chart");
  if (!container) return { focus: () => {} };
  const made = makeChart(container);
  const { chart, zoom, fit } = made;
  const candles = chart.addSeries(charts.CandlestickSeries, { priceLineVisible: false });
  const volume = chart.addSeries(charts.HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
  chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.1, bottom: 0.17 } });

  const hint = element("div", { class: "hint", hidden: "" });
  let hinted = -1;
  const marks = new TradeMarks((count) => {
    if (count === hinted) return;
    hinted = count;
    hint.hidden = count === 0;
    // Sums of money take the place of the volume. A series must not change while the chart is drawn.
    setTimeout(() => volume.applyOptions({ visible: hinted === 0 }));
    const narrow = container.clientWidth < 520;
    hint.textContent = `${number(count, 0)} trades: ${narrow ? "sums below, " : "their profits are added up below; "}zoom in to see each`;
  });
  candles.attachPrimitive(marks);

  let current = 0;
  const rows = () => data.prices[current];
  const readout = element("div");
  container.append(element("div", { class: "over" }, readout, hint));
  const read = (index) => {
    const p = rows();
    const at = (column) => number(p[column][index], p.decimals);
    const prices = container.clientWidth > 520 ? `O ${at("open")}  H ${at("high")}  L ${at("low")}  C ${at("close")}` : at("close");
    readout.replaceChildren(element("b", {}, minute(p.time[index])), ` ${prices}`);
  };
  const paint = () => {
    const up = color("up");
    const down = color("down");
    candles.applyOptions({ upColor: up, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down });
    const p = rows();
    volume.setData(p.time.map((t, i) => ({ time: t, value: p.volume[i], color: faded(p.close[i] < p.open[i] ? down : up, 0.35) })));
    marks.paint();
  };
  repaints.push(paint);

  const captions = element("span", {});
  const show = (index) => {
    current = index;
    const p = rows();
    candles.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -p.decimals, formatter: (value) => number(value, value >= 1000 ? 0 : p.decimals) } });
    candles.setData(p.time.map((t, i) => ({ time: t, open: p.open[i], high: p.high[i], low: p.low[i], close: p.close[i] })));
    paint();
    marks.show(index);
    read(p.time.length - 1);
    captions.textContent = p.caption;
    fit();
  };

  const tools = byId("price-tools");
  const choose = element("select", { "aria-label": "Series", onchange: () => show(choose.selectedIndex) }, ...data.prices.map((p) => element("option", {}, p.name)));
  if (data.prices.length > 1) tools.append(choose);
  const log = toggle("Log", false, (on) => chart.priceScale("right").applyOptions({ mode: on ? 1 : 0 }));
  // Where a price multiplied, equal steps up the chart should be equal factors.
  const multiplied = (p) => Math.max(...p.high) / Math.min(...p.low) > 6;
  if (data.prices.some(multiplied)) log.click();
  tools.append(log);
  tools.append(rangeButtons(made, () => rows().time), zoomButtons(zoom));

  const legend = byId("price-legend");
  legend.append(element("span", {}, icon("entry", "accent"), "entry"));
  const used = trades.reasons.filter((_, i) => trades.reason.includes(i));
  used.forEach((reason) => legend.append(element("span", {}, icon(reason, "ink"), `exit: ${reason}`)));
  legend.append(element("span", {}, swatch("gain"), "won"), element("span", {}, swatch("loss"), "lost"), captions);

  const tip = byId("tip");
  const hide = () => { tip.hidden = true; };
  chart.subscribeCrosshairMove((param) => {
    const length = rows().time.length;
    read(param.logical === undefined ? length - 1 : Math.min(Math.max(Math.round(param.logical), 0), length - 1));
    const trade = param.point && marks.nearest(param.point);
    if (trade === null || trade === undefined) return hide();
    const box = container.getBoundingClientRect();
    tip.replaceChildren(...tradeTip(trade));
    tip.hidden = false;
    const left = Math.min(box.left + param.point.x + 16, window.innerWidth - tip.offsetWidth - 8);
    const top = Math.min(box.top + param.point.y + 16, window.innerHeight - tip.offsetHeight - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  });
  container.addEventListener("mouseleave", hide);
  chart.subscribeClick((param) => {
    const trade = param.point && marks.nearest(param.point);
    if (trade !== null && trade !== undefined) reveal(trade);
  });
  show(0);

  /** Brings one trade into view. */
  const focus = (trade) => {
    const index = trades.chart[trades.symbol[trade]];
    if (index === null) return;
    if (index !== current) {
      choose.selectedIndex = index;
      show(index);
    }
    const item = marks.list.find((other) => other.trade === trade);
    const margin = Math.max(rows().merged > 1 ? 12 : 30, (item.exit - item.entry) * 1.2);
    chart.timeScale().setVisibleLogicalRange({ from: item.entry - margin, to: item.exit + margin });
    marks.chosen = trade;
    marks.requestUpdate();
    byId("price").scrollIntoView({ block: "start" });
  };
  return { focus };
}
