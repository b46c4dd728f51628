//! What runs write, and what becomes of them when the system refuses something.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{assert_complains, program, quick_run, records, stderr, stdout, taskdyno};

#[test]
fn a_run_writes_records_a_page_and_pictures() {
    let folder = TempDir::new().unwrap();
    let output = quick_run(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("rayon"));
    let records = records(folder.path());
    assert_eq!(records.len(), 3);
    for record in &records {
        assert_eq!(record["error"], Value::Null);
        assert_eq!(record["samples"].as_array().unwrap().len(), 2);
        assert_eq!(record["graph"]["task_count"], 512);
        assert_eq!(record["digest"], records[0]["digest"]);
    }
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("rayon"));
    let pictures: Vec<_> = fs::read_dir(folder.path().join("pictures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for extension in ["png", "svg"] {
        let found = pictures
            .iter()
            .any(|path| path.extension().is_some_and(|one| one == extension));
        assert!(found, "no {extension} among {pictures:?}");
    }
}

#[test]
fn the_first_record_says_which_cases_could_not_run() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args(["run", "ping-pong", "--backends", "serial,threads"])
        .args(["--workers", "2", "--runs", "1", "--warmup", "0", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let records = records(folder.path());
    let reasons = records[0]["not_applicable"].as_object().unwrap();
    let (reason, count) = reasons.iter().next().unwrap();
    assert!(reason.contains("`serial` runs 1 at once"), "{reason}");
    assert!(count.as_u64() > Some(0));
    let others = &records[1..];
    assert!(!others.is_empty());
    assert!(
        others
            .iter()
            .all(|record| record.get("not_applicable").is_none())
    );
}

#[test]
fn workers_can_be_processes_with_threads() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args(["run", "empty/pattern=chain", "--runs", "1", "--warmup", "0"])
        .args([
            "--backends",
            "fork-threads,static",
            "--workers",
            "2x3,1,6",
            "--out",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut cases: Vec<(String, u64, Value)> = records(folder.path())
        .iter()
        .map(|record| {
            let case = &record["case"];
            assert_eq!(record["error"], Value::Null);
            let backend = case["backend"].as_str().unwrap().to_owned();
            (
                backend,
                case["workers"].as_u64().unwrap(),
                case["options"]["threads"].clone(),
            )
        })
        .collect();
    cases.sort_by_key(|(backend, workers, _)| (backend.clone(), *workers));
    let case = |backend: &str, workers, threads| (backend.to_owned(), workers, threads);
    let expected = [
        case("fork-threads", 1, 2.into()),
        case("fork-threads", 6, 3.into()),
        case("static", 1, Value::Null),
        case("static", 6, Value::Null),
    ];
    assert_eq!(cases, expected);
}

#[test]
fn records_that_cannot_be_read_are_refused_with_their_place() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let bad = folder.path().join("bad.jsonl");
    let report = || taskdyno().arg("report").arg(&bad).output().unwrap();

    fs::write(&bad, &text[..text.len() - 40]).unwrap();
    assert_complains(&report(), 2, &["bad.jsonl:3", "is incomplete"]);

    fs::write(
        &bad,
        text.replace("\"schema_version\":3", "\"schema_version\":99"),
    )
    .unwrap();
    assert_complains(&report(), 2, &["bad.jsonl:1", "99"]);

    // A report says that there are none, and what needs records complains.
    fs::write(&bad, "").unwrap();
    assert_eq!(report().status.code(), Some(0));
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("\"heading\":null"), "{page}");
    let show = taskdyno().arg("show").arg(&bad).output().unwrap();
    assert_complains(&show, 2, &["bad.jsonl has no records"]);

    fs::remove_file(&bad).unwrap();
    assert_complains(&report(), 2, &["bad.jsonl"]);
}

#[test]
fn a_disk_that_fills_up_loses_nothing_that_was_written() {
    let folder = TempDir::new().unwrap();
    // A limit on the size of files replaces a full disk. It is 4 blocks of 512 or 1024 bytes, which is less than a
    // record of this many samples.
    let script = "ulimit -f 4; exec \"$0\" \"$@\"";
    let output = program("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_taskdyno")])
        .args(["run", "empty/pattern=chain/serial"])
        .args(["--runs", "40", "--warmup", "0", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_complains(
        &output,
        1,
        &["records.jsonl", "--resume", "earlier records are saved"],
    );
    let left = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    assert!(
        left.is_empty() || left.ends_with('\n'),
        "a partial line is left"
    );

    let output = taskdyno()
        .args([
            "run",
            "empty/pattern=chain/serial",
            "--runs",
            "40",
            "--warmup",
            "0",
            "--resume",
        ])
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(records(folder.path()).len(), 1);
}

#[test]
fn a_worker_that_the_system_refuses_is_named_at_once() {
    let folder = TempDir::new().unwrap();
    // A limit of 1 GB on the address space replaces a limit on threads: a stack of 200 MB no longer fits after four of
    // them. What is left is less than a stack, and enough for the threads that are just starting, which would otherwise
    // abort the process.
    let output = program("sh")
        .env("RUST_MIN_STACK", "200000000")
        .env("MALLOC_ARENA_MAX", "1")
        .args([
            "-c",
            "ulimit -v 1000000; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_taskdyno"),
        ])
        .args([
            "run",
            "empty/pattern=chain",
            "--backends",
            "tokio,thread-pool",
        ])
        .args(["--workers", "1024", "--timeout", "600", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = records(folder.path());
    assert_eq!(records.len(), 2);
    for record in records {
        let error = &record["error"];
        assert_eq!(error["kind"], "set-up", "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("cannot start worker "), "{message}");
        assert!(message.contains(" of 1024: "), "{message}");
    }
}

#[test]
fn chaos_kills_workers_and_reports_the_runs_in_one_line() {
    let chaos = |filter: &str| {
        let output = taskdyno()
            .args(["chaos", filter, "--kill-rate", "0.02", "--seed", "7"])
            .args(["--runs", "2", "--workers", "2"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        stdout(&output)
    };
    let survived = chaos("empty/pattern=stencil-1d");
    assert!(survived.starts_with("survived: 8 runs"), "{survived}");
    assert!(!survived.contains(" 0 recovered"), "{survived}");
    // Tasks without retries are given up, whether or not a worker dies while it holds a lock.
    let gave_up = chaos("counter-contention/variant=mutex");
    assert!(!gave_up.contains(" 0 gave up"), "{gave_up}");
}
