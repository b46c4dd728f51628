// Tables: the reader form of every chart. They can be sorted by mouse and keyboard, and copied as CSV.

// A table. `columns` are `{title, value, text, isNumber}`: `value` is what is sorted and copied, `text` what is shown (an
// element or a text). `id` names the table in the address bar. Rows with a `rowId` can be linked.
Dyno.table = (id, caption, columns, rows, { rowId } = {}) => {
  const scroll = Dyno.element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
  let sorted = rows;
  const render = () => {
    const order = Dyno.orderOf(id, columns);
    sorted = order ? Dyno.sorted(rows, order.column, order.sign) : rows;
    const heading = (column, position) => Dyno.headingCell(column, order, `${id}-${position}`, next => {
      Dyno.keep({ [`sort-${id}`]: `${position}-${next}` });
      render();
      scroll.querySelectorAll("thead button")[position].focus();
      Dyno.announce(`Sorted by ${column.title}, ${next === "down" ? "descending" : "ascending"}.`);
    });
    const body = sorted.map(row => Dyno.element("tr", { id: rowId && rowId(row), tabindex: rowId && "-1" }, columns.map((column, position) => Dyno.bodyCell(column, row, position))));
    scroll.replaceChildren(
      Dyno.element(
        "table",
        { id: `table-${id}` },
        Dyno.element("caption", {}, caption),
        Dyno.element("thead", {}, Dyno.element("tr", {}, columns.map(heading))),
        Dyno.element("tbody", {}, body),
      ),
    );
  };
  render();
  const copy = async event => {
    const button = event.currentTarget;
    const isDone = await Dyno.copy(Dyno.csv(columns, sorted));
    button.textContent = isDone ? "Copied" : "The browser did not allow it";
    setTimeout(() => { button.textContent = "Copy as CSV"; }, 2000);
  };
  return Dyno.element("div", { class: "table" }, scroll, Dyno.element("button", { type: "button", class: "copy", click: copy }, "Copy as CSV"));
};

// How the address bar wants a table sorted: `null` for the order of the data.
Dyno.orderOf = (id, columns) => {
  const [position, direction] = (Dyno.readState().get(`sort-${id}`) ?? "").split("-");
  const column = position === "" ? undefined : columns[Number(position)];
  return column ? { column, sign: direction === "down" ? -1 : 1 } : null;
};

// The heading of a column: a button that sorts by it, the other way round at the second press.
Dyno.headingCell = (column, order, name, sort) => {
  const sign = order?.column === column ? order.sign : 0;
  const arrow = { "1": " ▲", "-1": " ▼", "0": " ↕" }[sign];
  return Dyno.element(
    "th",
    { scope: "col", class: column.isNumber && "number", "aria-sort": { "1": "ascending", "-1": "descending", "0": "none" }[sign] },
    Dyno.element("button", { type: "button", "data-sort": name, click: () => sort(sign === 1 ? "down" : "up") }, column.title, Dyno.element("span", { class: "arrow", "aria-hidden": "true" }, arrow)),
  );
};

// A cell of a row. The first of a row is its heading.
Dyno.bodyCell = (column, row, position) => {
  const shown = column.text ? column.text(row) : column.value(row);
  const content = Dyno.known(shown) ? shown : "–";
  const inside = typeof content === "string" && !column.isNumber ? Dyno.name(content) : content;
  const attributes = { class: column.isNumber && "number" };
  return position === 0 ? Dyno.element("th", { ...attributes, scope: "row" }, inside) : Dyno.element("td", attributes, inside);
};

// Unknown values come last in both directions.
Dyno.sorted = (rows, column, sign) => {
  const order = (a, b) => {
    const [left, right] = [column.value(a), column.value(b)];
    if (!Dyno.known(left) || !Dyno.known(right)) return Dyno.known(right) - Dyno.known(left);
    if (typeof left === "number" && typeof right === "number") return sign * (left - right);
    return sign * String(left).localeCompare(String(right), "en", { numeric: true });
  };
  return [...rows].sort(order);
};

// Comma-separated values according to RFC 4180.
Dyno.csv = (columns, rows) => {
  const field = value => {
    const text = Dyno.known(value) ? String(value) : "";
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map(one => field(one.title)), ...rows.map(row => columns.map(one => field(one.value(row))))];
  return lines.map(line => line.join(",") + "\r\n").join("");
};

// Puts text into the clipboard, and says whether that worked. Where a page may not use the new way, the old one may work.
Dyno.copy = async text => {
  Dyno.copied = text;
  let isDone = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const focused = document.activeElement;
    const area = Dyno.element("textarea", { "aria-hidden": "true", class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    isDone = document.execCommand("copy");
    area.remove();
    focused?.focus();
  }
  Dyno.announce(isDone ? "The table is in the clipboard." : "The browser did not allow copying.");
  return isDone;
};

// A table that is folded away under a chart. The address bar knows whether it is open.
// `summary` names it where a chart has several.
Dyno.foldedTable = (id, ...rest) => {
  const key = `open-${id}`;
  const details = Dyno.element("details", { class: "folded", open: Dyno.readState().has(key) }, Dyno.element("summary", {}, rest[3]?.summary ?? "Table", Dyno.element("span", { class: "hidden" }, ": ", Dyno.name(rest[0]))));
  const show = () => {
    if (details.open && details.children.length === 1) details.append(Dyno.table(id, ...rest));
  };
  show();
  details.addEventListener("toggle", () => {
    show();
    if (details.open !== Dyno.readState().has(key)) Dyno.keep({ [key]: details.open ? "1" : null });
  });
  return details;
};
