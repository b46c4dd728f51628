"use strict";
// What all files of the page share. The page has one global, `Dyno`; every file adds functions to it.
// Text from the data enters the page only as text nodes and attributes, so no name can become markup.

const Dyno = {};

// An element with attributes and children. Children are elements or texts; `null` and `undefined` are left out.
// Attributes that are `null`, `undefined` or `false` are left out; functions are event listeners.
Dyno.element = (name, attributes = {}, ...children) => Dyno.fill(document.createElement(name), attributes, children);

// The same for a mark of a drawing.
Dyno.mark = (name, attributes = {}, ...children) =>
  Dyno.fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

Dyno.fill = (element, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
};

// A name from the data, set apart so that its direction of writing does not change the text around it.
Dyno.name = text => Dyno.element("bdi", {}, text);

// A sentence in which names are in backquotes: the names become code.
Dyno.sentence = text => {
  const parts = String(text).split("`");
  return parts.map((part, index) => (index % 2 === 1 ? Dyno.element("code", {}, Dyno.name(part)) : part));
};

// A number within a range.
Dyno.clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Whether a value is known.
Dyno.known = value => value !== null && value !== undefined;

// Draws into `host` when it comes near the screen, or at once when the page is printed. `height` keeps its place meanwhile.
// What is above the reader and turns out higher or lower than that must not move what the reader sees.
Dyno.lazily = (host, height, draw) => {
  host.style.minHeight = `${height}px`;
  host.dynoDraw = () => {
    host.dynoDraw = null;
    Dyno.watcher.unobserve(host);
    const before = host.getBoundingClientRect();
    const isAbove = before.bottom <= Dyno.readingLine();
    host.style.minHeight = "";
    draw(host);
    if (isAbove) window.scrollBy({ top: host.getBoundingClientRect().height - before.height, behavior: "instant" });
  };
  Dyno.waiting.add(host);
  Dyno.watcher.observe(host);
};

// Where on the screen somebody reads: at the first question that is on it, or else below the filters.
Dyno.readingLine = () => {
  const tops = [...document.querySelectorAll("main h2")].map(heading => heading.getBoundingClientRect().top);
  return tops.find(top => top > 0 && top < window.innerHeight * 0.8) ?? 110;
};

Dyno.waiting = new Set();

Dyno.watcher = new IntersectionObserver(
  entries => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && target.dynoDraw) {
        Dyno.waiting.delete(target);
        target.dynoDraw();
      }
    }
  },
  { rootMargin: "600px" },
);

// Draws everything that still waits.
Dyno.drawAll = () => {
  for (const host of [...Dyno.waiting]) {
    Dyno.waiting.delete(host);
    if (host.isConnected && host.dynoDraw) host.dynoDraw();
  }
};

// Says something to screen readers.
Dyno.announce = text => {
  document.querySelector("#said").textContent = text;
};
