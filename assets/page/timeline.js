// What happened in this run? The tasks of each worker over time, with the critical path. Drawn on a canvas, because there
// may be many thousands.

Dyno.views.push({
  key: "timeline",
  title: "Timeline",
  question: "What happened in this run?",
  shows: data => data.groups.length > 0 || data.timelines?.length > 0,
  draw: host => {
    const all = Dyno.data.timelines ?? [];
    if (!all.length) {
      host.append(Dyno.element("p", {}, Dyno.sentence("Nothing was traced in this run. `taskdyno run --trace` records when each task began and ended, and on which worker.")));
      return;
    }
    host.append(
      Dyno.element("p", { class: "reading" }, "Each bar is a task on its worker. The critical path is the longest path of dependences. Zoom with + and −, or Ctrl and the wheel; move with the arrow keys or by dragging. Where tasks are shorter than a pixel, the height shows how busy the worker was."),
      Dyno.element("ul", { class: "legend" }, [["task", "a task"], ["critical", "a task on the critical path, with a bar above it"]].map(([style, text]) => Dyno.element("li", {}, Dyno.mark("svg", { width: 16, height: 12, "aria-hidden": "true" }, Dyno.mark("rect", { class: `timeline-${style}`, width: 16, height: 12 })), ` ${text}`))),
    );
    const known = new Set(Dyno.data.groups.flatMap(group => group.rows.map(row => row.case)));
    const chosen = new Set(Dyno.selected().flatMap(group => group.rows.map(row => row.case)));
    const shown = all.filter(one => chosen.has(one.case) || !known.has(one.case));
    for (const [index, one] of shown.entries()) host.append(Dyno.timelineFigure(one, index));
    if (!shown.length) host.append(Dyno.element("p", {}, "No traced case passes the filters."));
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
    if (timeline.omitted_lane_count) figure.append(Dyno.element("p", { class: "note" }, `${Dyno.counted(timeline.omitted_lane_count, "more worker")} had no room on the page.`));
    const closing = Dyno.closing(timeline.closing);
    if (closing) figure.append(closing);
    if (Dyno.known(timeline.critical_ns)) {
      figure.append(Dyno.element("p", { class: "note" }, `The critical path has ${Dyno.counted(timeline.critical_count, "task")} and takes ${Dyno.time(timeline.critical_ns)} of the ${Dyno.time(timeline.wall_ns)} of this run.`));
    }
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

// The canvas with its controls. `view` is the part that is shown, in units of the timeline.
Dyno.timelineCanvas = (host, timeline) => {
  const unit = timeline.unit_ns || 1;
  const whole = Math.max(timeline.wall_ns / unit, 1);
  const view = { from: 0, to: whole };
  const least = Math.min(Math.max((timeline.pixel_ns / unit) * 40, 20), whole);
  const said = Dyno.element("p", { class: "note" }, "Point at a task for its number and time.");
  const say = () => {
    const range = `${Dyno.time(view.from * unit)} to ${Dyno.time(view.to * unit)} of ${Dyno.time(timeline.wall_ns)}`;
    const isFinest = view.to - view.from <= least && least < whole;
    said.textContent = isFinest ? `${range}. The page has no finer detail; the full trace has.` : range;
    Dyno.announce(said.textContent);
  };
  // Keeps `centre` where it is on the screen.
  const zoom = (factor, centre = (view.from + view.to) / 2) => {
    const span = Dyno.clamp((view.to - view.from) * factor, least, whole);
    const share = (centre - view.from) / (view.to - view.from);
    view.from = Dyno.clamp(centre - share * span, 0, whole - span);
    view.to = view.from + span;
    say();
    requestAnimationFrame(() => drawing.redraw());
  };
  const move = share => {
    const span = view.to - view.from;
    view.from = Dyno.clamp(view.from + share * span, 0, whole - span);
    view.to = view.from + span;
    requestAnimationFrame(() => drawing.redraw());
  };
  const button = (text, label, action) => Dyno.element("button", { type: "button", "aria-label": label, click: action }, text);
  host.append(
    Dyno.element("div", { class: "controls" }, button("+", "Zoom in", () => zoom(0.5)), button("−", "Zoom out", () => zoom(2)), button("←", "Earlier", () => move(-0.3)), button("→", "Later", () => move(0.3)), button("Whole run", "Show the whole run", () => zoom(Infinity))),
  );
  const label = `Timeline of ${timeline.case}: ${Dyno.counted(timeline.task_count, "task")} on ${Dyno.counted(timeline.lanes.length, "worker")} in ${Dyno.time(timeline.wall_ns)}. Plus, minus and the arrow keys zoom and move; the table below has the figures.`;
  const height = timeline.lanes.length * Dyno.laneHeight + 28;
  const drawing = Dyno.canvas(host, height, label, { tabindex: "0" }, (context, colour, width) => Dyno.timelineDrawing(context, colour, width, timeline, view));
  host.append(said);
  Dyno.timelineKeys(drawing.canvas, zoom, move);
  Dyno.timelinePointer(drawing, timeline, view, zoom, move, text => { said.textContent = text; });
};

// The height of a worker's lane, and the place of the names of the workers, in pixels.
Dyno.laneHeight = 28;
Dyno.laneLeft = 76;

// The part of the timeline that is shown.
Dyno.timelineDrawing = (context, colour, width, timeline, view) => {
  const unit = timeline.unit_ns || 1;
  const bottom = timeline.lanes.length * Dyno.laneHeight;
  const room = Dyno.laneHeight - 10;
  const x = time => Dyno.laneLeft + ((time - view.from) / (view.to - view.from)) * (width - Dyno.laneLeft);
  context.save();
  context.beginPath();
  context.rect(Dyno.laneLeft, 0, width - Dyno.laneLeft, bottom);
  context.clip();
  context.globalAlpha = timeline.overlaps ? 0.6 : 1;
  for (const [index, lane] of timeline.lanes.entries()) {
    const base = index * Dyno.laneHeight + Dyno.laneHeight - 3;
    for (const [start, length, tasks, busy, isCritical] of lane.segments) {
      if (start > view.to) break;
      if (start + length < view.from) continue;
      const across = x(start);
      const wide = Math.max(x(start + length) - across, 0.7);
      const tall = tasks > 1 ? Math.max((busy / Math.max(length, 1)) * room, 1.5) : room;
      context.fillStyle = colour(isCritical ? "--critical" : "--task");
      // A gap of half a pixel sets neighbours apart.
      context.fillRect(across, base - tall, wide > 3 ? wide - 0.5 : wide, tall);
      if (isCritical) context.fillRect(across, base - room - 4, wide, 2.5);
    }
  }
  context.restore();
  context.fillStyle = colour("--ink");
  for (const [index, lane] of timeline.lanes.entries()) context.fillText(Dyno.fit(lane.label, Dyno.laneLeft - 8), 0, index * Dyno.laneHeight + 20);
  const scale = Dyno.linearScale(view.from * unit, view.to * unit, Dyno.laneLeft, width);
  for (const tick of scale.ticks) {
    const text = Dyno.time(tick);
    context.fillRect(scale(tick), bottom + 2, 1, 5);
    context.fillText(text, Math.min(scale(tick) - 4, width - context.measureText(text).width), bottom + 22);
  }
};

// Zooming and moving by keyboard.
Dyno.timelineKeys = (canvas, zoom, move) => {
  const keys = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), Home: () => zoom(Infinity) };
  canvas.addEventListener("keydown", event => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
};

// Zooming, moving and pointing by mouse or finger. The wheel alone scrolls the page.
Dyno.timelinePointer = ({ canvas, width }, timeline, view, zoom, move, say) => {
  const unit = timeline.unit_ns || 1;
  const timeAt = x => view.from + ((x - Dyno.laneLeft) / (width - Dyno.laneLeft)) * (view.to - view.from);
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.offsetX));
  }, { passive: false });
  let held = null;
  const release = () => { held = null; };
  canvas.addEventListener("pointerdown", event => {
    held = event.offsetX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointermove", event => {
    if (held !== null) {
      move((held - event.offsetX) / (width - Dyno.laneLeft));
      held = event.offsetX;
      return;
    }
    const lane = timeline.lanes[Math.floor(event.offsetY / Dyno.laneHeight)];
    const time = timeAt(event.offsetX);
    const found = lane?.segments.find(([start, length]) => start <= time && time <= start + length);
    if (!found) return;
    const [start, length, tasks, , isCritical, first] = found;
    const what = tasks === 1 ? `task ${first}` : `${Dyno.counted(tasks, "task")} from task ${first} on`;
    say(`${lane.label}: ${what}, ${Dyno.time(length * unit)} from ${Dyno.time(start * unit)}${isCritical ? ", on the critical path" : ""}`);
  });
};
