// Which backend, and how sure is that? Dots with intervals, and every sample one click away.

Dyno.views.push({
  key: "backends",
  title: "Backend",
  question: "Which backend, and how sure is that?",
  shows: data => data.groups.length > 0,
  draw: host => {
    const groups = Dyno.selected();
    host.append(
      Dyno.element("p", { class: "reading" }, "A mark is the median of a case and the line its exact 95% interval. Select a name to see every sample."),
      Dyno.legend(groups.flatMap(group => group.rows)),
    );
    for (const group of groups) host.append(Dyno.backendFigure(group));
    const closing = Dyno.closing(Dyno.data.questions.backends?.closing);
    if (closing) host.append(closing);
  },
});

// The figure of a workload: the drawing, the samples of a chosen case, the sentence and the table.
Dyno.backendFigure = group => {
  const figure = Dyno.element(
    "article",
    { id: `backends-${group.slug}`, tabindex: "-1", class: "figure", "aria-label": group.title },
    Dyno.element("h3", {}, Dyno.name(group.title)),
    Dyno.element("p", { class: "parameters" }, Dyno.name([...group.parameters, Dyno.known(group.task_count) ? Dyno.counted(group.task_count, "task") : null, group.files].filter(Boolean).join("; "))),
  );
  const body = Dyno.element("div", {});
  figure.append(body);
  Dyno.lazily(figure, 80 + group.rows.length * 24, () => {
    Dyno.dots(body, group);
    body.append(Dyno.element("div", { class: "samples", id: `samples-${group.slug}` }));
    const closing = Dyno.closing(group.closings?.backends ?? group.closing);
    if (closing) body.append(closing);
    Dyno.failures(body, group);
    body.append(Dyno.foldedTable(`backends-${group.slug}`, `All cases of ${group.title}`, Dyno.rowColumns(), group.rows, { rowId: row => row.id }));
  });
  return figure;
};

// The columns of a table of cases.
Dyno.rowColumns = () => [
  { title: "Backend", value: row => row.label },
  { title: "Rank", value: row => row.rank, text: row => (Dyno.known(row.rank) ? `${row.is_tied ? "=" : ""}${row.rank}` : "–"), isNumber: true },
  { title: "Workers", value: row => row.workers, isNumber: true },
  { title: "Median (ns)", value: row => row.median_ns, text: row => Dyno.time(row.median_ns), isNumber: true },
  { title: "Low (ns)", value: row => row.low_ns, text: row => Dyno.time(row.low_ns), isNumber: true },
  { title: "High (ns)", value: row => row.high_ns, text: row => Dyno.time(row.high_ns), isNumber: true },
  { title: "× best", value: row => row.ratio, text: row => Dyno.multiple(row.ratio), isNumber: true },
  { title: "Samples", value: row => row.sample_count, isNumber: true },
  { title: "Utilisation", value: row => row.utilisation_ratio, text: row => Dyno.percent(row.utilisation_ratio), isNumber: true },
  { title: "Notes", value: row => (row.error ? `failed: ${row.error.kind}` : (row.notes ?? []).join(", ")) },
];

// The error rows of a workload, with their reasons.
Dyno.failures = (host, group) => {
  const failed = group.rows.filter(row => row.error);
  if (!failed.length) return;
  host.append(
    Dyno.element("ul", { class: "failures" }, failed.map(row => Dyno.element("li", {}, "✗ ", Dyno.name(Dyno.rowName(row)), ": ", Dyno.name(row.error.kind), ": ", Dyno.name(row.error.message)))),
  );
};

// The drawing: one line per case, sorted by the metric.
Dyno.dots = (host, group) => {
  const metric = Dyno.metric();
  const rows = group.rows.filter(row => Dyno.known(metric.value(row)) && metric.value(row) > 0);
  if (!rows.length) return;
  rows.sort((a, b) => metric.value(a) - metric.value(b));
  const height = 24;
  Dyno.drawing(host, rows.length * height + 50, `${metric.title} of ${group.title}: ${rows.map(row => `${Dyno.rowName(row)} ${metric.format(metric.value(row))}`).join("; ")}`, (drawing, width) => {
    drawing.setAttribute("role", "group");
    const left = Dyno.clamp(width * 0.3, 134, 210);
    const right = width - 78;
    const ends = rows.flatMap(row => [metric.value(row), metric.low?.(row), metric.high?.(row)]);
    const scale = Dyno.logScale(ends, left, right);
    const bottom = rows.length * height + 6;
    Dyno.axisBelow(drawing, scale, 4, bottom, metric.format, `${metric.title}, logarithmic: left is ${metric.isTime ? "faster" : "less"}`);
    for (const [index, row] of rows.entries()) {
      const y = 16 + index * height;
      const x = scale(metric.value(row));
      const [low, high] = [metric.low?.(row), metric.high?.(row)];
      const open = () => Dyno.showSamples(group, row, true);
      const label = Dyno.mark(
        "a",
        { href: Dyno.linkTo(row.id), class: "label", "aria-label": `${Dyno.rowName(row)}: ${metric.format(metric.value(row))}, show its samples`, click: event => { event.preventDefault(); open(); } },
        Dyno.mark("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, Dyno.caseLabel(row, left - 16)),
      );
      const mark = Dyno.mark("g", { class: "case", click: open });
      if (Dyno.known(low)) mark.append(Dyno.mark("line", { class: "interval", x1: scale(low), x2: scale(high), y1: y, y2: y }));
      mark.append(Dyno.familyMark(row.family, x, y));
      Dyno.hint(mark, `${Dyno.rowName(row)}: ${metric.format(metric.value(row))}${Dyno.known(low) ? `, 95% interval ${Dyno.interval(low, high, metric.format)}` : ""}`);
      drawing.append(label, mark, Dyno.mark("text", { class: "value", x: width - 70, y: y + 4 }, metric.format(metric.value(row))));
    }
  });
  if (rows.some(row => row.is_limit)) host.append(Dyno.element("p", { class: "note" }, "† the practical limit: tasks are assigned to workers before the clock starts, so nothing is scheduled at run time"));
};

// Shows every sample of a case, in the order of the run.
Dyno.showSamples = (group, row, isAsked = false) => {
  const host = document.getElementById(`samples-${group.slug}`);
  if (!host) return;
  host.replaceChildren();
  const samples = row.samples_ns ?? [];
  const close = Dyno.element("button", { type: "button", click: () => host.replaceChildren() }, "Close");
  const panel = Dyno.element(
    "div",
    { class: "panel", tabindex: "-1", role: "group", "aria-label": `Samples of ${Dyno.rowName(row)}` },
    Dyno.element("h4", {}, "Every sample of ", Dyno.name(Dyno.rowName(row))),
    Dyno.element("p", {}, Dyno.known(row.median_ns) ? `${Dyno.counted(samples.length, "sample")}, median ${Dyno.time(row.median_ns)}, digest ${row.digest_text ?? row.digest}. The line is the median.` : `${row.error?.kind}: ${row.error?.message}`),
  );
  host.append(panel);
  if (samples.length) {
    Dyno.sampleDrawing(panel, row);
    panel.append(
      Dyno.foldedTable(`samples-${row.id}`, `Samples of ${Dyno.rowName(row)}`, [
        { title: "Number", value: sample => sample.number, isNumber: true },
        { title: "Time (ns)", value: sample => sample.ns, text: sample => Dyno.time(sample.ns), isNumber: true },
        { title: "Foreign load", value: sample => sample.foreign, text: sample => Dyno.percent(sample.foreign), isNumber: true },
      ], samples.map((ns, index) => ({ number: index + 1, ns, foreign: row.foreign_permille ? row.foreign_permille[index] / 1000 : null }))),
    );
  }
  panel.append(close);
  if (isAsked) panel.focus();
};

Dyno.sampleDrawing = (host, row) => {
  const samples = row.samples_ns;
  Dyno.drawing(host, 150, `${samples.length} samples from ${Dyno.time(Math.min(...samples))} to ${Dyno.time(Math.max(...samples))}`, (drawing, width) => {
    const x = Dyno.linearScale(1, Math.max(samples.length, 2), 70, width - 12);
    const y = Dyno.linearScale(Math.min(...samples), Math.max(...samples), 118, 22);
    Dyno.axisLeft(drawing, y, 70, width - 12, Dyno.time, "Time of a run");
    Dyno.axisBelow(drawing, Dyno.withTicks(x, [1, samples.length]), 118, 118, Dyno.count, "");
    drawing.append(Dyno.mark("line", { class: "median", x1: 70, x2: width - 12, y1: y(row.median_ns), y2: y(row.median_ns) }));
    const starts = new Set(row.invocation_starts ?? []);
    for (const [index, ns] of samples.entries()) {
      const at = x(index + 1);
      if (index > 0 && starts.has(index)) drawing.append(Dyno.mark("line", { class: "grid", x1: at, x2: at, y1: 18, y2: 118 }));
      const isDisturbed = row.foreign_permille?.[index] >= 100;
      const mark = isDisturbed ? Dyno.mark("path", { class: "sample disturbed", d: `M${at - 3},${y(ns) - 3}l6,6m0,-6l-6,6` }) : Dyno.mark("circle", { class: "sample", cx: at, cy: y(ns), r: 2.5 });
      drawing.append(Dyno.hint(mark, `sample ${index + 1}: ${Dyno.time(ns)}`));
    }
    drawing.append(Dyno.mark("text", { class: "axis", x: (70 + width) / 2, y: 146, "text-anchor": "middle" }, "Samples in the order of the run; × marks those with more than 10% foreign load"));
  });
};
