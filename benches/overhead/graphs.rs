//! Measures how long large graphs take to build, and their memory.

use std::hint::black_box;
use std::time::Instant;

use taskdyno_core::parameter::{Parameters, Value};
use taskdyno_core::pattern::{PATTERNS, STENCIL_1D};

use super::{Effort, Row};
use crate::prepare::{empty, new_graph, new_job};

/// Builds a graph of ten million tasks, and measures the memory of a job with it.
pub(crate) fn graph(effort: Effort) -> Vec<Row> {
    let steps = 156_250 / effort.shrink;
    let before = resident_bytes();
    let start = Instant::now();
    let graph = new_graph(&STENCIL_1D, [("width", 64), ("steps", steps)]);
    let build = start.elapsed().as_secs_f64();
    let job = new_job(graph, empty());
    let task_count = job.graph().task_count();
    let bytes = resident_bytes().saturating_sub(before) as f64 / task_count as f64;
    vec![
        Row {
            what: format!("a stencil of {task_count} tasks, to build"),
            found: format!("{build:.2} s"),
            goal: "≤ 1.5 s".into(),
            is_met: build <= 1.5,
        },
        Row {
            what: format!("a job of {task_count} tasks, resident bytes per task"),
            found: format!("{bytes:.1} B"),
            goal: "≤ 64 B".into(),
            is_met: bytes <= 64.0,
        },
    ]
}

/// Builds every pattern at about ten million tasks: one row per pattern, the slowest last.
pub(crate) fn patterns(effort: Effort) -> Vec<Row> {
    let mut times: Vec<(f64, &str)> = Vec::new();
    for pattern in PATTERNS {
        let declared = pattern.parameters().iter();
        let given = declared.map(|one| (one.name, ten_million(pattern.name(), one.name, effort)));
        let given = given
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let parameters = Parameters::check(pattern.parameters(), &given).expect("they fit");
        let start = Instant::now();
        let graph = pattern.build(&parameters).expect("the graph fits its ids");
        times.push((start.elapsed().as_secs_f64(), pattern.name()));
        black_box(graph);
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows = times.iter().map(|(seconds, name)| Row {
        what: format!("{name} at 10 million tasks, to build"),
        found: format!("{seconds:.2} s"),
        goal: "≤ 1.5 s".into(),
        is_met: *seconds <= 1.5,
    });
    rows.collect()
}

/// The value that, with those of the other parameters, makes at least ten million tasks.
fn ten_million(pattern: &str, parameter: &str, effort: Effort) -> Value {
    let small = effort.shrink > 1;
    let count = match (pattern, parameter) {
        ("all-to-all", "width") => 4,
        ("all-to-all", "steps") => 2_500_000 / effort.shrink,
        ("chain", "steps") | (_, "tasks") => 10_000_000 / effort.shrink,
        (_, "width") => 64,
        (_, "steps") => 156_250 / effort.shrink,
        (_, "depth" | "tiles") if small => 3,
        ("skynet", "depth") => 7,
        ("butterfly", "depth") => 19,
        (_, "depth") => 22,
        ("lu", "tiles") => 311,
        (_, "tiles") => 391,
        ("random-dag", "radix") => 6,
        (_, "window") => 1000,
        (_, "fan_out") => 10,
        (_, "fraction") => return Value::Number(0.5),
        _ => 3,
    };
    Value::Count(count)
}

/// The resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm
        .split_whitespace()
        .nth(1)
        .expect("the second field is resident pages");
    let pages: u64 = pages.parse().expect("it is a number");
    pages * rustix::param::page_size() as u64
}
