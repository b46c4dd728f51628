//! A failure in a case becomes an error row of that case, and the other cases continue.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{example, program};

/// Runs `examples/broken.rs` on `backends`, and returns its exit code and each case's error kind and message, "ok" if
/// there is no error.
fn run(backends: &str, filter: &str) -> (Option<i32>, BTreeMap<String, (String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let output = program(example("broken"))
        .args([
            "run",
            filter,
            "--runs",
            "1",
            "--warmup",
            "0",
            "--workers",
            "2",
        ])
        .args([
            "--timeout",
            "4",
            "--quiet",
            "--backends",
            backends,
            "--workloads",
        ])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/broken.toml"))
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let rows = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        let word = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let key = format!(
            "{} {}",
            word("/case/backend").unwrap(),
            word("/case/variant").unwrap()
        );
        let kind = word("/error/kind").unwrap_or("ok").to_owned();
        let message = word("/error/message").unwrap_or_default().to_owned();
        (key, (kind, message))
    });
    (output.status.code(), rows.collect())
}

#[test]
fn a_failure_in_a_kernel_is_an_error_row_and_the_others_continue() {
    let (code, rows) = run("serial,rayon,thread-pool,fork", "broken");
    assert_eq!(code, Some(1));
    for backend in ["serial", "rayon", "thread-pool", "fork"] {
        let kind = |mishap: &str| rows[&format!("{backend} mishap={mishap}")].clone();
        let (panic, message) = kind("panic");
        assert_eq!(panic, "panic");
        assert_eq!(message, "the kernel panicked in task 3: out of cheese");
        assert_eq!(kind("hang").0, "timeout", "{backend}");
        assert_eq!(kind("print").0, "ok", "{backend}");
        let (hurry, message) = kind("hurry");
        assert_eq!(hurry, "beat-bound", "{backend}");
        let bound = match backend {
            // Fifteen tasks of one second each, one or two at a time.
            "serial" => "15000000000",
            _ => "7500000000",
        };
        assert!(message.contains(bound), "{message}");
        // If a worker process dies, its pool reports it. A thread takes the whole process with it.
        let died = if backend == "fork" {
            "worker-died"
        } else {
            "killed"
        };
        let (abort, message) = kind("abort");
        assert_eq!(abort, died, "{backend}");
        assert!(message.contains("signal 6 (SIGABRT)"), "{message}");
        let (exit, message) = kind("exit");
        assert_eq!(exit, died, "{backend}");
        assert!(message.contains('7'), "{message}");
    }
}

#[test]
fn a_wrong_backend_is_detected() {
    let backends = "loses-a-task,runs-one-twice,runs-backwards,garbles-a-payload,serial";
    let (code, rows) = run(backends, "mishap=print");
    assert_eq!(code, Some(1));
    let kind = |backend: &str| rows[&format!("{backend} mishap=print")].0.as_str();
    assert_eq!(kind("loses-a-task"), "lost-task");
    assert_eq!(kind("runs-one-twice"), "not-once");
    assert_eq!(kind("runs-backwards"), "missing-input");
    assert_eq!(kind("garbles-a-payload"), "wrong-payload");
    let (_, message) = &rows["garbles-a-payload mishap=print"];
    let expected = "byte 8 that task 5 received from its predecessor 0 is wrong";
    assert_eq!(message, expected);
    assert_eq!(kind("serial"), "ok");
}

#[test]
fn foreign_backends_kernels_and_workloads_have_the_whole_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = program(example("custom_backend"))
        .args([
            "run",
            "--runs",
            "2",
            "--warmup",
            "0",
            "--backends",
            "serial,batches,rayon",
        ])
        .args(["collatz", "--exact", "--details"])
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(shown.contains("batches"), "{shown}");
    let records = fs::read_to_string(out.join("records.jsonl")).unwrap();
    let digests: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["digest"].clone())
        .collect();
    assert!(digests.len() >= 3 && digests.iter().all(|one| *one == digests[0]));
}

/// Runs `empty` on a chain with this example, with bound workers, and returns each backend's error kind and whether
/// its record says that they were.
fn run_bound(name: &str, backends: &str) -> BTreeMap<String, (String, bool)> {
    let folder = tempfile::tempdir().unwrap();
    let output = program(example(name))
        .args(["run", "empty/pattern=chain", "--runs", "1", "--warmup", "0"])
        .args(["--workers", "2", "--pin", "--quiet", "--backends", backends])
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    let text = fs::read_to_string(folder.path().join("records.jsonl"));
    let text = text.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let rows = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        let backend = record["case"]["backend"].as_str().unwrap().to_owned();
        let kind = record["error"]["kind"].as_str().unwrap_or("ok").to_owned();
        (backend, (kind, record["case"]["pin"] == true))
    });
    rows.collect()
}

#[test]
fn a_record_says_that_workers_were_bound_only_if_they_were() {
    let rows = run_bound(
        "broken",
        "loses-a-task,serial,static,tokio,fork,fork-per-task",
    );
    assert_eq!(rows["loses-a-task"].0, "not-bound");
    for backend in ["serial", "static", "tokio", "fork", "fork-per-task"] {
        assert_eq!(rows[backend], ("ok".into(), true), "{backend}");
    }
    let rows = run_bound("custom_backend", "batches");
    assert_eq!(rows["batches"], ("ok".into(), true));
}

#[test]
fn every_command_refuses_a_name_that_cannot_be_used() {
    let refusals = [
        (
            "rayon",
            "the name `rayon` is already taken, so a second backend cannot have it",
        ),
        ("two words", "a backend cannot be named \"two words\""),
        ("a/b", "a backend cannot be named \"a/b\""),
    ];
    for (name, refusal) in refusals {
        for command in ["list", "run", "child", "cases", "doctor"] {
            let mut misnamed = program(example("misnamed"));
            let output = misnamed
                .arg(command)
                .env("MISNAMED", name)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command}: {said}");
            assert!(said.contains(refusal), "{command}: {said}");
        }
    }
    let mut well_named = program(example("misnamed"));
    let output = well_named
        .arg("list")
        .env("MISNAMED", "my_serial")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
