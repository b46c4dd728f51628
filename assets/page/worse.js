// Did it get worse? The ratios of a comparison as a forest plot, and histories with their change points.

Dyno.views.push({
  key: "worse",
  title: "Worse?",
  question: "Did it get worse?",
  shows: data => Boolean(data.comparison || data.history),
  draw: host => {
    const { comparison, history: series } = Dyno.data;
    if (comparison) Dyno.comparisonFigure(host, comparison);
    if (series) Dyno.historyFigures(host, series);
  },
});

Dyno.comparisonFigure = (host, comparison) => {
  const closing = Dyno.closing(comparison.closing);
  if (closing) host.append(closing);
  host.append(
    Dyno.element("p", { class: "reading" }, "Base: ", Dyno.name(comparison.base), "; head: ", Dyno.name(comparison.head), ". Right of the line at 1 the head is slower. The grey band is the threshold."),
    ...(comparison.notes ?? []).filter(Boolean).map(note => Dyno.element("p", { class: "note" }, Dyno.sentence(note))),
  );
  const figure = Dyno.element("article", { class: "figure", "aria-label": "Ratios of all cases" }, Dyno.element("h3", {}, Dyno.name(comparison.title)));
  host.append(figure);
  const cases = comparison.cases.filter(one => Dyno.known(one.ratio));
  Dyno.lazily(figure, 60 + cases.length * 24, () => {
    if (cases.length) Dyno.forest(figure, cases);
    figure.append(
      Dyno.table("comparison", "All compared cases", [
        { title: "Case", value: one => one.case },
        { title: "Verdict", value: one => one.verdict },
        { title: "Before (ns)", value: one => one.before_ns, text: one => Dyno.time(one.before_ns), isNumber: true },
        { title: "After (ns)", value: one => one.after_ns, text: one => Dyno.time(one.after_ns), isNumber: true },
        { title: "Ratio", value: one => one.ratio, text: one => Dyno.multiple(one.ratio), isNumber: true },
        { title: "Low", value: one => one.low, text: one => Dyno.multiple(one.low), isNumber: true },
        { title: "High", value: one => one.high, text: one => Dyno.multiple(one.high), isNumber: true },
        { title: "Pairs", value: one => one.pair_count, isNumber: true },
        { title: "Note", value: one => one.note || null },
      ], comparison.cases),
    );
  });
};

Dyno.forest = (host, cases) => {
  const height = 24;
  Dyno.drawing(host, cases.length * height + 50, "Ratio of the head's time to the base's, with intervals", (drawing, width) => {
    const left = Dyno.clamp(width * 0.36, 120, 320);
    const isWide = width > 720;
    const right = width - (isWide ? 190 : 14);
    const limit = 1 + Math.max(...cases.map(one => one.threshold_ratio ?? 0));
    const x = Dyno.logScale([...cases.flatMap(one => [one.ratio, one.low, one.high]), 1 / limit, limit], left, right);
    const bottom = cases.length * height + 6;
    drawing.append(Dyno.mark("rect", { class: "band", x: x(1 / limit), y: 2, width: x(limit) - x(1 / limit), height: bottom - 2 }));
    Dyno.axisBelow(drawing, x, 2, bottom, Dyno.multiple, "Time of the head ÷ time of the base");
    drawing.append(Dyno.mark("line", { class: "one", x1: x(1), x2: x(1), y1: 2, y2: bottom }));
    for (const [index, one] of cases.entries()) {
      const y = 16 + index * height;
      const text = `${one.case}: ${one.verdict}, ${Dyno.multiple(one.ratio)} (${Dyno.interval(one.low, one.high, Dyno.multiple)})`;
      drawing.append(Dyno.mark("text", { class: "name", x: left - 10, y: y + 4, "text-anchor": "end" }, Dyno.fit(one.case, left - 14)));
      const mark = Dyno.mark("g", { class: `verdict verdict-${one.verdict}` });
      if (Dyno.known(one.low)) mark.append(Dyno.mark("line", { x1: x(one.low), x2: x(one.high), y1: y, y2: y }));
      const shapes = { regressed: `M${x(one.ratio) - 5},${y - 5}h10l-5,10z`, improved: `M${x(one.ratio) - 5},${y + 5}h10l-5,-10z` };
      mark.append(shapes[one.verdict] ? Dyno.mark("path", { d: shapes[one.verdict] }) : Dyno.mark("circle", { cx: x(one.ratio), cy: y, r: 4 }));
      drawing.append(Dyno.hint(mark, text));
      if (isWide && Dyno.known(one.before_ns)) drawing.append(Dyno.mark("text", { class: "value", x: right + 12, y: y + 4 }, `${Dyno.time(one.before_ns)} → ${Dyno.time(one.after_ns)}`));
    }
  });
  host.append(Dyno.element("p", { class: "note" }, "▼ slower, ▲ faster, ● neither"));
};

Dyno.historyFigures = (host, all) => {
  const closing = Dyno.closing(all.closing);
  if (closing) host.append(closing);
  for (const [index, series] of all.series.entries()) {
    const figure = Dyno.element("article", { class: "figure", "aria-label": `History of ${series.case}` }, Dyno.element("h3", {}, Dyno.name(series.case)));
    host.append(figure);
    Dyno.lazily(figure, 240, () => {
      Dyno.historyDrawing(figure, series);
      for (const text of [...series.changes.map(change => change.text), series.text].filter(Boolean)) figure.append(Dyno.closing(text));
      for (const note of series.notes ?? []) figure.append(Dyno.element("p", { class: "note" }, Dyno.sentence(note)));
      figure.append(
        Dyno.foldedTable(`history-${index}`, `History of ${series.case}`, [
          { title: "Number", value: point => point.number, isNumber: true },
          { title: "Commit", value: point => point.commit ?? point.place },
          { title: "Begun", value: point => point.started },
          { title: "Median (ns)", value: point => point.median_ns, text: point => Dyno.time(point.median_ns), isNumber: true },
          { title: "Change", value: point => point.change, text: point => Dyno.multiple(point.change), isNumber: true },
        ], series.points.map((point, position) => ({ ...point, number: position + 1, change: series.changes.find(change => change.index === position)?.ratio }))),
      );
    });
  }
};

Dyno.historyDrawing = (host, series) => {
  Dyno.drawing(host, 220, `Median of ${series.case} in ${Dyno.counted(series.points.length, "session")}`, (drawing, width) => {
    const x = Dyno.linearScale(1, Math.max(series.points.length, 2), 70, width - 14);
    const y = Dyno.logScale(series.points.map(point => point.median_ns), 170, 26);
    Dyno.axisLeft(drawing, y, 70, width - 14, Dyno.time, "Median");
    Dyno.axisBelow(drawing, Dyno.withTicks(x, [1, series.points.length]), 170, 170, Dyno.count, "Sessions, from the oldest to the newest");
    drawing.append(Dyno.mark("path", { class: "line line-0", d: Dyno.pathOf(series.points.map((point, index) => [x(index + 1), y(point.median_ns)])) }));
    for (const [index, point] of series.points.entries()) drawing.append(Dyno.hint(Dyno.mark("circle", { class: "dot line-0", cx: x(index + 1), cy: y(point.median_ns), r: 3 }), `${point.commit ?? point.place}: ${Dyno.time(point.median_ns)}`));
    for (const change of series.changes) {
      const at = x(change.index + 0.5);
      drawing.append(
        Dyno.mark("line", { class: "change", x1: at, x2: at, y1: 22, y2: 170 }),
        Dyno.mark("text", { class: "tick", x: at + (at > width - 80 ? -4 : 4), y: 34, "text-anchor": at > width - 80 ? "end" : "start" }, `${Dyno.multiple(change.ratio)} ${change.ratio > 1 ? "slower" : "faster"}`),
      );
    }
  });
};
