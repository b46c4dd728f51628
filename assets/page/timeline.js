// What happened in this run? The tasks of each worker over time, with the critical path. Drawn on a canvas, because there
// may be many thousands.

Dyno.views.push({
  key: "timeline",
  title: "What happened?",
  question: "What happened in this run?",
  shows: data => data.timelines?.length > 0,
  draw: host => {
    host.append(
      Dyno.element("p", { class: "reading" }, "Each bar is a task on its worker; outlined bars belong to the critical path, the longest path of dependences. Zoom with + and −, or Ctrl and the wheel; move with the arrow keys or by dragging. Where tasks are shorter than a pixel, the height shows how busy the worker was."),
    );
    const cases = new Set(Dyno.selected().flatMap(group => group.rows.map(row => row.case)));
    const shown = Dyno.data.timelines.filter(one => cases.has(one.case) || !Dyno.data.groups.some(group => group.rows.some(row => row.case === one.case)));
    for (const [index, one] of shown.entries()) host.append(Dyno.timelineFigure(one, index));
    const closing = Dyno.closing(Dyno.data.questions.timeline?.closing);
    if (closing) host.append(closing);
  },
});

Dyno.timelineFigure = (timeline, index) => {
  const figure = Dyno.element("article", { class: "figure", "aria-label": `Timeline of ${timeline.case}` }, Dyno.element("h3", {}, Dyno.name(timeline.case)));
  if (timeline.error) {
    figure.append(Dyno.element("p", { class: "warning" }, "There is no timeline: ", Dyno.name(timeline.error)));
    return figure;
  }
  const lanes = timeline.lanes ?? [];
  Dyno.lazily(figure, 110 + lanes.length * 30, () => {
    Dyno.timelineCanvas(figure, timeline);
    const closing = Dyno.closing(timeline.closing);
    if (closing) figure.append(closing);
    if (timeline.file) {
      figure.append(Dyno.element("p", { class: "note" }, "The full trace: ", Dyno.element("a", { href: encodeURI(timeline.file) }, Dyno.name(timeline.file)), ". ", Dyno.element("code", {}, "taskdyno export FILE --format chrome-trace"), " converts it for Perfetto."));
    }
    figure.append(
      Dyno.foldedTable(`timeline-${index}`, `Workers of ${timeline.case}`, [
        { title: "Worker", value: lane => lane.label },
        { title: "Tasks", value: lane => lane.task_count, text: lane => Dyno.count(lane.task_count), isNumber: true },
        { title: "Busy", value: lane => lane.busy_ratio, text: lane => Dyno.percent(lane.busy_ratio), isNumber: true },
        { title: "Critical tasks", value: lane => lane.segments.filter(segment => segment[4]).reduce((sum, segment) => sum + segment[2], 0), isNumber: true },
      ], lanes),
    );
  });
  return figure;
};

// The canvas with its controls. The window is [from, to] in units of the timeline.
Dyno.timelineCanvas = (host, timeline) => {
  const unit = timeline.unit_ns || 1;
  const whole = Math.max(timeline.wall_ns / unit, 1);
  const view = { from: 0, to: whole };
  const laneHeight = 26;
  const left = 76;
  const height = timeline.lanes.length * laneHeight + 28;
  const width = Dyno.clamp(Math.round(host.clientWidth) || 640, 280, 1100);
  const density = window.devicePixelRatio || 1;
  const canvas = Dyno.element("canvas", {
    width: width * density, height: height * density, style: `width:${width}px;height:${height}px;max-width:100%`, tabindex: "0", role: "img",
    "aria-label": `Timeline of ${timeline.case}: ${Dyno.counted(timeline.task_count, "task")} on ${Dyno.counted(timeline.lanes.length, "worker")} in ${Dyno.time(timeline.wall_ns)}. Use plus, minus and the arrow keys; the table below has the same figures.`,
  });
  const said = Dyno.element("p", { class: "note", "aria-live": "polite" }, " ");
  const at = x => view.from + ((x - left) / (width - left)) * (view.to - view.from);
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(name).trim();
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    const x = time => left + ((time - view.from) / (view.to - view.from)) * (width - left);
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, height - 24);
    context.clip();
    for (const [index, lane] of timeline.lanes.entries()) {
      const y = index * laneHeight + 3;
      for (const [start, length, tasks, busy, isCritical] of lane.segments) {
        if (start > view.to) break;
        if (start + length < view.from) continue;
        const wide = Math.max(x(start + length) - x(start), 0.7);
        const tall = tasks > 1 ? Math.max((busy / Math.max(length, 1)) * (laneHeight - 6), 1.5) : laneHeight - 6;
        context.globalAlpha = timeline.overlaps ? 0.6 : 1;
        context.fillStyle = colour(isCritical ? "--critical" : "--task");
        context.fillRect(x(start), y + laneHeight - 6 - tall, wide, tall);
        if (wide > 3) {
          context.globalAlpha = 1;
          context.strokeStyle = colour(isCritical ? "--ink" : "--page");
          context.lineWidth = isCritical ? 1.5 : 0.5;
          context.strokeRect(x(start), y + laneHeight - 6 - tall, wide, tall);
        }
      }
    }
    context.restore();
    context.fillStyle = colour("--ink");
    for (const [index, lane] of timeline.lanes.entries()) context.fillText(Dyno.fit(lane.label, left - 8), 0, index * laneHeight + 18);
    const scale = Dyno.linearScale(view.from * unit, view.to * unit, left, width);
    for (const tick of scale.ticks) {
      context.fillRect(scale(tick), height - 24, 1, 5);
      const text = Dyno.time(tick);
      context.fillText(text, Math.min(scale(tick) - 4, width - context.measureText(text).width), height - 6);
    }
  };
  const zoom = (factor, centre = (view.from + view.to) / 2) => {
    const least = Math.max((timeline.pixel_ns / unit) * 40, 20);
    const span = Dyno.clamp((view.to - view.from) * factor, Math.min(least, whole), whole);
    const share = (centre - view.from) / (view.to - view.from);
    view.from = Dyno.clamp(centre - share * span, 0, whole - span);
    view.to = view.from + span;
    said.textContent = span <= least ? "The page has no finer detail; the full trace has." : `${Dyno.time(view.from * unit)} to ${Dyno.time(view.to * unit)} of ${Dyno.time(timeline.wall_ns)}`;
    requestAnimationFrame(draw);
  };
  const move = share => {
    const span = view.to - view.from;
    view.from = Dyno.clamp(view.from + share * span, 0, whole - span);
    view.to = view.from + span;
    requestAnimationFrame(draw);
  };
  const keys = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), Home: () => zoom(Infinity) };
  canvas.addEventListener("keydown", event => {
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  canvas.addEventListener("wheel", event => {
    // The wheel alone scrolls the page.
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, at(event.offsetX));
  }, { passive: false });
  let held = null;
  canvas.addEventListener("pointerdown", event => {
    held = event.offsetX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointermove", event => {
    if (held !== null) {
      move((held - event.offsetX) / (width - left));
      held = event.offsetX;
      return;
    }
    const lane = timeline.lanes[Math.floor(event.offsetY / laneHeight)];
    const time = at(event.offsetX);
    const found = lane?.segments.find(([start, length]) => start <= time && time <= start + length);
    if (!found) return;
    const [start, length, tasks, , isCritical, first] = found;
    said.textContent = `${lane.label}: ${tasks === 1 ? `task ${first}` : `${Dyno.counted(tasks, "task")} from task ${first} on`}, ${Dyno.time(length * unit)} from ${Dyno.time(start * unit)}${isCritical ? ", on the critical path" : ""}`;
  });
  const button = (text, label, action) => Dyno.element("button", { type: "button", "aria-label": label, click: action }, text);
  host.append(
    Dyno.element("div", { class: "controls" }, button("+", "Zoom in", () => zoom(0.5)), button("−", "Zoom out", () => zoom(2)), button("←", "Earlier", () => move(-0.3)), button("→", "Later", () => move(0.3)), button("Whole run", "Show the whole run", () => zoom(Infinity))),
    canvas,
    said,
  );
  draw();
};
