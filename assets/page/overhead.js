// What does a task cost, and how small can tasks be?

Dyno.views.push({
  key: "overhead",
  title: "Task cost",
  question: "What does a task cost, and how small can tasks be?",
  shows: data => data.sweeps.length > 0 || data.groups.some(group => group.rows.some(row => Dyno.known(row.overhead_ns))),
  draw: host => {
    const groups = Dyno.selected().filter(group => group.rows.some(row => Dyno.known(row.overhead_ns) && row.task_ns < 1e6));
    if (groups.length) {
      host.append(
        Dyno.element("p", { class: "reading" }, "Overhead is the worker time that each task costs beyond its work, as a plain loop in the same language does it. It is negative where tasks wait at the same time."),
        Dyno.legend(groups.flatMap(group => group.rows)),
      );
    }
    for (const group of groups) host.append(Dyno.overheadFigure(group));
    for (const sweep of Dyno.data.sweeps) host.append(Dyno.sweepFigure(sweep));
    for (const one of Dyno.data.ranks) host.append(Dyno.ranksFigure(one));
    const closing = Dyno.closing(Dyno.data.questions.overhead?.closing);
    if (closing) host.append(closing);
  },
});

Dyno.overheadFigure = group => {
  const rows = group.rows.filter(row => Dyno.known(row.overhead_ns)).sort((a, b) => a.overhead_ns - b.overhead_ns);
  const figure = Dyno.element("article", { class: "figure", "aria-label": group.title }, Dyno.element("h3", {}, Dyno.name(group.title)));
  Dyno.lazily(figure, 60 + rows.length * 20, () => {
    const positive = rows.filter(row => row.overhead_ns > 0);
    const height = 20;
    if (positive.length) {
      Dyno.drawing(figure, positive.length * height + 50, `Overhead per task on ${group.title}`, (drawing, width) => {
        const left = Dyno.clamp(width * 0.3, 134, 210);
        const scale = Dyno.logScale(positive.map(row => row.overhead_ns), left, width - 78);
        const bottom = positive.length * height + 6;
        Dyno.axisBelow(drawing, scale, 4, bottom, Dyno.time, "Overhead per task, logarithmic");
        for (const [index, row] of positive.entries()) {
          const y = 14 + index * height;
          drawing.append(
            Dyno.mark("text", { class: "name", x: left - 10, y: y + 4, "text-anchor": "end" }, Dyno.caseLabel(row, left - 16)),
            Dyno.mark("line", { class: "stem", x1: left, x2: scale(row.overhead_ns), y1: y, y2: y }),
            Dyno.hint(Dyno.familyMark(row.family, scale(row.overhead_ns), y, 4.5), `${Dyno.rowName(row)}: ${Dyno.time(row.overhead_ns)} per task`),
            Dyno.mark("text", { class: "value", x: width - 70, y: y + 4 }, Dyno.time(row.overhead_ns)),
          );
        }
      });
    }
    const closing = Dyno.closing(group.closings?.overhead);
    if (closing) figure.append(closing);
    figure.append(
      Dyno.foldedTable(`overhead-${group.slug}`, `Cost of a task on ${group.title}`, [
        { title: "Backend", value: row => row.label },
        { title: "Workers", value: row => row.workers, isNumber: true },
        { title: "Time per task (ns)", value: row => row.task_ns, text: row => Dyno.time(row.task_ns), isNumber: true },
        { title: "Overhead per task (ns)", value: row => row.overhead_ns, text: row => Dyno.time(row.overhead_ns), isNumber: true },
        { title: "Start of the workers (ns)", value: row => row.start_ns, text: row => Dyno.time(row.start_ns), isNumber: true },
      ], rows),
    );
  });
  return figure;
};

// The efficiency of each backend over the size of a task, with the METG of each marked.
Dyno.sweepFigure = sweep => {
  const figure = Dyno.element(
    "article",
    { class: "figure", "aria-label": sweep.title },
    Dyno.element("h3", {}, Dyno.name(sweep.title)),
    Dyno.element("p", { class: "parameters" }, Dyno.name(sweep.parameters.join("; "))),
  );
  Dyno.lazily(figure, 360, () => {
    Dyno.sweepDrawing(figure, sweep);
    const closing = Dyno.closing(sweep.closing);
    if (closing) figure.append(closing);
    figure.append(
      Dyno.foldedTable(`sweep-${sweep.slug}`, `METG(${Dyno.percent(sweep.target_ratio)}) on ${sweep.title}`, [
        { title: "Backend", value: curve => curve.label },
        { title: "METG", value: curve => curve.metg_ns, text: curve => curve.metg, isNumber: true },
        { title: "95% interval", value: curve => Dyno.interval(curve.low_ns, curve.high_ns, Dyno.time) },
        { title: "Notes", value: curve => (curve.notes ?? []).join(", ") },
      ], sweep.curves),
    );
  });
  return figure;
};

Dyno.sweepDrawing = (host, sweep) => {
  const height = 340;
  const curves = sweep.curves.filter(curve => curve.points.length);
  if (!curves.length) return;
  Dyno.drawing(host, height, `Efficiency over the size of a task on ${sweep.title}`, (drawing, width) => {
    const right = width - 14;
    const x = Dyno.logScale(curves.flatMap(curve => curve.points.map(point => point.granularity_ns)), 52, right);
    const most = Math.max(1, ...curves.flatMap(curve => curve.points.map(point => point.efficiency_ratio)));
    const y = Dyno.linearScale(0, Math.min(most, 1.5), height - 44, 26);
    Dyno.axisBelow(drawing, x, 20, height - 44, Dyno.time, "Size of a task, logarithmic");
    Dyno.axisLeft(drawing, y, 52, right, Dyno.percent, "Efficiency");
    drawing.append(Dyno.mark("line", { class: "ideal", x1: 52, x2: right, y1: y(sweep.target_ratio), y2: y(sweep.target_ratio) }));
    drawing.append(Dyno.mark("text", { class: "tick", x: right, y: y(sweep.target_ratio) + 14, "text-anchor": "end" }, `○ METG: the size at which ${Dyno.percent(sweep.target_ratio)} is reached`));
    const entries = [];
    const ordered = [...curves].sort((a, b) => b.points.at(-1).efficiency_ratio - a.points.at(-1).efficiency_ratio);
    for (const curve of ordered) {
      const style = Dyno.lineClass(Dyno.data.backends.findIndex(one => one.name === curve.backend));
      const points = curve.points.map(point => [x(point.granularity_ns), y(Dyno.clamp(point.efficiency_ratio, 0, 1.5))]);
      const text = `${curve.label}: METG ${curve.metg}`;
      const marks = [Dyno.hint(Dyno.mark("path", { class: style, d: Dyno.pathOf(points) }), text)];
      if (curve.side === "at") marks.push(Dyno.hint(Dyno.mark("circle", { class: `dot ${style}`, cx: x(curve.metg_ns), cy: y(sweep.target_ratio), r: 5 }), text));
      entries.push({ style, text: `${curve.label}${curve.is_limit ? "†" : ""} ${curve.metg}`, curve: Dyno.curve(drawing, marks) });
    }
    host.append(Dyno.curveKey(drawing, entries));
  });
};
