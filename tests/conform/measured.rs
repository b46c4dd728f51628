//! A measurement catches the cheats that it can, without `conform`.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{folder, text};

/// A child in this folder: its arguments, and what a file of backends says of it.
struct Cheat<'a> {
    arguments: &'a [&'a str],
    name: &'a str,
    family: &'a str,
    workers: usize,
}

/// Measures `kernel` with the small Python child that is wrong in this way, and returns the record.
fn measure(wrong: &str, kernel: &str) -> Value {
    let cheat = Cheat {
        arguments: &["child.py", "--wrong", wrong],
        name: "plain",
        family: "serial",
        workers: 1,
    };
    cheat.measure(kernel)
}

/// Measures tasks that compute on a pool of processes that is wrong in this way, and returns the record.
fn measure_pool(workers: usize, wrong: &str) -> Value {
    let cheat = Cheat {
        arguments: &["pool.py", &workers.to_string(), wrong],
        name: "pool",
        family: "processes",
        workers,
    };
    cheat.measure(LONG_HASH)
}

impl Cheat<'_> {
    fn measure(&self, kernel: &str) -> Value {
        let place = TempDir::new().unwrap();
        let file = |name: &str, text: String| {
            let path = place.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let workload = format!(
            "name = \"cheat\"\nwhy = \"for tests\"\npattern = {{ kind = \"trivial\", width = 8 }}\nkernel = {kernel}\n"
        );
        let workload = file("cheat.toml", workload);
        let Self {
            arguments,
            name,
            family,
            workers,
        } = self;
        let child = folder().join(arguments[0]);
        let backends = format!(
            "command = [\"python3\", {child:?}, \"{}\"]\nkernels = [\"empty\", \"sleep\", \"hash\"]\n\
         [[backend]]\nname = {name:?}\nfamily = {family:?}\nwhy = \"for tests\"\nworkers = {workers}\n",
            arguments[1..].join("\", \"")
        );
        let backends = file("backends.toml", backends);
        let out = place.path().join("out");
        let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
            .args(["run", "cheat", "--runs", "3", "--warmup", "0", "--quiet"])
            .args(["--backends", name, "--workloads"])
            .arg(workload)
            .arg("--external")
            .arg(backends)
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        let records = fs::read_to_string(out.join("records.jsonl"));
        let records = records.unwrap_or_else(|_| panic!("{}", text(&output)));
        serde_json::from_str(records.lines().next().unwrap()).unwrap()
    }
}

const SLEEP: &str = "{ kind = \"sleep\", duration_ms = 5 }";
/// The busiest of two workers has three samples of at least 40 ms.
const LONG_HASH: &str = "{ kind = \"hash\", times = 40000 }";
const HASH: &str = "{ kind = \"hash\", times = 5000 }";

#[test]
fn a_right_child_is_measured() {
    for kernel in [SLEEP, HASH] {
        let record = measure("nothing", kernel);
        assert_eq!(record["error"], Value::Null, "{record}");
        assert_eq!(record["samples"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn cheats_become_errors() {
    for (wrong, kernel, kind) in [
        ("digest", HASH, "wrong-digest"),
        ("remembers", HASH, "wrong-digest"),
        ("half-sleep", SLEEP, "beat-bound"),
        ("skipped-sleep", SLEEP, "beat-bound"),
        ("half-wall", HASH, "wall-too-short"),
    ] {
        let record = measure(wrong, kernel);
        assert_eq!(record["error"]["kind"], kind, "{wrong}: {record}");
        assert_eq!(record["samples"].as_array().unwrap().len(), 0, "{wrong}");
    }
}

#[test]
fn a_pool_of_processes_that_reports_half_of_its_time_is_caught_beside_its_coordinator() {
    for workers in [1, 2] {
        let record = measure_pool(workers, "nothing");
        assert_eq!(record["error"], Value::Null, "{workers}: {record}");
        assert_eq!(record["remarks"], serde_json::json!([]), "{record}");
        let record = measure_pool(workers, "half-wall");
        assert_eq!(record["error"]["kind"], "wall-too-short", "{record}");
    }
}

#[test]
fn a_child_that_ends_badly_keeps_its_samples_and_gets_a_remark() {
    for (record, remark) in [
        (
            measure("exit-code", SLEEP),
            "it left with exit code 3 after its last reply",
        ),
        (
            measure_pool(1, "left-behind"),
            "it left 1 process behind, which was killed",
        ),
    ] {
        assert_eq!(record["error"], Value::Null, "{record}");
        assert_eq!(record["samples"].as_array().unwrap().len(), 3);
        assert_eq!(record["remarks"], serde_json::json!([remark]));
    }
}
