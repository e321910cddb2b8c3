// A list that is sorted and filtered here and shown a page at a time.

const PAGE_ROWS = window.innerWidth > 640 ? 50 : 20;

/** A list of rows 0..count that is sorted and filtered here and shown a page at a time. */
function listing(root, { columns, count, filters = [], choose, csvName }) {
  let order = [...Array(count).keys()];
  let page = 0;
  let sorted = { column: columns[0], descending: false };
  let chosen = null;
  const body = element("tbody");
  const status = element("span", { role: "status" });
  const heads = columns.map((column) => {
    const sort = () => {
      const again = sorted.column === column;
      sorted = { column, descending: again ? !sorted.descending : column.descendingFirst ?? false };
      page = 0;
      arrange();
    };
    return element("th", { scope: "col", class: column.class ?? null }, element("button", { type: "button", onclick: sort }, column.title));
  });
  const previous = button("Previous", () => turn(page - 1));
  const next = button("Next", () => turn(page + 1));
  const csv = button("Save as CSV", () => save(csvName, [columns.map((c) => c.title), ...order.map((i) => columns.map((c) => (c.csv ?? c.value)(i)))]));

  function arrange() {
    const { value } = sorted.column;
    const sign = sorted.descending ? -1 : 1;
    const compare = (a, b) => {
      const x = value(a);
      const y = value(b);
      return (x < y ? -sign : x > y ? sign : 0) || a - b;
    };
    order = [...Array(count).keys()].filter((i) => filters.every((filter) => filter.keeps(i))).sort(compare);
    columns.forEach((column, i) => {
      if (column === sorted.column) heads[i].setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
      else heads[i].removeAttribute("aria-sort");
    });
    turn(page);
  }

  function turn(to) {
    const pages = Math.max(1, Math.ceil(order.length / PAGE_ROWS));
    page = Math.min(Math.max(to, 0), pages - 1);
    const rows = order.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS);
    body.replaceChildren(...rows.map(row));
    const first = page * PAGE_ROWS + 1;
    status.textContent = order.length ? `${number(first, 0)} to ${number(first + rows.length - 1, 0)} of ${number(order.length, 0)}` : "none";
    previous.disabled = page === 0;
    next.disabled = page === pages - 1;
  }

  function row(i) {
    const cells = columns.map((column) => {
      const shown = column.show ? column.show(i) : String(column.value(i));
      const tone = column.tone ? column.tone(i) : "";
      return element("td", { class: `${column.class ?? ""} ${tone}`.trim() || null }, shown);
    });
    if (!choose) return element("tr", {}, ...cells);
    const press = () => {
      chosen = i;
      body.querySelectorAll(".chosen").forEach((other) => other.classList.remove("chosen"));
      made.classList.add("chosen");
      choose(i);
    };
    const onkeydown = (event) => {
      if (event.key === "Enter") press();
    };
    const made = element("tr", { tabindex: "0", class: i === chosen ? "chosen" : null, onclick: press, onkeydown }, ...cells);
    return made;
  }

  const bar = element("div", { class: "filters" }, ...filters.map((filter) => filter.control(() => { page = 0; arrange(); })), element("span", { class: "grow" }), csv);
  root.append(
    bar,
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body)),
    element("div", { class: "pager" }, status, element("span", { class: "grow" }), previous, next),
  );
  arrange();

  /** Shows a row, whatever page it is on. */
  const reveal = (i) => {
    if (!order.includes(i)) {
      filters.forEach((filter) => filter.clear());
      arrange();
    }
    chosen = i;
    turn(Math.floor(order.indexOf(i) / PAGE_ROWS));
    body.querySelector(".chosen")?.scrollIntoView({ block: "center" });
  };
  return { reveal };
}

function choice(label, options, keeps) {
  let control;
  return {
    control: (changed) => (control = element("select", { "aria-label": label, onchange: changed }, element("option", {}, label), ...options.map((text) => element("option", {}, text)))),
    keeps: (i) => !control || control.selectedIndex === 0 || keeps(i, control.selectedIndex - 1),
    clear: () => { control.selectedIndex = 0; },
  };
}

function search(label, textOf) {
  let control;
  return {
    control: (changed) => (control = element("input", { type: "search", placeholder: label, "aria-label": label, size: "22", oninput: changed })),
    keeps: (i) => !control || textOf(i).includes(control.value.trim().toLowerCase()),
    clear: () => { control.value = ""; },
  };
}

function save(name, rows) {
  // A spreadsheet takes a text that begins like this for a formula.
  const cell = (value) => {
    const text = typeof value === "string" && /^[=+\-@\t]/.test(value) ? `'${value}` : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const text = rows.map((row) => row.map(cell).join(",")).join("\n");
  const link = element("a", { href: URL.createObjectURL(new Blob([text + "\n"], { type: "text/csv" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
