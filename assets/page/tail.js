// How bad is the tail? Percentiles and their curve.

Dyno.views.push({
  key: "tail",
  title: "Tail",
  question: "How bad is the tail?",
  shows: data => data.groups.some(group => group.rows.some(row => row.tails?.length)),
  draw: host => {
    host.append(Dyno.element("p", { class: "reading" }, "The curve shows how long the slowest take: at 1 of 10 is the time that a tenth exceeds. A dash stands for a percentile that too few observations lie beyond."));
    for (const group of Dyno.selected()) {
      const names = [...new Set(group.rows.flatMap(row => (row.tails ?? []).map(tail => tail.name)))];
      for (const name of names) host.append(Dyno.tailFigure(group, name));
    }
    const closing = Dyno.closing(Dyno.data.questions.tail?.closing);
    if (closing) host.append(closing);
  },
});

Dyno.tailFigure = (group, name) => {
  const tails = group.rows.flatMap(row => (row.tails ?? []).filter(tail => tail.name === name).map(tail => ({ ...tail, row })));
  const title = name === "run" ? `${group.title}: time of a run` : `${group.title}: ${name}`;
  const figure = Dyno.element("article", { class: "figure", "aria-label": title }, Dyno.element("h3", {}, Dyno.name(title)));
  Dyno.lazily(figure, 340, () => {
    Dyno.tailDrawing(figure, title, tails);
    const closing = name === "run" ? Dyno.closing(group.closings?.tail) : null;
    if (closing) figure.append(closing);
    const notes = [...new Set(tails.map(tail => tail.note).filter(Boolean))];
    if (notes.length) figure.append(Dyno.element("p", { class: "note" }, notes.length === 1 ? Dyno.name(notes[0]) : "The table has notes on single cases."));
    const column = (heading, key) => ({ title: `${heading} (ns)`, value: tail => tail[key], text: tail => Dyno.time(tail[key]), isNumber: true });
    figure.append(
      Dyno.foldedTable(`tail-${group.slug}-${name.replaceAll(/\W/g, "-")}`, `Percentiles of ${title}`, [
        { title: "Backend", value: tail => tail.row.label },
        { title: "Workers", value: tail => tail.row.workers, isNumber: true },
        { title: "Count", value: tail => tail.count, text: tail => Dyno.count(tail.count), isNumber: true },
        column("p50", "p50_ns"), column("p90", "p90_ns"), column("p99", "p99_ns"), column("p99.9", "p999_ns"), column("max", "max_ns"),
        { title: "Notes", value: tail => tail.note },
      ], tails),
    );
  });
  return figure;
};

Dyno.tailDrawing = (host, title, tails) => {
  const drawn = tails.filter(tail => tail.points?.length > 1);
  if (!drawn.length) return;
  const height = 300;
  Dyno.drawing(host, height, `Curve of the slowest, ${title}`, (drawing, width) => {
    const right = width - 14;
    const x = Dyno.logScale(drawn.flatMap(tail => tail.points.map(point => point[0])), 66, right);
    const y = Dyno.logScale(drawn.flatMap(tail => tail.points.map(point => point[1])), height - 44, 26);
    Dyno.axisBelow(drawing, x, 20, height - 44, oneOf => `1 of ${Dyno.count(oneOf)}`, "The slowest");
    Dyno.axisLeft(drawing, y, 66, right, Dyno.time, "Time");
    const ordered = [...drawn].sort((a, b) => a.points.at(-1)[1] - b.points.at(-1)[1]).reverse();
    const entries = ordered.map((tail, index) => {
      // Cases of one backend would share its colour, so here each case has its own.
      const style = Dyno.lineClass(index);
      const points = tail.points.map(([oneOf, ns]) => [x(oneOf), y(Math.max(ns, y.low))]);
      const line = Dyno.hint(Dyno.mark("path", { class: style, d: Dyno.pathOf(points) }), `${Dyno.rowName(tail.row)}: largest ${Dyno.time(tail.max_ns)}`);
      return { style, text: `${tail.row.label} / ${tail.row.workers}: ${Dyno.time(tail.max_ns)}`, curve: Dyno.curve(drawing, line) };
    });
    host.append(Dyno.curveKey(drawing, entries));
  });
};
