// What the reader has chosen: filters, the metric, and how tables are sorted. It lives in the address bar, so that a view
// can be linked.

// The filters, each with the values of a row that it can select.
Dyno.filters = [
  { key: "workload", title: "Workload", value: (row, group) => group.workload },
  { key: "backend", title: "Backend", value: row => Dyno.data.backends[row.backend].name },
  { key: "family", title: "Family", value: row => row.family },
  { key: "workers", title: "Workers", value: row => String(row.workers) },
];

// The values that can be drawn for each case: the first is the default.
Dyno.metrics = [
  { key: "time", title: "Time of a run", value: row => row.median_ns, low: row => row.low_ns, high: row => row.high_ns, format: Dyno.time, isTime: true },
  { key: "task", title: "Time per task", value: row => row.task_ns, format: Dyno.time, isTime: true },
  { key: "cpu", title: "CPU time of a run", value: row => row.cost?.cpu_ns, format: Dyno.time, isTime: true },
  { key: "memory", title: "Peak memory", value: row => row.cost?.peak_memory_bytes, format: Dyno.size },
  { key: "start", title: "Time to start the workers", value: row => row.start_ns, format: Dyno.time, isTime: true },
];

// The state of the address bar.
Dyno.readState = () => new URLSearchParams(location.hash.slice(1));

// Writes changes into the address bar without drawing anything; an empty value removes its key.
Dyno.keep = changes => {
  const state = Dyno.readState();
  for (const [key, value] of Object.entries(changes)) {
    if (value === "" || value === null) state.delete(key);
    else state.set(key, value);
  }
  const text = state.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
};

// Changes the state, and draws everything again where the reader is.
Dyno.change = changes => {
  Dyno.keep({ ...changes, at: null });
  Dyno.keepPlace(Dyno.stateChanged);
};

// The address of a case on this page, with the filters as they are.
Dyno.linkTo = id => {
  const state = Dyno.readState();
  state.set("at", id);
  return `#${state}`;
};

// The chosen values of a filter: `null` for all. Values are separated by a character that ids cannot have.
Dyno.chosen = key => {
  const text = Dyno.readState().get(key);
  return text === null ? null : new Set(text.split("\t"));
};

Dyno.choose = (key, values) => Dyno.change({ [key]: values === null ? null : [...values].join("\t") });

Dyno.metric = () => {
  const key = Dyno.readState().get("metric");
  return Dyno.metrics.find(metric => metric.key === key) ?? Dyno.metrics[0];
};

// The groups with the rows that the filters let through; groups without rows are left out.
Dyno.selected = () => {
  const chosen = Dyno.filters.map(filter => [filter, Dyno.chosen(filter.key)]).filter(([, values]) => values !== null);
  const passes = (row, group) => chosen.every(([filter, values]) => values.has(filter.value(row, group)));
  return Dyno.data.groups
    .map(group => ({ ...group, rows: group.rows.filter(row => passes(row, group)) }))
    .filter(group => group.rows.length > 0);
};

// All values of a filter, in the order of the data; worker counts by number.
Dyno.choices = filter => {
  const values = new Set();
  for (const group of Dyno.data.groups) for (const row of group.rows) values.add(filter.value(row, group));
  const list = [...values];
  if (filter.key === "workers") return list.sort((a, b) => a - b);
  if (filter.key === "family") {
    const place = value => Dyno.data.families.findIndex(family => family.key === value);
    return list.sort((a, b) => place(a) - place(b));
  }
  return filter.key === "backend" ? list.sort() : list;
};
