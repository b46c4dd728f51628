//! Records for the tests, and their reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a report, and its page.
pub(crate) struct Page {
    _folder: TempDir,
    pub(crate) file: PathBuf,
}

impl Page {
    /// The page of these records.
    pub(crate) fn of(records: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.jsonl");
        let lines = records.iter().map(|record| record.to_string() + "\n");
        fs::write(&file, lines.collect::<String>()).unwrap();
        taskdyno(&["report".as_ref(), &file]);
        Self {
            file: folder.path().join("report.html"),
            _folder: folder,
        }
    }
}

/// Runs the program, and fails if it does.
fn taskdyno(arguments: &[&Path]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output
}

/// The records of a small run that was really measured: two workloads with two backends of each kind.
pub(crate) fn measured() -> &'static [Value] {
    static RECORDS: OnceLock<Vec<Value>> = OnceLock::new();
    RECORDS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [
            "run",
            "empty/pattern=chain",
            "sleep-io/pattern=trivial",
            "--backends",
            "serial,static,rayon,tokio,fork",
            "--workers",
            "1,2,3",
            "--runs",
            "30",
            "--warmup",
            "0",
            "--quiet",
            "--out",
        ];
        let arguments = arguments.iter().map(Path::new);
        taskdyno(&arguments.chain([folder.path()]).collect::<Vec<_>>());
        let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    })
}

/// The same record with other names. `workload` and `backend` are any text.
pub(crate) fn renamed(record: &Value, workload: &str, backend: &str) -> Value {
    let mut record = record.clone();
    record["case"]["workload"] = workload.into();
    record["case"]["backend"] = backend.into();
    record["workload_why"] = workload.into();
    record["backend_why"] = backend.into();
    record
}

/// The same case, failed.
pub(crate) fn failed(record: &Value, message: &str) -> Value {
    let mut record = record.clone();
    record["samples"] = json!([]);
    record["error"] = json!({ "kind": "killed", "message": message });
    record
}

/// A thousand records with a hundred samples each: forty workloads on twenty-five backends.
pub(crate) fn thousand() -> Vec<Value> {
    let template = &measured()[0];
    let cases = (0..1000_u64).map(|number| {
        let (workload, backend) = (number / 25, number % 25);
        let mut record = renamed(
            template,
            &format!("work-{workload}"),
            &format!("backend-{backend}"),
        );
        let sample = template["samples"][0].clone();
        let samples = (0..100_u64).map(|index| {
            let mut sample = sample.clone();
            sample["wall_ns"] = (1_000_000 + backend * 10_000 + index * 97 % 5000).into();
            sample
        });
        record["samples"] = samples.collect();
        record["since_run_start_ns"] = (number * 1_000_000).into();
        record
    });
    cases.collect()
}
