// Entries and exits on the candles.

// Shapes of exits, drawn around (0, 0) with radius r.
const shapes = {
  signal: (c, r) => c.arc(0, 0, r * 0.9, 0, 7),
  stop: (c, r) => c.rect(-r * 0.8, -r * 0.8, r * 1.6, r * 1.6),
  target: (c, r) => polygon(c, [[0, -r * 1.25], [r * 1.25, 0], [0, r * 1.25], [-r * 1.25, 0]]),
  trailing: (c, r) => polygon(c, [[-r * 1.1, -r * 0.8], [r * 1.1, -r * 0.8], [0, r]]),
  time: (c, r) => polygon(c, [[-r, -r], [r, -r], [-r, r], [r, r]]),
  manual: (c, r) => polygon(c, [[-r * 0.35, -r], [r * 0.35, -r], [r * 0.35, -r * 0.35], [r, -r * 0.35], [r, r * 0.35], [r * 0.35, r * 0.35], [r * 0.35, r], [-r * 0.35, r], [-r * 0.35, r * 0.35], [-r, r * 0.35], [-r, -r * 0.35], [-r * 0.35, -r * 0.35]]),
  entry: (c, r) => polygon(c, [[0, -r], [r * 1.1, r * 0.8], [-r * 1.1, r * 0.8]]),
};
function polygon(context, corners) {
  corners.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}
/** The same shapes as an SVG path, for legends and lists. */
function icon(shape, paint) {
  const steps = [];
  const recorder = {
    arc: (x, y, r) => steps.push(`M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`),
    rect: (x, y, w, h) => steps.push(`M${x} ${y}h${w}v${h}h${-w}z`),
    moveTo: (x, y) => steps.push(`M${x} ${y}`),
    lineTo: (x, y) => steps.push(`L${x} ${y}`),
    closePath: () => steps.push("Z"),
  };
  shapes[shape](recorder, 5);
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  for (const [name, value] of Object.entries({ viewBox: "-7 -7 14 14", width: 13, height: 13, "aria-hidden": "true" })) svg.setAttribute(name, value);
  path.setAttribute("d", steps.join(""));
  path.style.fill = `var(--${paint})`;
  svg.append(path);
  return svg;
}

/** Draws trades on the candles: each one when few are in view, where money was made and lost when many are. */
class TradeMarks {
  /** Each trade is drawn while there is so much room for it, in pixels. */
  static ROOM_MIN = 9;
  static HOVER_RADIUS = 13;

  constructor(onDensity) {
    this.onDensity = onDensity;
    this.views = [{ zOrder: () => "top", renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace((space) => this.draw(space)) }) }];
    this.chosen = null;
    this.marks = [];
    this.list = [];
    this.open = [];
    this.paint();
  }
  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { scale: chart.timeScale(), series, requestUpdate });
  }
  paneViews() { return this.views; }
  updateAllViews() {}
  paint() {
    this.colors = { gain: color("gain"), loss: color("loss"), entry: color("accent"), card: color("card"), ink: color("ink") };
    this.requestUpdate?.();
  }

  /** Takes the trades of one chart and finds their places among its candles, once. */
  show(chartIndex) {
    const { time, step, merged } = data.prices[chartIndex];
    const place = (seconds, isStop) => {
      const row = Math.max(firstAtOrAfter(time, seconds + 1) - 1, 0);
      if (merged > 1) return row - 0.5 + Math.min((seconds - time[row]) / step, 1);
      return isStop ? row - 0.5 : row;
    };
    this.list = [];
    trades.pnl.forEach((_, i) => {
      if (trades.chart[trades.symbol[i]] !== chartIndex) return;
      const isStop = trades.reasons[trades.reason[i]] === "stop";
      this.list.push({ trade: i, entry: place(trades.entry_time[i], false), exit: place(trades.exit_time[i], isStop) });
    });
    this.open = data.open
      .filter((position) => position.chart === chartIndex)
      .map((position) => ({ position, entry: place(position.entry_time, false), exit: time.length - 1 }));
    this.chosen = null;
    this.requestUpdate?.();
  }

  draw({ context, mediaSize }) {
    const range = this.scale.getVisibleLogicalRange();
    this.marks = [];
    if (!range) return;
    const origin = this.scale.logicalToCoordinate(0);
    const spacing = this.scale.logicalToCoordinate(1) - origin;
    const x = (place) => origin + place * spacing;
    const inView = this.list.filter(({ entry, exit }) => exit >= range.from - 1 && entry <= range.to + 1);
    const many = inView.length > Math.max(60, mediaSize.width / TradeMarks.ROOM_MIN);
    this.onDensity(many ? inView.length : 0);
    if (many) this.drawDensity(context, mediaSize, inView, x);
    // The chosen trade comes last, on top of the others, which step back.
    const isChosen = ({ trade }) => trade === this.chosen;
    const drawn = [...inView.filter((item) => !many && !isChosen(item)), ...inView.filter(isChosen)];
    for (const item of drawn) {
      context.globalAlpha = this.chosen === null || isChosen(item) ? 1 : 0.35;
      this.drawTrade(context, item, x, spacing);
    }
    context.globalAlpha = 1;
    this.open.forEach((item) => this.drawOpen(context, item, x, spacing));
  }

  /** A position that is open at the end: no exit, a line to the last close. */
  drawOpen(context, { entry, exit, position }, x, spacing) {
    const from = { x: x(entry), y: this.series.priceToCoordinate(position.entry_price) };
    const to = { x: x(exit), y: this.series.priceToCoordinate(position.mark_price) };
    const radius = Math.min(5, Math.max(3.4, spacing * 0.7));
    context.strokeStyle = position.pnl < 0 ? this.colors.loss : this.colors.gain;
    context.lineWidth = 1.4;
    context.setLineDash([1.5, 3]);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    context.setLineDash([]);
    this.drawShape(context, "entry", from.x, from.y + radius + 2, radius, this.colors.entry);
  }

  drawTrade(context, { trade, entry, exit }, x, spacing) {
    const from = { x: x(entry), y: this.series.priceToCoordinate(trades.entry_price[trade]) };
    const to = { x: x(exit), y: this.series.priceToCoordinate(trades.exit_price[trade]) };
    const outcome = trades.pnl[trade] < 0 ? this.colors.loss : this.colors.gain;
    const isChosen = this.chosen === trade;
    const radius = isChosen ? 7.5 : Math.min(5, Math.max(3.4, spacing * 0.7));
    context.strokeStyle = outcome;
    context.lineWidth = isChosen ? 3 : 1.4;
    context.setLineDash(isChosen ? [] : [4, 3]);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    context.setLineDash([]);
    this.drawShape(context, "entry", from.x, from.y + radius + 2, radius, this.colors.entry);
    this.drawShape(context, trades.reasons[trades.reason[trade]], to.x, to.y - radius - 2, radius, outcome);
    this.marks.push({ trade, x: from.x, y: from.y + radius }, { trade, x: to.x, y: to.y - radius });
  }

  drawShape(context, shape, x, y, radius, fill) {
    context.save();
    context.translate(x, y);
    context.beginPath();
    shapes[shape](context, radius);
    // A rim in the background's color keeps marks apart from candles of their own color.
    context.lineWidth = 2;
    context.strokeStyle = this.colors.card;
    context.stroke();
    context.fillStyle = fill;
    context.fill();
    context.restore();
  }

  drawDensity(context, { width, height }, inView, x) {
    const columnWidth = 3;
    const sums = new Map();
    for (const { trade, exit } of inView) {
      const column = Math.floor(x(exit) / columnWidth);
      if (column >= 0 && column * columnWidth <= width) sums.set(column, (sums.get(column) ?? 0) + trades.pnl[trade]);
    }
    const sorted = [...sums.values()].map(Math.abs).sort((a, b) => a - b);
    const full = sorted[Math.floor(sorted.length * 0.97)] || 1;
    const reach = Math.min(34, height * 0.08);
    const base = height - reach - 2;
    for (const [column, sum] of sums) {
      const tall = Math.max(1, Math.min(Math.abs(sum) / full, 1) * reach);
      context.fillStyle = faded(sum < 0 ? this.colors.loss : this.colors.gain, 0.85);
      context.fillRect(column * columnWidth, sum < 0 ? base : base - tall, columnWidth - 0.6, tall);
    }
  }

  nearest(point) {
    const within = this.marks
      .map((mark) => ({ trade: mark.trade, far: Math.hypot(mark.x - point.x, mark.y - point.y) }))
      .filter(({ far }) => far <= TradeMarks.HOVER_RADIUS);
    return within.sort((a, b) => a.far - b.far)[0]?.trade ?? null;
  }
}

const reasonOf = (trade) => trades.reasons[trades.reason[trade]];

function tradeTip(trade) {
  const decimals = priceDecimals(trade);
  const pnl = trades.pnl[trade];
  const row = (name, value) => [element("dt", {}, name), element("dd", {}, value)];
  return [
    element("b", { class: pnl < 0 ? "loss" : "gain" }, `${signed(pnl, cents(pnl))} ${data.quote} (${signed(trades.pnl_pct[trade], 2)} %)`),
    element("dl", {},
      ...row("Entry", `${minute(trades.entry_time[trade])} at ${number(trades.entry_price[trade], decimals)}`),
      ...row("Exit", `${minute(trades.exit_time[trade])} at ${number(trades.exit_price[trade], decimals)}`),
      ...row("Because of", reasonOf(trade)),
      ...row("Quantity", quantity(trades.quantity[trade])),
      ...row("Best, worst", `${signed(trades.favorable[trade], 2)} %, ${signed(trades.adverse[trade], 2)} %`),
      ...(trades.strategies.length > 1 ? row("Strategy", trades.strategies[trades.strategy[trade]]) : [])),
  ];
}
