//! Baselines: saved, listed, compared with and removed.

use std::fs;

use tempfile::TempDir;

use super::{STEADY, Scripted, times};
use crate::program::{assert_says, program, scripted};

#[test]
fn a_new_case_does_not_fail_a_run_that_is_compared_with_a_baseline() {
    let folder = TempDir::new().unwrap();
    let run = |backends: &str, more: &[&str]| {
        let mut run = program(scripted());
        run.args(["run", "empty/pattern=chain", "--runs", "9"]);
        run.args(["--workers", "2", "--out", "out", "--backends", backends]);
        run.args(more).current_dir(folder.path()).output().unwrap()
    };
    run("serial", &["--save-baseline", "one"]);
    let more = run("serial,rayon", &["--baseline", "one"]);
    assert_says(&more, 0, &["1 new", "only the head has it"]);
}

#[test]
fn a_missing_case_fails_a_run_and_is_named_even_with_quiet() {
    let folder = TempDir::new().unwrap();
    let workload = |name: &str| {
        let text = format!(
            "name = \"{name}\"\nwhy = \"a test\"\npattern = {{ kind = \"chain\", steps = 3 }}\n\
             kernel = {{ kind = \"empty\" }}\n"
        );
        fs::write(folder.path().join("own").join(format!("{name}.toml")), text).unwrap();
    };
    fs::create_dir(folder.path().join("own")).unwrap();
    workload("own-stays");
    workload("own-goes");
    let run = |filter: &str, more: &[&str]| {
        let mut run = program(scripted());
        run.args(["run", filter, "--runs", "9", "--workloads", "own"]);
        run.args(["--workers", "2", "--out", "out", "--backends", "serial"]);
        run.args(more).current_dir(folder.path()).output().unwrap()
    };
    run("own-", &["--save-baseline", "both"]);
    let partly = run("own-stays", &["--baseline", "both"]);
    assert_says(
        &partly,
        0,
        &["not part of this run: 1 of 2 cases of the baseline `both`"],
    );
    fs::remove_file(folder.path().join("own/own-goes.toml")).unwrap();
    let vanished = run("own-stays", &["--baseline", "both", "--quiet"]);
    assert_says(&vanished, 1, &["own-goes/serial/1"]);
}

#[test]
fn baselines_are_saved_listed_compared_with_and_removed() {
    let scripted = Scripted::new();
    scripted.file("main.jsonl", "aaa", &STEADY);
    scripted.file("old.jsonl", "000", &times(1.1));
    scripted.file("head.jsonl", "bbb", &[1.1]);
    let class = "reports/baselines/example-cpu-2-cores";

    let missing = scripted.run(&["compare", "--baseline", "main", "head.jsonl"]);
    assert_says(
        &missing,
        5,
        &["no baseline `main`", "taskdyno baseline save main"],
    );
    let empty = scripted.run(&["baseline", "list"]);
    assert_says(&empty, 0, &["no baselines in reports/baselines"]);

    let saved = scripted.run(&["baseline", "save", "main", "main.jsonl"]);
    assert_says(&saved, 0, &[class, "5 sessions of 2 cases at aaa"]);
    scripted.run(&["baseline", "save", "v1.0", "old.jsonl"]);
    let listed = scripted.run(&["baseline", "list"]);
    assert_says(
        &listed,
        0,
        &["main", "v1.0", "example-cpu-2-cores", "5 sessions"],
    );
    let shown = scripted.run(&["baseline", "show", "main"]);
    assert_says(&shown, 0, &["serial/1: 5 sessions"]);

    let both = scripted.run(&["compare", "--baseline", "main,v1.0", "head.jsonl"]);
    assert_says(
        &both,
        3,
        &[
            "head.jsonl (bbb) against main",
            "2 regressed",
            "head.jsonl (bbb) against v1.0",
            "2 unchanged",
        ],
    );
    let near = scripted.run(&["compare", "--baseline", "mian", "head.jsonl"]);
    assert_says(&near, 5, &["did you mean `main`?"]);

    let mixed = scripted.run(&["baseline", "save", "main", "old.jsonl", "--add"]);
    assert_says(&mixed, 5, &["different commits"]);
    scripted.file("more.jsonl", "aaa", &[1.0002, 0.9998]);
    let added = scripted.run(&["baseline", "save", "main", "more.jsonl", "--add"]);
    assert_says(&added, 0, &["7 sessions of 2 cases"]);
    let bad_name = scripted.run(&["baseline", "save", "../main", "more.jsonl"]);
    assert_says(&bad_name, 2, &["letters, digits"]);

    let mut others = scripted.session("bbb", 1.1);
    for record in &mut others {
        record["host"]["core_count"] = 64.into();
    }
    scripted.write("other.jsonl", &others);
    let other = scripted.run(&["compare", "--baseline", "main", "other.jsonl"]);
    assert_says(
        &other,
        5,
        &[
            "was measured on example-cpu-2-cores",
            "example-cpu-64-cores",
        ],
    );

    scripted.run(&["baseline", "save", "main", "other.jsonl"]);
    let several = scripted.run(&["baseline", "remove", "main"]);
    assert_says(&several, 2, &["several classes", "--host-class"]);
    let removed = scripted.run(&[
        "baseline",
        "remove",
        "main",
        "--host-class",
        "example-cpu-2-cores",
    ]);
    assert_says(
        &removed,
        0,
        &["removed reports/baselines/example-cpu-2-cores/main.jsonl"],
    );
    assert!(
        !scripted
            .folder
            .path()
            .join(class)
            .join("main.jsonl")
            .exists()
    );
    assert_says(
        &scripted.run(&["baseline", "remove", "none"]),
        5,
        &["no baseline `none`"],
    );
}

#[test]
fn a_run_can_be_compared_with_several_baselines() {
    let folder = TempDir::new().unwrap();
    let run = |more: &[&str]| {
        let mut run = program(scripted());
        run.args(["run", "--exact", "--runs", "9", "--out", "out"]);
        run.args(more).current_dir(folder.path()).output().unwrap()
    };
    const SERIAL: &str = "empty/pattern=chain/serial/1";

    let missing = run(&[SERIAL, "--baseline", "main"]);
    assert_says(&missing, 5, &["no baseline `main`"]);
    assert!(
        !folder.path().join("out").exists(),
        "nothing must be measured"
    );

    // The run is compared before it is saved, so not with itself.
    assert_says(
        &run(&[SERIAL, "--save-baseline", "main"]),
        0,
        &["1 session of 1 case"],
    );
    let both = run(&[SERIAL, "--baseline", "main", "--save-baseline", "main"]);
    let few = "too few sessions: 1 of the base and 1 of the head";
    assert_says(
        &both,
        0,
        &["records.jsonl", "against main", few, "1 session of 1 case"],
    );

    let other = run(&[
        "empty/pattern=chain/rayon/2",
        "--workers",
        "2",
        "--baseline",
        "main",
    ]);
    let words = [
        "not part of this run: 1 of 1 case of the baseline `main`",
        "none of the selected cases",
    ];
    assert_says(&other, 5, &words);
}

#[test]
fn a_baseline_is_changed_by_one_process_at_a_time() {
    let scripted = Scripted::new();
    scripted.file("main.jsonl", "aaa", &[1.0]);
    scripted.file("more.jsonl", "aaa", &[1.001]);
    let save = ["baseline", "save", "main", "main.jsonl"];
    assert_says(&scripted.run(&save), 0, &["1 session"]);
    let folder = scripted.folder.path();
    let path = folder.join("reports/baselines/example-cpu-2-cores/main.jsonl");
    let before = fs::read(&path).unwrap();

    // Another process holds the lock.
    let lock = fs::File::create(path.with_extension("jsonl.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(path.with_extension("jsonl.lock"), "process 7 (`another`)\n").unwrap();
    let add = ["baseline", "save", "main", "more.jsonl", "--add"];
    let remove = ["baseline", "remove", "main"];
    for arguments in [&save[..], &add, &remove] {
        let words = [
            "main.jsonl",
            "process 7 (`another`)",
            "wait until the other process ends",
        ];
        assert_says(&scripted.run(arguments), 1, &words);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    drop(lock);
    assert_says(&scripted.run(&add), 0, &["2 sessions"]);
    assert_says(&scripted.run(&remove), 0, &["removed"]);
    let left = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(left.count(), 0);
}
