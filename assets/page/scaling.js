// Does it scale? Speed-up over a plain loop, with the ideal line and the fitted Universal Scalability Law.

Dyno.views.push({
  key: "scaling",
  title: "Scaling",
  question: "Does it scale?",
  shows: data => data.groups.some(group => Dyno.scalingCurves(group).length > 0),
  draw: host => {
    host.append(Dyno.element("p", { class: "reading" }, "Speed-up is the time of a plain loop in the same language divided by the time with these workers. The dashed line is the ideal: twice the workers, half the time. Thin dashed curves are fitted laws (Universal Scalability Law), from three numbers of workers up."));
    for (const group of Dyno.selected()) {
      const curves = Dyno.scalingCurves(group);
      if (curves.length) host.append(Dyno.scalingFigure(group, curves));
    }
    const closing = Dyno.closing(Dyno.data.questions.scaling?.closing);
    if (closing) host.append(closing);
  },
});

// The curves of the backends that the filters let through; none unless one of them has at least three numbers of workers.
Dyno.scalingCurves = group => {
  const shown = new Set(group.rows.map(row => row.id));
  const curves = (group.scaling ?? [])
    .map(curve => ({ ...curve, points: curve.points.filter(point => shown.has(point.row)) }))
    .filter(curve => curve.points.length > 0);
  return curves.some(curve => curve.points.length > 2) ? curves : [];
};

Dyno.scalingFigure = (group, curves) => {
  const figure = Dyno.element("article", { class: "figure", "aria-label": group.title }, Dyno.element("h3", {}, Dyno.name(group.title)));
  Dyno.lazily(figure, 320, () => {
    Dyno.scalingDrawing(figure, group, curves);
    const closing = Dyno.closing(group.closings?.scaling);
    if (closing) figure.append(closing);
    const points = curves.flatMap(curve => curve.points.map(point => ({ ...point, label: curve.label })));
    figure.append(
      Dyno.foldedTable(`scaling-${group.slug}`, `Speed-up on ${group.title}`, [
        { title: "Backend", value: point => point.label },
        { title: "Workers", value: point => point.workers, isNumber: true },
        { title: "Speed-up", value: point => point.speed_up, text: point => Dyno.multiple(point.speed_up), isNumber: true },
        { title: "95% interval", value: point => Dyno.interval(point.low, point.high, Dyno.multiple) },
        { title: "Efficiency", value: point => point.efficiency_ratio, text: point => Dyno.percent(point.efficiency_ratio), isNumber: true },
      ], points),
    );
    const fits = curves.filter(curve => curve.usl);
    if (fits.length) figure.append(Dyno.uslTable(group, fits));
  });
  return figure;
};

// The fitted laws: contention and coherency with their intervals.
Dyno.uslTable = (group, curves) => {
  const range = (value, low, high) => `${Dyno.small(value)} (${Dyno.interval(low, high, Dyno.small)})`;
  return Dyno.foldedTable(`usl-${group.slug}`, `Universal Scalability Law on ${group.title}`, [
    { title: "Backend", value: curve => curve.label },
    { title: "Contention σ", value: curve => curve.usl.sigma, text: curve => range(curve.usl.sigma, curve.usl.sigma_low, curve.usl.sigma_high), isNumber: true },
    { title: "Crosstalk κ", value: curve => curve.usl.kappa, text: curve => range(curve.usl.kappa, curve.usl.kappa_low, curve.usl.kappa_high), isNumber: true },
    { title: "One worker λ", value: curve => curve.usl.lambda, text: curve => range(curve.usl.lambda, curve.usl.lambda_low, curve.usl.lambda_high), isNumber: true },
    { title: "Most workers that help", value: curve => curve.usl.peak_workers, isNumber: true },
    { title: "In words", value: curve => curve.usl.text },
  ], curves, { summary: "Table of the fitted laws" });
};

Dyno.scalingDrawing = (host, group, curves) => {
  const height = 300;
  Dyno.drawing(host, height, `Speed-up over workers on ${group.title}`, (drawing, width) => {
    const right = width - 14;
    const points = curves.flatMap(curve => curve.points);
    const counts = [...new Set(points.map(point => point.workers))].sort((a, b) => a - b);
    const most = Math.max(...counts, 2);
    const x = Dyno.linearScale(1, most, 48, right);
    const ends = points.flatMap(point => [point.high ?? point.speed_up, point.speed_up]);
    const top = Math.max(...ends, 1) * 1.08;
    const y = Dyno.linearScale(0, top, height - 44, 24);
    Dyno.axisBelow(drawing, Dyno.withTicks(x, counts), 20, height - 44, Dyno.count, "Workers");
    Dyno.axisLeft(drawing, y, 48, right, tick => `${tick} ×`, "Speed-up over a plain loop");
    const cores = Dyno.data.heading?.core_count;
    if (cores && cores <= most) {
      drawing.append(
        Dyno.mark("line", { class: "cores", x1: x(cores), x2: x(cores), y1: 20, y2: height - 44 }),
        Dyno.mark("text", { class: "tick", x: x(cores) - 4, y: height - 50, "text-anchor": "end" }, Dyno.counted(cores, "core")),
      );
    }
    const reach = Math.min(most, top);
    drawing.append(
      Dyno.mark("line", { class: "ideal", x1: x(1), y1: y(1), x2: x(reach), y2: y(reach) }),
      Dyno.mark("text", { class: "tick", x: x(reach) - 8, y: y(reach) + 4, "text-anchor": "end" }, "ideal"),
    );
    const ordered = [...curves].sort((a, b) => b.points.at(-1).speed_up - a.points.at(-1).speed_up);
    const entries = [];
    for (const curve of ordered) {
      const style = Dyno.lineClass(curve.backend);
      const marks = [Dyno.hint(Dyno.mark("path", { class: style, d: Dyno.pathOf(curve.points.map(point => [x(point.workers), y(point.speed_up)])) }), curve.label)];
      if (curve.usl) marks.push(Dyno.mark("path", { class: `fit ${style}`, d: Dyno.pathOf(curve.usl.curve.filter(([workers]) => workers <= most).map(([workers, speedUp]) => [x(workers), y(Dyno.clamp(speedUp, 0, top))])) }));
      for (const point of curve.points) {
        const at = x(point.workers);
        if (Dyno.known(point.low)) marks.push(Dyno.mark("line", { class: `interval ${style}`, x1: at, x2: at, y1: y(point.low), y2: y(Math.min(point.high, top)) }));
        marks.push(Dyno.hint(Dyno.mark("circle", { class: `dot ${style}`, cx: at, cy: y(point.speed_up), r: 3.5 }), `${curve.label}, ${Dyno.counted(point.workers, "worker")}: ${Dyno.multiple(point.speed_up)}`));
      }
      const last = curve.points.at(-1);
      entries.push({ style, text: `${curve.label} ${Dyno.multiple(last.speed_up)} with ${last.workers}, efficiency ${Dyno.percent(last.efficiency_ratio)}`, curve: Dyno.curve(drawing, marks) });
    }
    host.append(Dyno.curveKey(drawing, entries));
  });
};

// A path through these points.
Dyno.pathOf = points => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
