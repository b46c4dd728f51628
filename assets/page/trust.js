// Can I trust this? What disturbed the measurement, and whether results were verified.

Dyno.views.push({
  key: "trust",
  title: "Trust",
  question: "Can I trust this?",
  shows: data => data.groups.length > 0 || data.runtimes.length > 0 || data.skipped.length > 0 || data.failures.length > 0,
  draw: host => {
    const { heading, skipped } = Dyno.data;
    const reasons = Object.entries(Dyno.data.not_applicable);
    const rows = Dyno.selected().flatMap(group => group.rows.map(row => ({ ...row, group })));
    const closing = Dyno.closing(Dyno.data.questions.trust?.closing);
    if (closing) host.append(closing);
    const warnings = heading?.warnings ?? [];
    if (warnings.length) host.append(Dyno.element("ul", { class: "warnings" }, warnings.map(one => Dyno.element("li", {}, "⚠ ", Dyno.name(one)))));
    const notRun = new Set(skipped.map(one => one.row));
    const failed = rows.filter(row => row.error && !notRun.has(row.id));
    if (failed.length) {
      host.append(
        Dyno.element("h3", {}, "Cases that failed"),
        Dyno.element("ul", { class: "failures" }, failed.map(row => Dyno.element("li", {}, "✗ ", Dyno.name(`${row.group.title}: ${Dyno.rowName(row)}`), ": ", Dyno.name(row.error.kind), ": ", Dyno.name(row.error.message)))),
      );
    }
    if (skipped.length) {
      host.append(
        Dyno.element("h3", {}, "Cases that were not run"),
        Dyno.element("ul", { class: "skipped" }, skipped.map(one => Dyno.element("li", {}, Dyno.name(one.name), ": ", Dyno.name(one.kind), ": ", Dyno.name(one.message)))),
      );
    }
    if (reasons.length) {
      host.append(
        Dyno.element("h3", {}, "Cases that could not run"),
        Dyno.element("ul", { class: "reasons" }, reasons.map(([reason, count]) => Dyno.element("li", {}, `${Dyno.counted(count, "case")}: `, ...Dyno.sentence(reason)))),
      );
    }
    if (heading) {
      host.append(
        Dyno.element("h3", {}, "The machine"),
        Dyno.element("dl", { class: "host" }, [
          ["Processor", heading.processor], ["Machine", heading.machine], ["Load when the run began", (heading.load_average ?? 0).toFixed(2)],
          ["Frequency governor", heading.governor ?? "not known"], ["taskdyno", heading.taskdyno], ["Begun", heading.started],
        ].flatMap(([term, text]) => [Dyno.element("dt", {}, term), Dyno.element("dd", {}, Dyno.name(String(text)))])),
      );
    }
    if (heading?.findings.length) {
      host.append(
        Dyno.element("h4", {}, "What ", Dyno.element("code", {}, "doctor"), " found when the run began"),
        Dyno.element("ul", { class: "findings" }, heading.findings.map(one => Dyno.element("li", {}, Dyno.name(one)))),
      );
    }
    for (const one of Dyno.data.runtimes) {
      host.append(
        Dyno.element("h3", {}, Dyno.name(`${one.backends.join(", ")}: ${one.runtime}`)),
        Dyno.element("dl", { class: "host" }, Object.entries(one.details).flatMap(([name, text]) => [Dyno.element("dt", {}, Dyno.name(name.replaceAll("_", " "))), Dyno.element("dd", {}, Dyno.name(text))])),
      );
    }
    if (!rows.length) return;
    const figure = Dyno.element("article", { class: "figure", "aria-label": "Foreign load of each case" }, Dyno.element("h3", {}, "Foreign load of each case, in the order of the run"));
    host.append(figure);
    Dyno.lazily(figure, 220, () => Dyno.foreignDrawing(figure, rows));
    Dyno.orderFigure(host, rows);
    host.append(
      Dyno.foldedTable("trust", "How far each case can be trusted", [
        { title: "Case", value: row => `${row.group.title}: ${Dyno.rowName(row)}` },
        { title: "Digest", value: row => (row.error ? `failed: ${row.error.kind}` : row.digest_text ?? row.digest) },
        { title: "Samples", value: row => row.sample_count, isNumber: true },
        { title: "Foreign load", value: row => row.foreign_ratio, text: row => Dyno.percent(row.foreign_ratio), isNumber: true },
        { title: "Steady", value: row => (row.error ? null : row.not_steady ?? "yes") },
        { title: "Began (ns)", value: row => row.since_run_start_ns, text: row => row.since_start_text ?? Dyno.time(row.since_run_start_ns), isNumber: true },
      ], rows),
    );
  },
});

Dyno.foreignDrawing = (host, rows) => {
  const known = rows.filter(row => Dyno.known(row.foreign_ratio) && Dyno.known(row.since_run_start_ns));
  if (!known.length) return host.append(Dyno.element("p", {}, "It is not known."));
  Dyno.drawing(host, 200, "Foreign load of each case over the run", (drawing, width) => {
    const x = Dyno.linearScale(0, Math.max(...known.map(row => row.since_run_start_ns), 1), 52, width - 14);
    const y = Dyno.linearScale(0, Math.max(...known.map(row => row.foreign_ratio), 0.1), 152, 24);
    Dyno.axisBelow(drawing, x, 20, 152, Dyno.time, "Time since the run began");
    Dyno.axisLeft(drawing, y, 52, width - 14, Dyno.percent, "CPU time of other programs, of the whole machine");
    for (const row of known) {
      const [at, up] = [x(row.since_run_start_ns), y(row.foreign_ratio)];
      const mark = row.is_disturbed ? Dyno.mark("path", { class: "sample disturbed", d: `M${at - 4},${up - 4}l8,8m0,-8l-8,8` }) : Dyno.mark("circle", { class: "sample", cx: at, cy: up, r: 3 });
      drawing.append(Dyno.hint(mark, `${row.group.title}: ${Dyno.rowName(row)}: ${Dyno.percent(row.foreign_ratio)}`));
    }
  });
};
