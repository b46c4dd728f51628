// How small can tasks be on many ranks? The measured METG over ranks, and what a model of messages says.

Dyno.ranksFigure = one => {
  const figure = Dyno.element("article", { class: "figure", "aria-label": `METG over ranks: ${one.title}` }, Dyno.element("h3", {}, "METG over ranks: ", Dyno.name(one.title)));
  Dyno.lazily(figure, 340, () => {
    Dyno.ranksDrawing(figure, one);
    if (one.model) figure.append(Dyno.element("p", { class: "reading" }, Dyno.name(one.model.text)));
    figure.append(
      Dyno.foldedTable(one.slug, `METG(${Dyno.percent(one.target_ratio)}) over ranks: ${one.title}`, [
        { title: "Ranks", value: point => point.ranks, isNumber: true },
        { title: "METG", value: point => point.metg_ns, text: point => Dyno.time(point.metg_ns), isNumber: true },
        { title: "95% interval", value: point => Dyno.interval(point.low_ns, point.high_ns, Dyno.time) },
        { title: "Model", value: point => (point.predicted_ns ? Dyno.ranksPrediction(...point.predicted_ns) : one.model && point.is_fitted ? "fitted to this" : null) },
        { title: "Beyond the model", value: point => point.error_ratio, text: point => (point.error_ratio === null ? "" : Dyno.percent(point.error_ratio)), isNumber: true },
        { title: "Notes", value: point => [point.is_crowded ? "more ranks than cores, which take turns" : "", point.is_wide ? "more ranks than columns, so some have no work" : ""].filter(Boolean).join("; ") },
      ], one.points),
    );
  });
  return figure;
};

// One figure, a range, or a range without an end: ranks that share a core may never reach the efficiency.
Dyno.ranksPrediction = (low, high) => (low === high ? Dyno.time(low) : high === null ? `${Dyno.time(low)} or more` : Dyno.interval(low, high, Dyno.time));

Dyno.ranksDrawing = (host, one) => {
  const height = 320;
  Dyno.drawing(host, height, `METG over ranks: ${one.title}`, (drawing, width) => {
    const right = width - 14;
    const range = one.model?.range ?? [];
    const counts = [...one.points.map(point => point.ranks), ...range.map(([ranks]) => ranks)];
    const times = [...one.points.flatMap(point => [point.metg_ns, point.low_ns, point.high_ns]), ...range.flatMap(([, low, high]) => [low, high])];
    const x = Dyno.logScale(counts, 60, right);
    const y = Dyno.logScale(times, height - 44, 26);
    const ticks = [...new Set([...one.points.map(point => point.ranks), 16, 64, 256, 1024])].filter(ranks => ranks <= Math.max(...counts));
    Dyno.axisBelow(drawing, Object.assign(Dyno.withTicks(x, ticks), { ends: [] }), 20, height - 44, Dyno.count, "Ranks, logarithmic");
    Dyno.axisLeft(drawing, y, 60, right, Dyno.time, `METG(${Dyno.percent(one.target_ratio)}), logarithmic`);
    const style = Dyno.lineClass(one.backend);
    const entries = [];
    if (range.length) {
      const line = end => Dyno.mark("path", { class: `fit ${style}`, d: Dyno.pathOf(range.map(all => [x(all[0]), y(all[end])])) });
      const isOne = range.every(([, low, high]) => low === high);
      const marks = isOne ? [Dyno.hint(line(1), "Model: from messages that two ranks measured")] : [Dyno.hint(line(1), "Model: the messages of a rank overlap"), Dyno.hint(line(2), "Model: the messages of a rank do not overlap")];
      entries.push({ style: `fit ${style}`, text: isOne ? "model: from messages between two ranks, a core for each rank" : "model: all messages of a rank overlap, or none do", curve: Dyno.curve(drawing, marks) });
    }
    const marks = [Dyno.mark("path", { class: style, d: Dyno.pathOf(one.points.map(point => [x(point.ranks), y(point.metg_ns)])) })];
    for (const point of one.points) {
      const at = x(point.ranks);
      if (Dyno.known(point.low_ns)) marks.push(Dyno.mark("line", { class: `interval ${style}`, x1: at, x2: at, y1: y(point.low_ns), y2: y(point.high_ns) }));
      marks.push(Dyno.hint(Dyno.mark("circle", { class: `dot ${style}`, cx: at, cy: y(point.metg_ns), r: 3.5 }), `${Dyno.counted(point.ranks, "rank")}: ${Dyno.time(point.metg_ns)}${point.is_crowded ? ", more ranks than cores" : ""}`));
    }
    entries.push({ style, text: "measured", curve: Dyno.curve(drawing, marks) });
    host.append(Dyno.curveKey(drawing, entries));
  });
};
