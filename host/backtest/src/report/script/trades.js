// The lists of trades and of rejected signals.

function tradeList(focus) {
  const root = byId("trade-table");
  if (!trades.pnl.length) {
    root.append(element("p", { class: "soft" }, "No position was closed."));
    return { reveal: () => {} };
  }
  const tone = (column) => (i) => (trades[column][i] < 0 ? "loss" : "gain");
  // Where every fill is at midnight, its hour says nothing.
  const daily = ["entry_time", "exit_time"].every((column) => trades[column].every((t) => t % 86400 === 0));
  const shown = daily ? date : minute;
  const time = (title, column, more = {}) => ({ title, value: (i) => trades[column][i], csv: (i) => iso(trades[column][i]), show: (i) => shown(trades[column][i]), ...more });
  const numeric = (title, column, show, more = {}) => ({ title, class: "num", value: (i) => trades[column][i], show: (i) => show(trades[column][i], i), descendingFirst: true, ...more });
  const price = (value, i) => number(value, priceDecimals(i));
  const percent = (value) => signed(value, 2);
  const reason = (i) => element("span", { class: "reason" }, icon(reasonOf(i), trades.pnl[i] < 0 ? "loss" : "gain"), reasonOf(i));
  const columns = [
    { title: "#", class: "num wide", value: (i) => i + 1 },
    time("Entry", "entry_time"),
    time("Exit", "exit_time", { class: "wide" }),
    numeric(`Profit, ${data.quote}`, "pnl", (value) => signed(value, cents(value)), { tone: tone("pnl") }),
    numeric("Profit, %", "pnl_pct", percent, { tone: tone("pnl_pct") }),
    { title: "Exit by", value: reasonOf, show: reason },
    ...(trades.strategies.length > 1 ? [{ title: "Strategy", value: (i) => trades.strategies[trades.strategy[i]] }] : []),
    ...(trades.symbols.length > 1 ? [{ title: "Symbol", value: (i) => trades.symbols[trades.symbol[i]] }] : []),
    numeric("Entry price", "entry_price", price),
    numeric("Exit price", "exit_price", price),
    numeric("Quantity", "quantity", quantity, { class: "num wide" }),
    numeric("Fees", "fees", (value) => number(value, cents(value)), { class: "num wide" }),
    numeric("Bars", "bars", (value) => number(value, 0)),
    numeric("Best, %", "favorable", percent, { class: "num wide" }),
    numeric("Worst, %", "adverse", percent, { class: "num wide" }),
  ];
  const used = trades.reasons.map((name, i) => ({ name, i })).filter(({ i }) => trades.reason.includes(i));
  const filters = [
    choice("Wins and losses", ["Wins", "Losses"], (i, k) => (k === 0 ? trades.pnl[i] > 0 : trades.pnl[i] < 0)),
    choice("Every exit", used.map(({ name }) => name), (i, k) => trades.reason[i] === used[k].i),
    ...(trades.strategies.length > 1 ? [choice("Every strategy", trades.strategies, (i, k) => trades.strategy[i] === k)] : []),
    ...(trades.symbols.length > 1 ? [choice("Every symbol", trades.symbols, (i, k) => trades.symbol[i] === k)] : []),
    search("Date, such as 2024-03", (i) => `${date(trades.entry_time[i])} ${date(trades.exit_time[i])}`),
  ];
  return listing(root, { columns, count: trades.pnl.length, filters, choose: focus, csvName: "trades.csv" });
}

function rejectedList() {
  const root = byId("rejected-table");
  const rejected = data.rejected;
  if (!root || !rejected.time.length) return;
  const reasons = [...new Set(rejected.reason)].sort();
  const columns = [
    { title: "Bar close", value: (i) => rejected.time[i], csv: (i) => iso(rejected.time[i]), show: (i) => minute(rejected.time[i]) },
    ...(trades.strategies.length > 1 ? [{ title: "Strategy", value: (i) => trades.strategies[rejected.strategy[i]] ?? "" }] : []),
    { title: "Symbol", value: (i) => rejected.symbol[i] },
    { title: "Reason", value: (i) => rejected.reason[i], show: (i) => rejected.reason[i].replaceAll("_", " ") },
    { title: "Close", class: "num", value: (i) => rejected.price[i], show: (i) => quantity(rejected.price[i]) },
    { title: "Confidence", class: "num", value: (i) => rejected.confidence[i] },
    { title: "Detail", class: "wrap", value: (i) => rejected.detail[i] },
  ];
  const filters = [choice("Every reason", reasons.map((name) => name.replaceAll("_", " ")), (i, k) => rejected.reason[i] === reasons[k])];
  listing(root, { columns, count: rejected.time.length, filters, csvName: "rejected-signals.csv" });
}
