//! Runs that go on where an earlier one was cut off, and what becomes of the records of earlier runs.

use std::fs;

use tempfile::TempDir;

use crate::ending::{begun, endless_run};
use crate::program::{assert_complains, quick_run, records, stderr, taskdyno};

#[test]
fn a_resumed_run_continues_where_it_stopped() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let path = folder.path().join("records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    // Killed in the middle of writing the second record.
    fs::write(&path, &text[..first.len() + 1 + 100]).unwrap();

    let output = quick_run(folder.path()).arg("--resume").output().unwrap();
    let words = [
        "records.jsonl:2 was incomplete and is removed",
        "because they have a record: 1 of 3 cases",
    ];
    assert_complains(&output, 0, &words);
    assert_eq!(records(folder.path()).len(), 3);
    let kept = fs::read_to_string(&path).unwrap();
    assert_eq!(kept.lines().next(), Some(first));
}

#[test]
fn a_new_run_keeps_the_records_of_the_previous_run() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let before = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    quick_run(folder.path()).output().unwrap();
    let previous = folder.path().join("records.previous.jsonl");
    assert_eq!(fs::read_to_string(previous).unwrap(), before);
}

#[test]
fn a_folder_has_one_run_at_a_time() {
    let folder = TempDir::new().unwrap();
    let (mut first, ..) = begun(endless_run(folder.path()));
    let holder = format!("process {} (", first.id());
    for more in [None, Some("--resume")] {
        let output = quick_run(folder.path()).args(more).output().unwrap();
        assert_complains(&output, 2, &[&holder, "broken", "--out DIR"]);
    }
    // Others may continue, however it ends.
    first.kill().unwrap();
    first.wait().unwrap();
    let output = quick_run(folder.path()).arg("--resume").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(records(folder.path()).len(), 3);
    assert!(!folder.path().join("records.jsonl.lock").exists());
}

#[test]
fn a_run_resumes_only_with_the_same_settings() {
    let folder = TempDir::new().unwrap();
    let run = |more: &[&str]| {
        let mut run = taskdyno();
        run.args(["run", "--runs", "2", "--workers", "2", "--out"])
            .arg(folder.path())
            .args(more);
        run.output().unwrap()
    };
    let empty = ["empty/pattern=chain", "--backends", "crossbeam", "--pin"];
    assert_eq!(run(&empty).status.code(), Some(0));
    let before = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let refused = [
        (vec![], "`case.pin` was true and is now false"),
        (
            vec!["--pin", "--continuation", "inline"],
            "`case.continuation` was \"queue\" and is now \"inline\"",
        ),
        (
            vec!["--pin", "--warmup", "0"],
            "`plan.warmup_ns` was 20000000 and is now 0",
        ),
    ];
    // This applies to the same case and to other cases.
    for filter in ["empty/pattern=chain", "empty/pattern=trivial"] {
        for (more, words) in &refused {
            let mut arguments = vec![filter, "--backends", "crossbeam", "--resume"];
            arguments.extend(more);
            assert_complains(&run(&arguments), 2, &[words, "leave out --resume"]);
        }
    }
    let now = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    assert_eq!(now, before);
    // With `--pin=auto`, a resumed run keeps its earlier decision.
    let auto = ["--backends", "crossbeam", "--resume", "--pin=auto"];
    let output = run(&[&["empty/pattern=chain"], &auto[..]].concat());
    assert_complains(&output, 0, &["because they have a record: 1 of 1 case\n"]);
}

#[test]
fn a_resumed_run_reads_before_it_truncates() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let path = folder.path().join("records.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let resume = || quick_run(folder.path()).arg("--resume").output().unwrap();

    // The last record lacks only its line end.
    fs::write(&path, whole.trim_end()).unwrap();
    assert_complains(&resume(), 0, &["because they have a record: 3 of 3 cases"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);

    let first = whole.lines().next().unwrap();
    let second_is_bad = format!("{first}\noops\n{}", &first[..100]);
    for (text, place) in [
        ("not a record".to_owned(), "records.jsonl:1"),
        (first[..100].to_owned(), "records.jsonl:1"),
        (second_is_bad, "records.jsonl:2"),
    ] {
        fs::write(&path, &text).unwrap();
        assert_complains(&resume(), 2, &[place, "leave out --resume"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
