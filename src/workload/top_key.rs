//! The top-level keys of a workload file.

use crate::toml_file::Key;

pub(super) const NAME: Key = Key::new("name", r#"name = "halo-exchange""#);
pub(super) const WHY: Key = Key::new("why", r#"why = "what does a task cost?""#);
pub(super) const PATTERN: Key = Key::new(
    "pattern",
    r#"pattern = { kind = "stencil-1d", width = 64, steps = 100 }"#,
);
pub(super) const GRAPHS: Key = Key::new(
    "graphs",
    r#"graphs = [{ kind = "chain", steps = 100 }, { kind = "trivial", width = 64 }]"#,
);
pub(super) const GRAPH: Key = Key::new(
    "graph",
    r#"graph = { file = "workflow.json", scale = 0.001 }"#,
);
pub(super) const KERNEL: Key = Key::new("kernel", r#"kernel = { kind = "empty" }"#);
pub(super) const TIMEOUT: Key = Key::new("timeout", "timeout = 60 # seconds");
pub(super) const TASK_TIMEOUT: Key = Key::new("task_timeout", "task_timeout = 5 # seconds");
pub(super) const RETRIES: Key = Key::new("retries", "retries = 2");
pub(super) const OUTPUT_BYTES: Key = Key::new("output_bytes", "output_bytes = 1024");
pub(super) const CERTIFIED_OPTIMUM: Key = Key::new(
    "certified_optimum_ms",
    "certified_optimum_ms = { 2 = 136.0, 4 = 80.0 }",
);
pub(super) const GATE: Key = Key::new("gate", "gate = { threshold = 0.03 } # three per cent");
pub(super) const ONLY_IF_NAMED: Key = Key::new("only_if_named", "only_if_named = true");
pub(super) const WORKERS: Key = Key::new("workers", r#"workers = [1, "cores", 8]"#);

/// The largest number of retries. A task that has failed a hundred times will not succeed.
pub(super) const MOST_RETRIES: u64 = 100;

/// All top-level keys, in the order of messages.
pub(super) const TOP_KEYS: [&Key; 14] = [
    &NAME,
    &WHY,
    &PATTERN,
    &GRAPHS,
    &GRAPH,
    &KERNEL,
    &OUTPUT_BYTES,
    &CERTIFIED_OPTIMUM,
    &WORKERS,
    &TIMEOUT,
    &TASK_TIMEOUT,
    &RETRIES,
    &GATE,
    &ONLY_IF_NAMED,
];

/// The keys that define the graph. A file has exactly one of them. If it has none, the message asks for the first.
pub(super) const GRAPH_KEYS: [&Key; 3] = [&PATTERN, &GRAPHS, &GRAPH];

/// Whether `key` is a top-level key.
pub(super) fn is_top_key(key: &str) -> bool {
    TOP_KEYS.iter().any(|top| top.name == key)
}
