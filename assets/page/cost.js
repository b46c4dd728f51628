// What does it cost? CPU time, context switches and memory.

Dyno.views.push({
  key: "cost",
  title: "Resources",
  question: "What does it cost?",
  shows: data => data.groups.some(group => group.rows.some(row => row.cost)),
  draw: host => {
    host.append(Dyno.element("p", { class: "reading" }, "The whole bar is the CPU time of a run. The striped part is beyond what a plain loop needs: scheduling, or idle workers that spin."));
    for (const group of Dyno.selected()) {
      const rows = group.rows.filter(row => Dyno.known(row.cost?.cpu_ns)).sort((a, b) => a.cost.cpu_ns - b.cost.cpu_ns);
      if (rows.length) host.append(Dyno.costFigure(group, rows));
    }
    const closing = Dyno.closing(Dyno.data.questions.cost?.closing);
    if (closing) host.append(closing);
  },
});

Dyno.costFigure = (group, rows) => {
  const figure = Dyno.element("article", { class: "figure", "aria-label": group.title }, Dyno.element("h3", {}, Dyno.name(group.title)));
  Dyno.lazily(figure, 60 + rows.length * 20, () => {
    const height = 20;
    Dyno.drawing(figure, rows.length * height + 46, `CPU time of a run of ${group.title}`, (drawing, width) => {
      const left = Dyno.clamp(width * 0.3, 134, 210);
      const least = Math.max(rows[0].cost.cpu_ns, 1);
      const most = Math.min(rows.at(-1).cost.cpu_ns, least * 20) || 1;
      const x = Dyno.linearScale(0, most, left, width - 78);
      drawing.append(Dyno.mark("defs", {}, Dyno.mark("pattern", { id: `idle-${group.slug}`, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, Dyno.mark("rect", { class: "stripe-ground", width: 4, height: 4 }), Dyno.mark("rect", { class: "stripe", width: 2, height: 4 }))));
      Dyno.axisBelow(drawing, x, 4, rows.length * height + 4, Dyno.time, "CPU time of a run, cut at 20 × the least");
      for (const [index, row] of rows.entries()) {
        const y = 6 + index * height;
        const end = Math.min(x(row.cost.cpu_ns), width - 78);
        const idle = Math.max(row.cost.idle_cpu_ns ?? 0, 0);
        const middle = Math.min(x(Math.max(row.cost.cpu_ns - idle, 0)), end);
        drawing.append(
          Dyno.mark("text", { class: "name", x: left - 10, y: y + 12, "text-anchor": "end" }, Dyno.caseLabel(row, left - 16)),
          Dyno.mark("rect", { class: "part part-0", x: left, y, width: Math.max(middle - left, 0.5), height: 14 }),
          Dyno.hint(Dyno.mark("rect", { class: "part", style: `fill: url(#idle-${group.slug})`, x: middle, y, width: Math.max(end - middle, 0), height: 14 }), `${Dyno.rowName(row)}: ${Dyno.time(row.cost.cpu_ns)}, of which ${Dyno.time(idle)} beyond a plain loop`),
          Dyno.mark("text", { class: "value", x: width - 70, y: y + 12 }, Dyno.time(row.cost.cpu_ns)),
        );
      }
    });
    const closing = Dyno.closing(group.closings?.cost);
    if (closing) figure.append(closing);
    figure.append(
      Dyno.foldedTable(`cost-${group.slug}`, `Cost of ${group.title}`, [
        { title: "Backend", value: row => row.label },
        { title: "Workers", value: row => row.workers, isNumber: true },
        { title: "CPU time (ns)", value: row => row.cost.cpu_ns, text: row => Dyno.time(row.cost.cpu_ns), isNumber: true },
        { title: "CPU time per task (ns)", value: row => row.cost.cpu_per_task_ns, text: row => Dyno.time(row.cost.cpu_per_task_ns), isNumber: true },
        { title: "Beyond a plain loop (ns)", value: row => row.cost.idle_cpu_ns, text: row => Dyno.time(row.cost.idle_cpu_ns), isNumber: true },
        { title: "Voluntary switches per task", value: row => row.cost.voluntary_per_task, text: row => Dyno.small(row.cost.voluntary_per_task), isNumber: true },
        { title: "Involuntary switches per task", value: row => row.cost.involuntary_per_task, text: row => Dyno.small(row.cost.involuntary_per_task), isNumber: true },
        { title: "Peak memory (bytes)", value: row => row.cost.peak_memory_bytes, text: row => Dyno.size(row.cost.peak_memory_bytes), isNumber: true },
        { title: "Memory per task (bytes)", value: row => row.cost.memory_per_task_bytes, text: row => Dyno.size(row.cost.memory_per_task_bytes), isNumber: true },
      ], rows),
    );
  });
  return figure;
};
