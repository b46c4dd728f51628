// Numbers for people. They read as those of the command line do.

// Three significant digits, without an exponent.
Dyno.digits = value => {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(Number(Math.abs(value).toPrecision(3)))));
  const text = value.toFixed(Dyno.clamp(2 - magnitude, 0, 3));
  return text.replace("-", "−");
};

Dyno.scaled = (value, units) => {
  const reached = units.find(([factor]) => Number((Math.abs(value) / factor).toPrecision(3)) >= 1);
  const [factor, unit] = reached ?? units[units.length - 1];
  return `${Dyno.digits(value / factor)} ${unit}`;
};

Dyno.times = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
Dyno.sizes = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];

// A dash stands for what is not known.
Dyno.orDash = format => value => (Dyno.known(value) ? format(value) : "–");

// A time in nanoseconds.
Dyno.time = Dyno.orDash(ns => Dyno.scaled(ns, Dyno.times));

// A number of bytes.
Dyno.size = Dyno.orDash(bytes => Dyno.scaled(bytes, Dyno.sizes));

// A share from 0 to 1.
Dyno.percent = Dyno.orDash(share => `${Math.round(share * 100)}%`);

// A whole number with separators between thousands.
Dyno.count = Dyno.orDash(count => Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, ","));

// How many times as much.
Dyno.multiple = Dyno.orDash(ratio => {
  if (ratio < 9.995) return `${ratio.toFixed(2)} ×`;
  if (ratio < 99.95) return `${ratio.toFixed(1)} ×`;
  const unit = 10 ** (Math.floor(Math.log10(ratio)) - 1);
  return `${Dyno.count(Math.round(ratio / unit) * unit)} ×`;
});

// A small number such as switches per task.
Dyno.small = Dyno.orDash(value => (value !== 0 && Math.abs(value) < 0.0005 ? "< 0.001" : Dyno.digits(value)));

// Two ends of an interval, with one unit.
Dyno.interval = (low, high, format) =>
  Dyno.known(low) && Dyno.known(high) ? `${format(low)} to ${format(high)}` : "–";

// A noun with its number.
Dyno.counted = (count, singular, plural = `${singular}s`) => `${Dyno.count(count)} ${count === 1 ? singular : plural}`;

// A backend and its number of workers.
Dyno.rowName = row => `${row.label}, ${Dyno.counted(row.workers, "worker")}`;
