// Threads, processes or async? A heat map of workload × family.

Dyno.views.push({
  key: "families",
  title: "Family",
  question: "Threads, processes or async, for my kind of work?",
  shows: data => data.groups.length > 0,
  draw: host => {
    const groups = Dyno.selected();
    const used = Dyno.data.families.filter(family => groups.some(group => group.rows.some(row => row.family === family.key)));
    host.append(
      Dyno.element(
        "p",
        { class: "reading" },
        "Each cell is the best case of a family: how many times longer it takes than the best of its row. ",
        Dyno.element("b", {}, "★"),
        " marks the best, and ",
        Dyno.element("b", {}, "="),
        " what the data cannot tell apart from it. A cell leads to its cases.",
      ),
    );
    if (!groups.length) return host.append(Dyno.element("p", {}, "No case passes the filters."));
    const heading = Dyno.element(
      "tr",
      { role: "row" },
      used.map(family => Dyno.element("th", { scope: "col", role: "columnheader", title: family.why }, Dyno.name(family.title))),
    );
    host.append(
      Dyno.element(
        "table",
        { class: "families", role: "table" },
        Dyno.element("caption", { class: "hidden" }, "The best case of each family on each workload"),
        Dyno.element("thead", { role: "rowgroup" }, heading),
        groups.map(group => Dyno.familyRows(group, used)),
      ),
      ...[Dyno.closing(Dyno.data.questions.families?.closing)].filter(Boolean),
    );
    const cells = groups.flatMap(group => Dyno.familyCells(group, used).map(cell => ({ ...cell, group })));
    host.append(
      Dyno.foldedTable("families", "The best case of each family", [
        { title: "Workload", value: cell => cell.group.title },
        { title: "Family", value: cell => cell.family },
        { title: "Backend", value: cell => cell.label },
        { title: "Workers", value: cell => cell.workers, isNumber: true },
        { title: "Median (ns)", value: cell => cell.median_ns, text: cell => Dyno.time(cell.median_ns), isNumber: true },
        { title: "× best", value: cell => cell.ratio, text: cell => Dyno.multiple(cell.ratio), isNumber: true },
      ], cells),
    );
  },
});

// The best of each family among the rows that the filters let through. Without filters these are the cells of the data.
Dyno.familyCells = (group, families) => {
  const shown = new Set(group.rows.map(row => row.id));
  const whole = Dyno.data.groups.find(one => one.slug === group.slug);
  if (whole.rows.length === group.rows.length) return group.cells;
  return families
    .map(family => group.cells.find(cell => cell.family === family.key && shown.has(cell.row)) ?? Dyno.bestOf(group, family.key))
    .filter(Boolean);
};

// The fastest row of a family, as a cell. Its ratio stays that to the best of all cases.
Dyno.bestOf = (group, family) => {
  const rows = group.rows.filter(row => row.family === family);
  const best = rows.filter(row => Dyno.known(row.median_ns)).sort((a, b) => a.median_ns - b.median_ns)[0];
  if (!best) {
    const failed = rows[0];
    return failed && { family, row: failed.id, label: failed.label, workers: failed.workers, failure: failed.error?.kind ?? "failed" };
  }
  return {
    family, row: best.id, label: best.label, workers: best.workers, median_ns: best.median_ns, ratio: best.ratio,
    ratio_low: best.ratio_low, ratio_high: best.ratio_high, is_best: best.rank === 1, is_tied: best.is_tied, is_limit: best.is_limit,
  };
};

// The two rows of a workload: its name, what it asks and the answer in words; and below them its cells.
Dyno.familyRows = (group, families) => {
  const cells = Dyno.familyCells(group, families);
  return Dyno.element(
    "tbody",
    { role: "rowgroup" },
    Dyno.element(
      "tr",
      { role: "row", class: "asked" },
      Dyno.element(
        "th",
        { scope: "rowgroup", role: "rowheader", colspan: families.length },
        Dyno.name(group.title),
        group.why ? Dyno.element("span", { class: "why" }, Dyno.name(group.why)) : null,
        Dyno.element("span", { class: "words" }, Dyno.sentence(group.closing ?? "")),
      ),
    ),
    Dyno.element("tr", { role: "row" }, families.map(family => Dyno.familyCell(family, cells.find(cell => cell.family === family.key)))),
  );
};

Dyno.familyCell = (family, cell) => {
  const attributes = { role: "cell", "data-label": family.title };
  if (!cell) return Dyno.element("td", { ...attributes, class: "heat none" }, Dyno.element("span", {}, "–"));
  const kind = cell.failure ? "failed" : cell.is_limit ? "limit" : Dyno.heat(cell);
  const mark = cell.is_limit ? "" : cell.is_tied ? "= " : cell.is_best ? "★ " : "";
  const interval = Dyno.known(cell.ratio_low) ? `, 95% interval ${Dyno.interval(cell.ratio_low, cell.ratio_high, Dyno.multiple)}` : "";
  return Dyno.element(
    "td",
    { ...attributes, class: `heat ${kind}` },
    Dyno.element(
      "a",
      {
        href: Dyno.linkTo(cell.row), click: Dyno.jump,
        title: cell.failure ?? `${cell.label}, ${Dyno.counted(cell.workers, "worker")}: ${Dyno.time(cell.median_ns)}${interval}`,
      },
      Dyno.element("strong", {}, cell.failure ? "failed" : mark + Dyno.multiple(cell.ratio)),
      Dyno.element("span", {}, Dyno.name(cell.label ?? ""), cell.workers ? `/${cell.workers}` : ""),
    ),
  );
};

// The class of a cell: the nearer to the best, the darker.
Dyno.heat = cell => {
  if (cell.is_best || cell.is_tied) return "best";
  const limits = [1.1, 1.5, 3, 10];
  const place = limits.findIndex(limit => cell.ratio <= limit);
  return `heat-${place === -1 ? limits.length : place}`;
};
