//! Replays graphs with known shortest schedules, by sleeping, on every backend with a pool. No run may beat the
//! certified optimum, and none may be worse than the worst greedy schedule.
//!
//! `static` may not beat the optimum either, but it assigns tasks beforehand and is not greedy. `fork-dispatch` assigns
//! one task at a time here, because a worker that holds several tasks is not greedy either.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use taskdyno::internal::graph_file::import::{Imported, read};
use taskdyno_core::graph::bound::{greedy_bound, span, work};

use crate::foreign_graphs::foreign_graphs;

#[path = "common/foreign_graphs.rs"]
mod foreign_graphs;

/// Nanoseconds per unit of an STG file, with `scale = 0.001`.
const UNIT_NS: u64 = 1_000_000;

/// How much longer than its duration a task may take: a sleep overshoots by some 55 µs, and a worker that slept must
/// get a core again. In addition, a run may take [`RUN_ALLOWANCE_NS`] more.
const TASK_ALLOWANCE_NS: u64 = 200_000;
/// The same on tokio, whose timer counts in milliseconds and adds one.
const TOKIO_ALLOWANCE_NS: u64 = 1_500_000;
/// The same with one process per task, which takes half a millisecond to start and to end.
const FORK_PER_TASK_ALLOWANCE_NS: u64 = 1_000_000;
/// For starting and ending a run, on a machine that is busy for a while. It is small enough to detect that only one of
/// two workers works. (Four of eight workers may stay within the greedy bound itself.)
const RUN_ALLOWANCE_NS: u128 = 10_000_000;
/// How often a case is run at most, until it keeps the greedy bound: other load only makes runs longer. No run may beat
/// the optimum.
const MOST_RUNS: usize = 6;

const BACKENDS: [&str; 10] = [
    "static",
    "threads",
    "thread-pool",
    "crossbeam",
    "rayon",
    "tokio",
    "fork",
    "fork-threads",
    "fork-dispatch",
    "fork-per-task",
];
const WORKERS: [u64; 3] = [2, 4, 8];

/// The certified optimum of each file, in units, by workers.
fn certified(folder: &Path) -> BTreeMap<String, BTreeMap<u64, u64>> {
    let text = fs::read_to_string(folder.join("stg/certified-optima.csv")).unwrap();
    let mut optima: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.trim().split(',').collect();
        let [file, workers, optimum] = cells[..] else {
            panic!("{line}");
        };
        let of_file = optima.entry(file.into()).or_default();
        of_file.insert(workers.parse().unwrap(), optimum.parse().unwrap());
    }
    optima
}

#[test]
#[ignore = "needs TASKDYNO_GRAPHS"]
fn replayed_graphs_end_between_the_certified_optimum_and_the_greedy_bound() {
    let folder = foreign_graphs();
    let optima = certified(&folder);
    assert!(!optima.is_empty());
    // More cases at once would need a larger allowance.
    let files: Vec<_> = optima.iter().collect();
    for two in files.chunks(2) {
        std::thread::scope(|scope| {
            for (file, optima) in two {
                let path = folder.join("stg").join(file).canonicalize().unwrap();
                scope.spawn(move || replay(&path, optima));
            }
        });
    }
}

/// A backend and a number of workers.
type Pool = (&'static str, u64);

fn replay(path: &Path, optima: &BTreeMap<u64, u64>) {
    let imported = read(path).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let workload = scratch.path().join("replayed.toml");
    fs::write(&workload, toml(path, optima)).unwrap();
    let with = |backend| WORKERS.map(|workers| (backend, workers));
    let mut left: BTreeSet<Pool> = BACKENDS.into_iter().flat_map(with).collect();
    let mut excess = Vec::new();
    for _ in 0..MOST_RUNS {
        excess.clear();
        let mut late = BTreeSet::new();
        for (pool, record) in measured(path, &workload, &left) {
            if let Err(what) = judge(path, &imported, optima, pool, &record) {
                late.insert(pool);
                excess.push(what);
            }
        }
        left = late;
        if left.is_empty() {
            return;
        }
    }
    panic!("{excess:?}");
}

/// Runs each of the pools once. Returns their records.
fn measured(path: &Path, workload: &Path, pools: &BTreeSet<Pool>) -> Vec<(Pool, Value)> {
    let out = tempfile::tempdir().unwrap();
    // Every backend named with every number of workers, also those that are not among the pools.
    let backends: BTreeSet<_> = pools.iter().map(|(backend, _)| *backend).collect();
    let workers: BTreeSet<_> = pools.iter().map(|(_, count)| count.to_string()).collect();
    let backends = Vec::from_iter(backends).join(",");
    let workers = Vec::from_iter(workers).join(",");
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["run", "replayed", "--exact", "--quiet"])
        .args(["--runs", "1", "--warmup", "0"])
        .args(["--workers", &workers])
        .args(["--backends", &backends])
        .args(["--option", "window=1", "--workloads"])
        .arg(workload)
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", path.display());
    let records = fs::read_to_string(out.path().join("records.jsonl")).unwrap();
    let records: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |&(backend, workers): &Pool| {
        let mut found = records.iter().filter(|record| {
            record["case"]["backend"] == backend && record["case"]["workers"] == workers
        });
        let record = found.next().expect("each pool has a record").clone();
        ((backend, workers), record)
    };
    pools.iter().map(of).collect()
}

fn toml(path: &Path, optima: &BTreeMap<u64, u64>) -> String {
    let wanted = optima
        .iter()
        .filter(|(workers, _)| WORKERS.contains(*workers));
    let optima: Vec<String> = wanted
        .map(|(workers, units)| format!("{workers} = {units}"))
        .collect();
    format!(
        "name = \"replayed\"\nwhy = \"how close to the best possible?\"\n\
         graph = {{ file = {:?}, scale = 0.001 }}\n\
         kernel = {{ kind = \"replay\", by = \"sleep\" }}\n\
         certified_optimum_ms = {{ {} }}\n",
        path.display().to_string(),
        optima.join(", ")
    )
}

/// Asserts that a run does not beat the optimum. Returns what is wrong if it exceeds the greedy bound.
fn judge(
    path: &Path,
    imported: &Imported,
    optima: &BTreeMap<u64, u64>,
    (backend, workers): Pool,
    record: &Value,
) -> Result<(), String> {
    let number = |pointer: &str| record.pointer(pointer).and_then(Value::as_u64);
    let what = format!("{} on {backend} with {workers} workers", path.display());
    assert_eq!(record["samples"].as_array().unwrap().len(), 1, "{what}");
    let wall_ns = number("/samples/0/wall_ns").unwrap() / number("/samples/0/run_count").unwrap();
    let parallelism = number("/bound/parallelism").map(|count| count as usize);

    let billionths = imported.durations.as_deref().unwrap();
    let durations = || billionths.iter().map(|duration| duration / 1000);
    let nominal: Vec<u64> = durations().collect();
    assert_eq!(
        number("/bound/work_ns").map(u128::from),
        Some(work(&nominal)),
        "{what}"
    );
    // An async backend runs every sleeping task at once, so its optimum is the span.
    let optimum_ns = match parallelism {
        Some(count) => {
            assert_eq!(count as u64, workers, "{what}");
            optima[&workers] * UNIT_NS
        }
        None => span(&imported.graph, &nominal) as u64,
    };
    let allowance_ns = match backend {
        "tokio" => TOKIO_ALLOWANCE_NS,
        "fork-per-task" => FORK_PER_TASK_ALLOWANCE_NS,
        _ => TASK_ALLOWANCE_NS,
    };
    let longer: Vec<u64> = durations().map(|ns| ns + allowance_ns).collect();
    let most_ns = greedy_bound(work(&longer), span(&imported.graph, &longer), parallelism);
    println!(
        "{what}: closeness {:.3}",
        optimum_ns as f64 / wall_ns as f64
    );
    assert!(
        wall_ns >= optimum_ns,
        "{what}: {wall_ns} beats {optimum_ns}"
    );
    if backend == "static" || u128::from(wall_ns) <= most_ns + RUN_ALLOWANCE_NS {
        return Ok(());
    }
    Err(format!(
        "{what}: {wall_ns} exceeds the greedy bound of {most_ns} with the allowance"
    ))
}

/// An optimum in the wrong unit: seconds for milliseconds.
const IN_A_WRONG_UNIT: &str = r#"
    name = "wrong-unit"
    why = "is a certified optimum compared with the lower bound?"
    pattern = { kind = "chain", steps = 3 }
    kernel = { kind = "sleep", duration_ms = 1 }
    certified_optimum_ms = 3000
"#;

#[test]
fn every_command_that_measures_checks_the_optimum() {
    let folder = tempfile::tempdir().unwrap();
    let workload = folder.path().join("wrong-unit.toml");
    fs::write(&workload, IN_A_WRONG_UNIT).unwrap();
    let program = env!("CARGO_BIN_EXE_taskdyno");
    let commands: [&[&str]; 3] = [
        &["run", "--runs", "1", "--warmup", "0"],
        &["chaos", "--runs", "1"],
        &["gate", "--base", program, "--head", program, "--pin=never"],
    ];
    for command in commands {
        let output = Command::new(program)
            .args(command)
            .args([
                "wrong-unit",
                "--exact",
                "--backends",
                "fork",
                "--workers",
                "1",
            ])
            .arg("--workloads")
            .arg(&workload)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("check its unit"), "{}: {said}", command[0]);
        assert_ne!(output.status.code(), Some(0), "{}", command[0]);
    }
}
