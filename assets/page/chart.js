// Scales, axes and marks of hand-made drawings.

// A logarithmic scale from values to pixels. It covers all values, and at least a factor of 1.2.
Dyno.logScale = (values, from, to) => {
  const positive = values.filter(value => Dyno.known(value) && value > 0);
  let low = Math.min(...positive);
  let high = Math.max(...positive);
  if (!positive.length) [low, high] = [1, 10];
  const pad = Math.max((Math.log10(high) - Math.log10(low)) * 0.04, 0.04);
  const [start, end] = [Math.log10(low) - pad, Math.log10(high) + pad];
  const scale = value => from + ((Math.log10(value) - start) / (end - start)) * (to - from);
  scale.low = 10 ** start;
  scale.high = 10 ** end;
  scale.ends = [low, high];
  // One tick per decade. Within less than a decade, the steps 1, 2 and 5, or else three even ones.
  const decades = (steps = [1]) => {
    const ticks = [];
    for (let power = Math.floor(start); power <= Math.ceil(end); power += 1) {
      for (const step of steps) ticks.push(step * 10 ** power);
    }
    return ticks.filter(tick => tick >= scale.low * 0.999 && tick <= scale.high * 1.001);
  };
  scale.ticks = decades();
  if (scale.ticks.length < 2) scale.ticks = decades([1, 2, 5]);
  if (scale.ticks.length < 2) {
    scale.ticks = [0.15, 0.5, 0.85].map(share => Number((10 ** (start + share * (end - start))).toPrecision(3)));
  }
  while (scale.ticks.length > 9) scale.ticks = scale.ticks.filter((_, index) => index % 2 === 0);
  return scale;
};

// A linear scale from `low` and `high` to pixels.
Dyno.linearScale = (low, high, from, to) => {
  const span = high - low || 1;
  const scale = value => from + ((value - low) / span) * (to - from);
  const unit = 10 ** Math.floor(Math.log10(span));
  const step = [0.1, 0.2, 0.25, 0.5, 1, 2].map(factor => factor * unit).find(one => span / one <= 6) ?? unit * 5;
  scale.low = low;
  scale.high = high;
  scale.ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1000; tick += step) {
    scale.ticks.push(Number(tick.toPrecision(6)));
  }
  return scale;
};

// The same scale with other ticks.
Dyno.withTicks = (scale, ticks) => Object.assign(value => scale(value), scale, { ticks });

// A drawing that fills the width of its host. `label` says what it shows.
Dyno.drawing = (host, height, label, draw) => {
  const width = Dyno.clamp(Math.round(host.clientWidth) || 640, 280, 1100);
  const drawing = Dyno.mark("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "drawing",
  });
  host.append(drawing);
  draw(drawing, width);
  return drawing;
};

// A horizontal axis below the marks, with a line per tick. Both ends are labelled; a tick too near to them has no label.
Dyno.axisBelow = (drawing, scale, top, bottom, format, title) => {
  const taken = [];
  const label = (x, text, isTick) => {
    const wide = text.length * 6.6;
    const anchor = x < scale(scale.low) + 20 ? "start" : x > scale(scale.high) - 20 ? "end" : "middle";
    const start = x - { start: 0, middle: wide / 2, end: wide }[anchor];
    if (taken.some(([from, to]) => start < to + 8 && start + wide > from - 8)) return;
    taken.push([start, start + wide]);
    drawing.append(Dyno.mark("text", { class: isTick ? "tick" : "tick end", x, y: bottom + 15, "text-anchor": anchor }, text));
  };
  for (const end of scale.ends ?? []) label(scale(end), format(end), false);
  for (const tick of scale.ticks) {
    const x = scale(tick);
    drawing.append(Dyno.mark("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }));
    label(x, format(tick), true);
  }
  if (title) {
    // In the middle of the axis, or where all of it is on the drawing.
    const half = title.length * 3.4;
    const middle = (scale(scale.low) + scale(scale.high)) / 2;
    const x = Dyno.clamp(middle, half, Math.max(Number(drawing.getAttribute("width")) - half, half));
    drawing.append(Dyno.mark("text", { class: "axis", x, y: bottom + 32, "text-anchor": "middle" }, title));
  }
};

// A vertical axis left of the marks.
Dyno.axisLeft = (drawing, scale, left, right, format, title) => {
  for (const tick of scale.ticks) {
    const y = scale(tick);
    drawing.append(
      Dyno.mark("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }),
      Dyno.mark("text", { class: "tick", x: left - 6, y: y + 4, "text-anchor": "end" }, format(tick)),
    );
  }
  if (title) drawing.append(Dyno.mark("text", { class: "axis", x: left - 6, y: scale(scale.high) - 10, "text-anchor": "start" }, title));
};

// The mark of a family: its shape and its colour both tell it apart.
Dyno.familyMark = (family, x, y, size = 5) => {
  const place = Dyno.data.families.findIndex(one => one.key === family);
  const shapes = ["diamond", "circle", "triangle", "square", "cross", "star"];
  const shape = family === "limit" ? "bar" : shapes[place % shapes.length];
  const style = family === "limit" ? "family-limit" : `family-${place % 6}`;
  // After all shapes they come again, hollow.
  const hollow = place >= shapes.length && family !== "limit" ? "hollow" : "";
  const s = size;
  const paths = {
    circle: `M${x - s},${y}a${s},${s} 0 1,0 ${2 * s},0a${s},${s} 0 1,0 ${-2 * s},0`,
    square: `M${x - s},${y - s}h${2 * s}v${2 * s}h${-2 * s}z`,
    diamond: `M${x},${y - s * 1.3}l${s * 1.3},${s * 1.3}l${-s * 1.3},${s * 1.3}l${-s * 1.3},${-s * 1.3}z`,
    triangle: `M${x},${y - s * 1.2}l${s * 1.2},${s * 2.2}h${-s * 2.4}z`,
    cross: `M${x - s},${y - s}l${2 * s},${2 * s}M${x + s},${y - s}l${-2 * s},${2 * s}`,
    star: `M${x},${y - s * 1.3}v${s * 2.6}M${x - s * 1.3},${y}h${s * 2.6}`,
    bar: `M${x},${y - s * 1.5}v${s * 3}`,
  };
  return Dyno.mark("path", { d: paths[shape], class: `family ${style} shape-${shape} ${hollow}` });
};

// The colour class of a backend's line.
Dyno.lineClass = index => `line line-${index % 8} dash-${Math.floor(index / 8) % 3}`;

// A curve of a drawing: its line and what belongs to it, so that the key can raise it.
Dyno.curve = (drawing, ...marks) => {
  const curve = Dyno.mark("g", { class: "curve" }, ...marks);
  drawing.append(curve);
  return curve;
};

// The key of curves: each name with its line. Pointing at a name raises its curve; a press keeps it raised. `entries` are
// `{style, text, curve}`. Readers without a pointer have the table.
Dyno.curveKey = (drawing, entries) => {
  const raise = (entry, isRaised) => {
    entry.curve.classList.toggle("raised", isRaised || entry.item.classList.contains("pressed"));
    drawing.classList.toggle("dimmed", entries.some(one => one.curve.classList.contains("raised")));
  };
  for (const entry of entries) {
    const picture = Dyno.mark("svg", { class: "drawing", width: 28, height: 12, viewBox: "0 0 28 12", "aria-hidden": "true" }, Dyno.mark("path", { class: entry.style, d: "M0,6H28" }));
    entry.item = Dyno.element("li", {
      title: entry.text,
      pointerenter: () => raise(entry, true),
      pointerleave: () => raise(entry, false),
      click: () => {
        entry.item.classList.toggle("pressed");
        raise(entry, true);
      },
    }, picture, " ", Dyno.fit(entry.text, 400));
  }
  return Dyno.element("ul", { class: "legend key" }, entries.map(entry => entry.item));
};

// A canvas that fills the width of its host, for drawings with too many marks for single elements. `draw` gets the context
// and a function that looks up a colour of the page. It draws again when the page turns light or dark.
Dyno.canvas = (host, height, label, attributes, draw) => {
  const width = Dyno.clamp(Math.round(host.clientWidth) || 640, 280, 1100);
  const density = window.devicePixelRatio || 1;
  const canvas = Dyno.element("canvas", { width: width * density, height: height * density, style: `width:${width}px;height:${height}px`, role: "img", "aria-label": label, ...attributes });
  const redraw = () => {
    const style = getComputedStyle(document.documentElement);
    const known = new Map();
    const colour = name => known.get(name) ?? known.set(name, style.getPropertyValue(name).trim()).get(name);
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    context.globalAlpha = 1;
    draw(context, colour, width);
  };
  canvas.addEventListener("dyno-theme", redraw);
  host.append(canvas);
  redraw();
  return { canvas, redraw, width };
};

// The families that occur in these rows, with their marks.
Dyno.legend = rows => {
  const used = Dyno.data.families.filter(family => rows.some(row => row.family === family.key));
  return Dyno.element(
    "ul",
    { class: "legend" },
    used.map(family => {
      const picture = Dyno.mark("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, Dyno.familyMark(family.key, 8, 8));
      return Dyno.element("li", {}, picture, " ", Dyno.name(family.title));
    }),
  );
};

// Text that is shown at the pointer, and to screen readers as the title of a mark.
Dyno.hint = (mark, text) => {
  mark.append(Dyno.mark("title", {}, text));
  return mark;
};

// A text that fits into `width` pixels, cut with an ellipsis. It is set apart, so that its direction of writing does not
// change the order of what stands beside it.
Dyno.fit = (text, width, letter = 6.6) => {
  const count = Math.max(Math.floor(width / letter), 3);
  const letters = [...text];
  const cut = letters.length <= count ? text : letters.slice(0, count - 1).join("") + "…";
  return `\u2068${cut}\u2069`;
};

// The label of a case in a drawing: backend and workers, with a sign if it is the limit. The workers are never cut off.
Dyno.caseLabel = (row, width) => {
  const end = `${row.is_limit ? "†" : ""} / ${row.workers}`;
  return Dyno.fit(row.label, width - end.length * 6.6) + end;
};
