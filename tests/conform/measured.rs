//! A measurement catches the cheats that it can, without `conform`.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{folder, text};

/// Measures `kernel` with the small Python child that is wrong in this way, and returns the record.
fn measure(wrong: &str, kernel: &str) -> Value {
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
    let child = folder().join("child.py");
    let backends = format!(
        "command = [\"python3\", {child:?}, \"--wrong\", \"{wrong}\"]\nkernels = [\"empty\", \"sleep\", \"hash\"]\n\
         [[backend]]\nname = \"plain\"\nfamily = \"serial\"\nwhy = \"for tests\"\nworkers = 1\n"
    );
    let backends = file("backends.toml", backends);
    let out = place.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["run", "cheat", "--runs", "3", "--warmup", "0", "--quiet"])
        .args(["--backends", "plain", "--workloads"])
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

const SLEEP: &str = "{ kind = \"sleep\", duration_ms = 5 }";
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
