// Every sample of the run in the order of the run, as a part of the view on trust: drifts and jumps show here. Drawn on a
// canvas, because there may be a hundred thousand.

Dyno.orderFigure = (host, rows) => {
  const measured = rows.filter(row => row.samples_ns?.length && row.median_ns > 0);
  measured.sort((a, b) => (a.since_run_start_ns ?? 0) - (b.since_run_start_ns ?? 0));
  if (!measured.length) return;
  const title = "Every sample in the order of the run";
  const figure = Dyno.element(
    "article",
    { class: "figure", "aria-label": title },
    Dyno.element("h3", {}, title),
    Dyno.element("p", { class: "reading" }, "Each dot is a sample, divided by the median of its case: a quiet machine gives a flat band at 1 ×. Crosses are samples with more than 10% foreign load."),
  );
  host.append(figure);
  Dyno.lazily(figure, 240, () => Dyno.orderCanvas(figure, measured));
};

Dyno.orderCanvas = (host, rows) => {
  const height = 220;
  const total = rows.reduce((sum, row) => sum + row.samples_ns.length, 0);
  let [low, high] = [0.9, 1.1];
  for (const row of rows) {
    for (const ns of row.samples_ns) {
      low = Math.min(low, ns / row.median_ns);
      high = Math.max(high, ns / row.median_ns);
    }
  }
  // Beyond these, dots lie on the edge.
  [low, high] = [Math.max(low, 0.1), Math.min(high, 100)];
  const label = `${Dyno.counted(total, "sample")} of ${Dyno.counted(rows.length, "case")} in the order of the run, each divided by the median of its case. The table below has one row per case.`;
  Dyno.canvas(host, height, label, {}, (context, colour, width) => {
    const left = 56;
    const x = Dyno.linearScale(0, Math.max(total - 1, 1), left + 4, width - 8);
    const y = Dyno.logScale([low, high], height - 34, 12);
    context.fillStyle = colour("--grid");
    for (const tick of y.ticks) context.fillRect(left, y(tick), width - left, 1);
    context.fillStyle = colour("--ink");
    context.fillRect(left, y(1), width - left, 1);
    context.textAlign = "right";
    for (const tick of new Set([...y.ticks, 1])) context.fillText(Dyno.multiple(tick), left - 6, y(tick) + 4);
    context.textAlign = "left";
    context.fillText("first sample", left, height - 12);
    context.textAlign = "right";
    context.fillText("last sample", width - 8, height - 12);
    context.textAlign = "left";
    let number = 0;
    for (const row of rows) {
      for (const [index, ns] of row.samples_ns.entries()) {
        const [across, up] = [x(number), y(Dyno.clamp(ns / row.median_ns, low, high))];
        const isDisturbed = row.foreign_permille?.[index] >= 100;
        context.fillStyle = colour(isDisturbed ? "--bad" : "--task");
        if (isDisturbed) {
          context.fillRect(across - 3, up - 0.75, 6, 1.5);
          context.fillRect(across - 0.75, up - 3, 1.5, 6);
        } else context.fillRect(across - 1, up - 1, 2, 2);
        number += 1;
      }
    }
  });
};
