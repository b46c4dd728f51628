//! Replays graphs with known shortest schedules, by sleeping, on every backend with a pool. No run may beat the
//! certified optimum, and none may be worse than the worst greedy schedule.
//!
//! `static` may not beat the optimum either, but it assigns tasks beforehand and is not greedy. `fork-dispatch` assigns
//! one task at a time here, because a worker that holds several tasks is not greedy either.

use std::collections::BTreeMap;
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
/// The number of runs. The best is compared with the greedy bound, because other load only makes runs longer. None may
/// beat the optimum.
const RUNS: &str = "3";

const BACKENDS: &str = "static,threads,thread-pool,crossbeam,rayon,tokio,fork,fork-threads,fork-dispatch,fork-per-task";

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

fn replay(path: &Path, optima: &BTreeMap<u64, u64>) {
    let imported = read(path).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let workload = scratch.path().join("replayed.toml");
    fs::write(&workload, toml(path, optima)).unwrap();
    let out = scratch.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["run", "replayed", "--exact", "--quiet"])
        .args(["--runs", RUNS, "--warmup", "0", "--workers", "2,4,8"])
        .args(["--backends", BACKENDS, "--option", "window=1"])
        .arg("--workloads")
        .arg(&workload)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", path.display());
    let records = fs::read_to_string(out.join("records.jsonl")).unwrap();
    let mut count = 0;
    for line in records.lines() {
        judge(
            path,
            &imported,
            optima,
            &serde_json::from_str(line).unwrap(),
        );
        count += 1;
    }
    assert_eq!(count, 3 * BACKENDS.split(',').count());
}

fn toml(path: &Path, optima: &BTreeMap<u64, u64>) -> String {
    let wanted = optima
        .iter()
        .filter(|(workers, _)| [2, 4, 8].contains(*workers));
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

fn judge(path: &Path, imported: &Imported, optima: &BTreeMap<u64, u64>, record: &Value) {
    let number = |pointer: &str| record.pointer(pointer).and_then(Value::as_u64);
    let backend = record["case"]["backend"].as_str().unwrap();
    let workers = number("/case/workers").unwrap();
    let what = format!("{} on {backend} with {workers} workers", path.display());
    let samples = record["samples"].as_array().unwrap();
    let walls = samples.iter().map(|sample| {
        let number = |key: &str| sample[key].as_u64().unwrap();
        number("wall_ns") / number("run_count")
    });
    let wall_ns = walls.min().unwrap();
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
    assert!(
        backend == "static" || u128::from(wall_ns) <= most_ns + RUN_ALLOWANCE_NS,
        "{what}: {wall_ns} exceeds the greedy bound of {most_ns} with the allowance"
    );
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
