// Equity over time, with its drawdown below.

function equityChart() {
  const { time, equity, drawdown, benchmark } = data.equity;
  const container = byId("equity-chart");
  if (!time.length) return container.remove();
  const made = makeChart(container);
  const { chart, zoom, fit } = made;
  const points = (values) => time.map((t, i) => ({ time: t, value: values[i] }));
  const range = equity.reduce((most, value) => Math.max(most, value), -Infinity) - equity.reduce((least, value) => Math.min(least, value), Infinity);
  const sums = { type: "custom", minMove: 0.01, formatter: (value) => number(value, range < 50 ? 2 : 0) };
  const percent = { type: "custom", minMove: 0.01, formatter: (value) => `${number(value, Math.abs(value) < 10 ? 1 : 0)} %` };
  const quiet = { priceLineVisible: false, crosshairMarkerBorderWidth: 0 };
  const hold = benchmark && chart.addSeries(charts.LineSeries, { ...quiet, priceFormat: sums, lineWidth: 1, lastValueVisible: false });
  const account = chart.addSeries(charts.AreaSeries, { ...quiet, priceFormat: sums, lineWidth: 2 });
  const under = chart.addSeries(charts.BaselineSeries, { ...quiet, priceFormat: percent, lineWidth: 1, baseValue: { type: "price", price: 0 }, lastValueVisible: false }, 1);
  chart.panes()[0].setStretchFactor(3);
  chart.panes()[1].setStretchFactor(1);
  chart.panes()[1].priceScale("right").applyOptions({ scaleMargins: { top: 0.08, bottom: 0.06 } });
  account.setData(points(equity));
  under.setData(points(drawdown));
  if (hold) hold.setData(points(benchmark));

  const paint = () => {
    const accent = color("accent");
    const loss = color("loss");
    account.applyOptions({ lineColor: accent, topColor: faded(accent, 0.2), bottomColor: faded(accent, 0.01) });
    under.applyOptions({ bottomLineColor: loss, bottomFillColor1: faded(loss, 0.08), bottomFillColor2: faded(loss, 0.34), topLineColor: loss, topFillColor1: "transparent", topFillColor2: "transparent" });
    if (hold) hold.applyOptions({ color: color("hold") });
  };
  paint();
  repaints.push(paint);

  // A coin that rose twentyfold would press the account's line flat: then it is shown on demand.
  const reach = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value - equity[0])), 0);
  const dwarfs = Boolean(hold) && reach(benchmark) > 6 * reach(equity);
  const tools = byId("equity-tools");
  if (hold) {
    hold.applyOptions({ visible: !dwarfs });
    tools.append(toggle("Buy and hold", !dwarfs, (on) => {
      hold.applyOptions({ visible: on });
      why.hidden = on;
      read(time.length - 1);
    }));
  }
  tools.append(toggle("Log", false, (on) => chart.panes()[0].priceScale("right").applyOptions({ mode: on ? 1 : 0 })));
  tools.append(rangeButtons(made, () => time), zoomButtons(zoom));

  const legend = byId("equity-legend");
  const why = element("em", {}, dwarfs ? "(off: its range would flatten the account's line)" : "");
  legend.append(element("span", {}, swatch("accent"), "Account"));
  if (hold) legend.append(element("span", {}, swatch("hold"), element("span", { class: "text" }, "Buy and hold with the same cash ", why)));
  legend.append(element("span", {}, swatch("loss"), "Drawdown against the highest equity so far"));

  const readout = element("div");
  container.append(element("div", { class: "over" }, readout));
  const read = (index) => {
    const parts = [element("b", {}, minute(time[index])), `  ${number(equity[index], 2)} ${data.quote}`, `  ·  drawdown ${number(drawdown[index], 2)} %`];
    if (hold && hold.options().visible) parts.push(`  ·  hold ${number(benchmark[index], 0)}`);
    readout.replaceChildren(...parts);
  };
  read(time.length - 1);
  chart.subscribeCrosshairMove((param) => {
    const index = param.logical === undefined ? time.length - 1 : Math.min(Math.max(Math.round(param.logical), 0), time.length - 1);
    read(index);
  });
  fit();
}
