// The frame of the page: heading, navigation, filters, and one section per question.

// The views in the order of the page. Each file of a view adds one: `{key, title, question, shows(data), draw(host)}`.
Dyno.views = [];

// Builds the page, and redraws it when the state changes.
Dyno.start = () => {
  Dyno.data = JSON.parse(document.querySelector("#data").textContent);
  const views = Dyno.views.filter(view => view.shows(Dyno.data));
  const app = document.querySelector("#app");
  app.append(
    Dyno.element("a", { class: "skip", href: "#main" }, "Skip to the answers"),
    Dyno.pageHeading(),
    Dyno.navigation(views),
    Dyno.element("div", { id: "filters", role: "region", "aria-label": "Filters" }),
    Dyno.element("main", { id: "main", tabindex: "-1" }, views.map(Dyno.section)),
    Dyno.element("p", { id: "said", role: "status", "aria-live": "polite", class: "hidden" }),
  );
  document.querySelector(".skip").addEventListener("click", event => {
    event.preventDefault();
    document.querySelector("#main").focus();
  });
  Dyno.shown = views;
  Dyno.stateChanged();
  Dyno.goToTarget();
  Dyno.followReader();
  Dyno.closeMenus();
  window.addEventListener("hashchange", () => {
    Dyno.stateChanged();
    Dyno.goToTarget();
  });
  window.addEventListener("beforeprint", Dyno.drawAll);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", Dyno.recolour);
  window.matchMedia("print").addEventListener("change", event => event.matches && Dyno.drawAll());
  let width = document.body.clientWidth;
  window.addEventListener("resize", () => {
    if (Math.abs(document.body.clientWidth - width) < 20 || window.matchMedia("print").matches) return;
    width = document.body.clientWidth;
    Dyno.keepPlace(Dyno.stateChanged);
  });
};

Dyno.pageHeading = () => {
  const { heading, title } = Dyno.data;
  const about = heading
    ? [
        `${heading.processor}, ${heading.machine}`,
        `${Dyno.counted(heading.case_count, "case")}${heading.failed_count ? `, ${Dyno.count(heading.failed_count)} failed` : ""}, begun ${heading.started}`,
        heading.commit && `commit ${heading.commit}${heading.commit_is_dirty ? ", with changes that are not committed" : ""}`,
      ].filter(Boolean)
    : Dyno.data.comparison || Dyno.data.history
      ? []
      : ["There are no records, so there is nothing to show."];
  const warnings = heading?.warnings ?? [];
  return Dyno.element(
    "header",
    {},
    Dyno.element("h1", {}, title),
    Dyno.element("p", { class: "about" }, about.flatMap((line, index) => (index ? [Dyno.element("br"), Dyno.name(line)] : [Dyno.name(line)]))),
    warnings.map(warning => Dyno.element("p", { class: "warning" }, "⚠ ", Dyno.name(warning))),
    Dyno.element("button", { type: "button", class: "theme", click: Dyno.nextTheme }, "Light or dark"),
  );
};

// Switches between light and dark, starting from what the system prefers.
Dyno.nextTheme = () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  Dyno.recolour();
};

// Draws canvases again when the page has turned light or dark.
Dyno.recolour = () => {
  for (const canvas of document.querySelectorAll("canvas")) canvas.dispatchEvent(new Event("dyno-theme"));
};

Dyno.navigation = views =>
  Dyno.element(
    "nav",
    { "aria-label": "Questions", class: "scroll" },
    Dyno.element("ul", {}, views.map(view => Dyno.element("li", {}, Dyno.element("a", { href: `#at=${view.key}`, "data-key": view.key, click: Dyno.jump }, view.title)))),
  );

// Follows a link within the page, and keeps the filters.
Dyno.jump = event => {
  event.preventDefault();
  const target = new URLSearchParams(event.currentTarget.getAttribute("href").slice(1)).get("at");
  history.pushState(null, "", Dyno.linkTo(target));
  Dyno.goToTarget();
};

Dyno.section = view =>
  Dyno.element(
    "section",
    { id: view.key, "aria-labelledby": `${view.key}-question`, tabindex: "-1" },
    Dyno.element("h2", { id: `${view.key}-question` }, view.question),
    Dyno.element("div", { class: "view" }),
  );

// Draws everything again from the state of the address bar.
Dyno.stateChanged = () => {
  Dyno.waiting.clear();
  Dyno.drawFilters();
  for (const view of Dyno.shown) {
    const host = document.querySelector(`#${view.key} > .view`);
    host.replaceChildren();
    view.draw(host);
  }
  if (window.matchMedia("print").matches) Dyno.drawAll();
};

// Does something that may change the height of the page, and keeps what the reader sees where it is: the first heading of a
// section on the screen, or else the section that fills it.
Dyno.keepPlace = change => {
  const sections = [...document.querySelectorAll("main > section")];
  const place = section => section.getBoundingClientRect();
  const seen = sections.find(section => place(section).top > 0 && place(section).top < window.innerHeight * 0.8) ?? sections.find(section => place(section).bottom > 120);
  const before = seen && place(seen).top;
  const isAtTop = window.scrollY === 0;
  change();
  if (!seen || isAtTop) return;
  const restore = () => {
    const { top, bottom } = place(seen);
    window.scrollBy(0, bottom - top + before > 120 ? top - before : top);
  };
  restore();
  // What comes near the screen is drawn now, and may move it again.
  requestAnimationFrame(() => requestAnimationFrame(restore));
};

// Marks the section that is read in the navigation.
Dyno.followReader = () => {
  const links = new Map([...document.querySelectorAll("nav a")].map(link => [link.dataset.key, link]));
  const watcher = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
      const link = links.get(target.id);
      if (isIntersecting) {
        link.setAttribute("aria-current", "true");
        // The navigation may be wider than a phone.
        link.closest("nav").scrollLeft = link.offsetLeft - 40;
      } else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-25% 0px -74% 0px" });
  for (const section of document.querySelectorAll("main > section")) watcher.observe(section);
};

// Closes open lists of filters on Escape and on a press elsewhere.
Dyno.closeMenus = () => {
  const close = except => {
    for (const list of document.querySelectorAll("#filters details[open]")) if (list !== except) list.open = false;
  };
  document.addEventListener("pointerdown", event => close(event.target.closest?.("#filters details")));
  document.addEventListener("keydown", event => {
    const list = document.activeElement?.closest?.("#filters details[open]");
    if (event.key !== "Escape" || !list) return;
    close();
    list.querySelector("summary").focus();
  });
};

// Goes to the section or case that the address names, if any. A case is marked, and what hides it is opened.
Dyno.goToTarget = () => {
  const id = Dyno.readState().get("at");
  if (!id) return;
  const row = Dyno.data.groups.flatMap(group => group.rows.map(one => [group, one])).find(([, one]) => one.id === id);
  if (row) {
    const figure = document.getElementById(`backends-${row[0].slug}`);
    if (figure?.dynoDraw) figure.dynoDraw();
    Dyno.showSamples?.(row[0], row[1]);
  }
  const target = document.getElementById(row ? `backends-${row[0].slug}` : id);
  target?.scrollIntoView({ block: "start" });
  target?.focus({ preventScroll: true });
  // What comes near the screen is drawn now, and may move the target.
  requestAnimationFrame(() => requestAnimationFrame(() => target?.scrollIntoView({ block: "start" })));
};

// The filters: a folded list of boxes for each, the metric, and a way back to everything.
Dyno.drawFilters = () => {
  const host = document.querySelector("#filters");
  const open = new Set([...host.querySelectorAll("details[open]")].map(one => one.dataset.key));
  const focused = document.activeElement?.dataset?.focus;
  const lists = Dyno.filters.filter(filter => Dyno.choices(filter).length > 1).map(filter => Dyno.filterList(filter, open.has(filter.key)));
  if (!lists.length) return host.replaceChildren();
  const metric = Dyno.element(
    "label",
    {},
    "Metric ",
    Dyno.element(
      "select",
      { "data-focus": "metric", change: event => Dyno.change({ metric: event.target.value === "time" ? "" : event.target.value }) },
      Dyno.metrics.map(one => Dyno.element("option", { value: one.key, selected: one === Dyno.metric() }, one.title)),
    ),
  );
  const all = Dyno.data.groups.reduce((sum, group) => sum + group.rows.length, 0);
  const selected = Dyno.selected().reduce((sum, group) => sum + group.rows.length, 0);
  const reset = Dyno.element(
    "button",
    { type: "button", "data-focus": "reset", disabled: all === selected, click: () => Dyno.change(Object.fromEntries(Dyno.filters.map(filter => [filter.key, ""]))) },
    "Show all cases",
  );
  const count = Dyno.element("span", { class: "shown" }, `${Dyno.count(selected)} of ${Dyno.counted(all, "case")}`);
  host.replaceChildren(Dyno.element("div", { class: "filters" }, lists, metric, reset, count));
  if (focused) host.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};

Dyno.filterList = (filter, isOpen) => {
  const values = Dyno.choices(filter);
  const chosen = Dyno.chosen(filter.key);
  const isChosen = value => chosen === null || chosen.has(value);
  const toggle = value => {
    // The first click on a box of a filter that shows all shows this value alone.
    const next = new Set(chosen === null ? [] : chosen);
    next.has(value) ? next.delete(value) : next.add(value);
    Dyno.choose(filter.key, next.size === 0 || next.size === values.length ? null : next);
  };
  const count = chosen === null ? "all" : String(values.filter(isChosen).length);
  return Dyno.element(
    "details",
    { open: isOpen, name: "filters", "data-key": filter.key },
    Dyno.element("summary", { "data-focus": `list-${filter.key}` }, `${filter.title}: ${count}`),
    Dyno.element(
      "fieldset",
      {},
      Dyno.element("legend", { class: "hidden" }, filter.title),
      values.map(value =>
        Dyno.element(
          "label",
          {},
          Dyno.element("input", {
            type: "checkbox", name: filter.key, value, checked: chosen !== null && isChosen(value),
            "data-focus": `${filter.key}-${value}`, change: () => toggle(value),
          }),
          " ",
          Dyno.name(filter.key === "family" ? Dyno.data.families.find(one => one.key === value)?.title ?? value : value),
        ),
      ),
    ),
  );
};

// The closing sentence of a view.
Dyno.closing = text => (text ? Dyno.element("p", { class: "closing" }, Dyno.sentence(text)) : null);
