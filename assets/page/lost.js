// Where is the time lost? The load of each core over the whole run, and what each case loses to its schedule.

Dyno.views.push({
  key: "lost",
  title: "Lost time",
  question: "Where is the time lost?",
  shows: data => Boolean(data.load) || data.groups.some(group => group.rows.some(row => row.schedule)),
  draw: host => {
    if (Dyno.data.load) Dyno.loadFigure(host, Dyno.data.load);
    for (const group of Dyno.selected()) {
      const rows = group.rows.filter(row => row.schedule);
      if (rows.length) host.append(Dyno.scheduleFigure(group, rows));
    }
    const closing = Dyno.closing(Dyno.data.questions.lost?.closing);
    if (closing) host.append(closing);
  },
});

// The load of the cores: the higher, the busier. Above it the cases; disturbed ones have a pattern.
Dyno.loadFigure = (host, load) => {
  const figure = Dyno.element(
    "article",
    { class: "figure", "aria-label": "Load of the cores" },
    Dyno.element("h3", {}, "Load of the cores over the run"),
    Dyno.element("p", { class: "reading" }, "The fuller a strip, the busier the core. The bar above the cores shows the cases; striped ones were disturbed by other programs. Point at one for its name, or open the table."),
  );
  host.append(figure);
  Dyno.lazily(figure, 120 + load.core_count * 24, () => {
    const height = 74 + load.core_count * 24;
    Dyno.drawing(figure, height, `Load of ${Dyno.counted(load.core_count, "core")} over ${Dyno.time(load.end_ns)}`, (drawing, width) => {
      drawing.setAttribute("role", "group");
      const x = Dyno.linearScale(0, load.end_ns || 1, 62, width - 12);
      drawing.append(
        Dyno.mark("defs", {}, Dyno.mark("pattern", { id: "stripes", width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, Dyno.mark("rect", { class: "stripe-ground", width: 4, height: 4 }), Dyno.mark("rect", { class: "stripe", width: 2, height: 4 }))),
        Dyno.mark("text", { class: "tick", x: 54, y: 18, "text-anchor": "end" }, "cases"),
      );
      for (const [index, one] of load.cases.entries()) {
        const mark = Dyno.mark("rect", { class: one.is_disturbed ? "case-bar disturbed" : `case-bar case-${index % 2}`, x: x(one.start_ns), y: 6, width: Math.max(x(one.end_ns) - x(one.start_ns), 0.8), height: 16 });
        drawing.append(Dyno.hint(mark, `${one.name}${Dyno.known(one.foreign_ratio) ? `: ${Dyno.percent(one.foreign_ratio)} foreign load` : ""}`));
      }
      for (let core = 0; core < load.core_count; core += 1) {
        const y = 28 + core * 24;
        drawing.append(Dyno.mark("text", { class: "tick", x: 54, y: y + 14, "text-anchor": "end" }, `core ${core}`), Dyno.mark("rect", { class: "core", x: 62, y, width: width - 74, height: 20 }));
        const path = load.stretches
          .filter(([, , cores]) => Dyno.known(cores[core]))
          .map(([start, length, cores]) => `M${x(start).toFixed(1)},${y + 20}V${(y + 20 - cores[core] / 50).toFixed(1)}H${x(start + length).toFixed(1)}V${y + 20}Z`);
        drawing.append(Dyno.mark("path", { class: "load", d: path.join("") }));
      }
      Dyno.axisBelow(drawing, x, height - 40, height - 40, Dyno.time, "Time since the run began");
    });
    const sources = load.sources ?? [];
    if (sources.length) figure.append(Dyno.element("p", { class: "note" }, Dyno.name(sources.join("; "))));
    figure.append(
      Dyno.foldedTable("load", "The cases in the order of the run", [
        { title: "Case", value: one => one.name },
        { title: "Began (ns)", value: one => one.start_ns, text: one => Dyno.time(one.start_ns), isNumber: true },
        { title: "Took (ns)", value: one => one.end_ns - one.start_ns, text: one => Dyno.time(one.end_ns - one.start_ns), isNumber: true },
        { title: "Foreign load", value: one => one.foreign_ratio, text: one => Dyno.percent(one.foreign_ratio), isNumber: true },
        { title: "Disturbed", value: one => (one.is_disturbed ? "yes" : "no") },
      ], load.cases),
    );
  });
};

// What the time of a case consists of: the bound, the loss of a greedy schedule, and the rest.
Dyno.scheduleFigure = (group, rows) => {
  const figure = Dyno.element("article", { class: "figure", "aria-label": group.title }, Dyno.element("h3", {}, Dyno.name(group.title)));
  const parts = [
    { key: "bound_ns", title: "best possible", style: "part-0" },
    { key: "loss_ns", title: "loss of the schedule", style: "part-1" },
    { key: "overhead_ns", title: "overhead", style: "part-2" },
  ];
  Dyno.lazily(figure, 60 + rows.length * 22, () => {
    const height = 22;
    const value = (row, part) => Math.max(row.schedule[part.key] ?? (part.key === "overhead_ns" ? row.median_ns - (row.schedule.bound_ns ?? row.schedule.best_ns) : 0), 0);
    const whole = row => Math.max(parts.reduce((sum, part) => sum + value(row, part), 0), row.median_ns);
    Dyno.drawing(figure, rows.length * height + 46, `Parts of the time of ${group.title}`, (drawing, width) => {
      const left = Dyno.clamp(width * 0.3, 134, 210);
      const best = Math.min(...rows.map(whole));
      // Rows that take much longer than the best would hide the parts of all others.
      const x = Dyno.linearScale(0, Math.min(Math.max(...rows.map(whole)), best * 4), left, width - 78);
      Dyno.axisBelow(drawing, x, 4, rows.length * height + 4, Dyno.time, "Time of a run; bars are cut at four times the best");
      for (const [index, row] of rows.entries()) {
        const y = 6 + index * height;
        drawing.append(Dyno.mark("text", { class: "name", x: left - 10, y: y + 13, "text-anchor": "end" }, Dyno.caseLabel(row, left - 16)));
        let sum = 0;
        for (const part of parts) {
          const [from, to] = [sum, sum + value(row, part)].map(ns => Math.min(x(ns), width - 78));
          sum += value(row, part);
          if (to - from > 0.2) drawing.append(Dyno.hint(Dyno.mark("rect", { class: `part ${part.style}`, x: from, y, width: to - from, height: 16 }), `${Dyno.rowName(row)}: ${part.title} ${Dyno.time(value(row, part))}`));
        }
        drawing.append(Dyno.mark("text", { class: "value", x: width - 70, y: y + 13 }, Dyno.percent(row.schedule.closeness_ratio)));
      }
    });
    figure.append(Dyno.element("ul", { class: "legend" }, parts.map(part => Dyno.element("li", {}, Dyno.mark("svg", { width: 16, height: 12, "aria-hidden": "true" }, Dyno.mark("rect", { class: `part ${part.style}`, width: 16, height: 12 })), ` ${part.title}`)), Dyno.element("li", {}, "at the right: best possible time ÷ median")));
    const closing = Dyno.closing(group.closings?.lost);
    if (closing) figure.append(closing);
    figure.append(
      Dyno.foldedTable(`lost-${group.slug}`, `Parts of the time of ${group.title}`, [
        { title: "Backend", value: row => row.label },
        { title: "Workers", value: row => row.workers, isNumber: true },
        { title: "Median (ns)", value: row => row.median_ns, text: row => Dyno.time(row.median_ns), isNumber: true },
        { title: "Closeness", value: row => row.schedule.closeness_ratio, text: row => `${Dyno.percent(row.schedule.closeness_ratio)}${row.schedule.is_certified ? "*" : ""}`, isNumber: true },
        { title: "Bound (ns)", value: row => row.schedule.bound_ns, text: row => Dyno.time(row.schedule.bound_ns), isNumber: true },
        { title: "Schedule loss (ns)", value: row => row.schedule.loss_ns, text: row => Dyno.time(row.schedule.loss_ns), isNumber: true },
        { title: "Overhead (ns)", value: row => row.schedule.overhead_ns, text: row => Dyno.time(row.schedule.overhead_ns), isNumber: true },
        { title: "Inflation", value: row => row.schedule.inflation_ratio, text: row => Dyno.multiple(row.schedule.inflation_ratio), isNumber: true },
      ], rows),
    );
  });
  return figure;
};
