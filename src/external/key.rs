//! The keys of a file of backends.

use crate::toml_file::Key;

pub(super) const BACKEND: Key = Key::new("backend", "[[backend]]");
pub(super) const NAME: Key = Key::new("name", r#"name = "python-threads""#);
pub(super) const WHY: Key = Key::new("why", r#"why = "one thread per task""#);
pub(super) const FAMILY: Key = Key::new("family", r#"family = "threads""#);
pub(super) const COMMAND: Key = Key::new("command", r#"command = ["python3", "child.py"]"#);
pub(super) const KERNELS: Key = Key::new(
    "kernels",
    r#"kernels = ["empty", "sleep", "counter/variant=racy"]"#,
);
pub(super) const LACKS: Key = Key::new(
    "lacks",
    r#"lacks = { rwlock = "this language has no lock that readers share" }"#,
);
pub(super) const KINDS: Key = Key::new("kinds", r#"kinds = ["graph"]"#);
pub(super) const OPTIONS: Key = Key::new(
    "options",
    r#"options = [{ name = "daemon", why = "whether threads are daemons", values = ["yes", "no"] }]"#,
);
pub(super) const WORKERS: Key = Key::new("workers", "workers = 1");
pub(super) const WAITS_PER_WORKER: Key =
    Key::new("waits_per_worker", r#"waits_per_worker = "unlimited""#);
pub(super) const PAYLOAD: Key = Key::new("payload", "payload = true");
pub(super) const SHAPES: Key = Key::new("shapes", "shapes = true");
pub(super) const NEEDS: Key = Key::new(
    "needs",
    r#"needs = { mpirun = "install it with: apt install mpich" }"#,
);
pub(super) const WARMUP_RUNS: Key = Key::new("warmup_runs", "warmup_runs = 100");
pub(super) const DEFAULT_WORKLOADS: Key =
    Key::new("default_workloads", r#"default_workloads = ["loop-cpu"]"#);

/// The keys that a backend may have, and also the top of a file, where they hold for all backends. In the order of
/// messages.
const COMMON_KEYS: [&Key; 14] = [
    &WHY,
    &FAMILY,
    &COMMAND,
    &KERNELS,
    &LACKS,
    &KINDS,
    &OPTIONS,
    &WORKERS,
    &WAITS_PER_WORKER,
    &PAYLOAD,
    &SHAPES,
    &NEEDS,
    &WARMUP_RUNS,
    &DEFAULT_WORKLOADS,
];

/// The keys of a backend.
pub(super) fn backend_keys() -> Vec<&'static Key> {
    [&[&NAME][..], &COMMON_KEYS].concat()
}

/// The keys at the top of a file.
pub(super) fn top_keys() -> Vec<&'static Key> {
    [&[&BACKEND][..], &COMMON_KEYS].concat()
}

/// The keys of an option.
pub(super) const OPTION_NAME: Key = Key::new("name", r#"name = "daemon""#);
pub(super) const OPTION_WHY: Key = Key::new("why", r#"why = "whether threads are daemons""#);
pub(super) const OPTION_VALUES: Key = Key::new("values", r#"values = ["yes", "no"]"#);
pub(super) const OPTION_KEYS: [&Key; 3] = [&OPTION_NAME, &OPTION_WHY, &OPTION_VALUES];
