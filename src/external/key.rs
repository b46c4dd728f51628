//! The keys of a file of backends.

use crate::toml_file::Key;

pub(super) const BACKEND: Key = Key {
    name: "backend",
    example: "[[backend]]",
};
pub(super) const NAME: Key = Key {
    name: "name",
    example: r#"name = "python-threads""#,
};
pub(super) const WHY: Key = Key {
    name: "why",
    example: r#"why = "one thread per task""#,
};
pub(super) const FAMILY: Key = Key {
    name: "family",
    example: r#"family = "threads""#,
};
pub(super) const COMMAND: Key = Key {
    name: "command",
    example: r#"command = ["python3", "child.py"]"#,
};
pub(super) const KERNELS: Key = Key {
    name: "kernels",
    example: r#"kernels = ["empty", "sleep", "counter/variant=racy"]"#,
};
pub(super) const LACKS: Key = Key {
    name: "lacks",
    example: r#"lacks = { rwlock = "this language has no lock that readers share" }"#,
};
pub(super) const KINDS: Key = Key {
    name: "kinds",
    example: r#"kinds = ["graph"]"#,
};
pub(super) const OPTIONS: Key = Key {
    name: "options",
    example: r#"options = [{ name = "daemon", why = "whether threads are daemons", values = ["yes", "no"] }]"#,
};
pub(super) const WORKERS: Key = Key {
    name: "workers",
    example: "workers = 1",
};
pub(super) const WAITS_PER_WORKER: Key = Key {
    name: "waits_per_worker",
    example: r#"waits_per_worker = "unlimited""#,
};
pub(super) const PAYLOAD: Key = Key {
    name: "payload",
    example: "payload = true",
};
pub(super) const WARMUP_RUNS: Key = Key {
    name: "warmup_runs",
    example: "warmup_runs = 100",
};
pub(super) const DEFAULT_WORKLOADS: Key = Key {
    name: "default_workloads",
    example: r#"default_workloads = ["loop-cpu"]"#,
};

/// The keys that a backend may have, and also the top of a file, where they hold for all backends. In the order of
/// messages.
const COMMON_KEYS: [&Key; 12] = [
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
pub(super) const OPTION_NAME: Key = Key {
    name: "name",
    example: r#"name = "daemon""#,
};
pub(super) const OPTION_WHY: Key = Key {
    name: "why",
    example: r#"why = "whether threads are daemons""#,
};
pub(super) const OPTION_VALUES: Key = Key {
    name: "values",
    example: r#"values = ["yes", "no"]"#,
};
pub(super) const OPTION_KEYS: [&Key; 3] = [&OPTION_NAME, &OPTION_WHY, &OPTION_VALUES];
