// Tables: the reader form of every chart. They can be sorted by mouse and keyboard, and copied as CSV.

// A table. `columns` are `{title, value, text, isNumber}`: `value` is what is sorted and copied, `text` what is shown (an
// element or a text). `id` names the table in the address bar. Rows with a `rowId` can be linked.
Dyno.table = (id, caption, columns, rows, { rowId, rowClass } = {}) => {
  const key = `sort-${id}`;
  const [index, direction] = (Dyno.readState().get(key) ?? "").split("-");
  const column = columns[Number(index)];
  const sign = direction === "down" ? -1 : 1;
  const sorted = index === "" || !column ? rows : Dyno.sorted(rows, column, sign);
  const heading = (one, position) => {
    const isSorted = column === one && index !== "";
    const next = isSorted && sign === 1 ? "down" : "up";
    return Dyno.element(
      "th",
      { scope: "col", class: one.isNumber && "number", "aria-sort": isSorted ? (sign === 1 ? "ascending" : "descending") : "none" },
      Dyno.element(
        "button",
        { type: "button", "data-sort": `${id}-${position}`, click: () => Dyno.sortBy(key, position, next, id) },
        one.title,
        Dyno.element("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (sign === 1 ? " ▲" : " ▼") : " ↕"),
      ),
    );
  };
  const cell = (one, row, position) => {
    const shown = one.text ? one.text(row) : one.value(row);
    const content = Dyno.known(shown) ? shown : "–";
    const inside = typeof content === "string" && !one.isNumber ? Dyno.name(content) : content;
    return position === 0
      ? Dyno.element("th", { scope: "row", class: one.isNumber && "number" }, inside)
      : Dyno.element("td", { class: one.isNumber && "number" }, inside);
  };
  const body = sorted.map(row =>
    Dyno.element(
      "tr",
      { id: rowId && rowId(row), class: rowClass && rowClass(row), tabindex: rowId && "-1" },
      columns.map((one, position) => cell(one, row, position)),
    ),
  );
  const table = Dyno.element(
    "table",
    { id: `table-${id}` },
    Dyno.element("caption", {}, caption),
    Dyno.element("thead", {}, Dyno.element("tr", {}, columns.map(heading))),
    Dyno.element("tbody", {}, body),
  );
  const copy = Dyno.element(
    "button",
    { type: "button", class: "copy", click: () => Dyno.copy(Dyno.csv(columns, sorted)) },
    "Copy as CSV",
  );
  return Dyno.element(
    "div",
    { class: "table" },
    Dyno.element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table),
    copy,
  );
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

// Sorts a table, and gives the focus back to the heading that was pressed.
Dyno.sortBy = (key, position, direction, id) => {
  Dyno.change({ [key]: `${position}-${direction}` });
  document.querySelector(`[data-sort="${CSS.escape(`${id}-${position}`)}"]`)?.focus();
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

// Puts text into the clipboard. A page from a disk may not use the new way everywhere.
Dyno.copy = async text => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Dyno.element("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  Dyno.copied = text;
  Dyno.announce("The table is in the clipboard.");
};

// A table that is folded away under a chart.
Dyno.foldedTable = (...rest) => {
  const key = `open-${rest[0]}`;
  const isOpen = Dyno.readState().has(key);
  const details = Dyno.element(
    "details",
    { class: "folded", open: isOpen },
    Dyno.element("summary", {}, "Table"),
  );
  const show = () => {
    if (details.open && details.children.length === 1) details.append(Dyno.table(...rest));
  };
  if (isOpen) show();
  details.addEventListener("toggle", () => {
    show();
    const state = Dyno.readState();
    if (details.open === state.has(key)) return;
    details.open ? state.set(key, "1") : state.delete(key);
    history.replaceState(null, "", `#${state}`);
  });
  return details;
};
