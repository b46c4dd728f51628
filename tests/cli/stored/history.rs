//! Histories of many sessions.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{STEADY, Scripted};
use crate::program::{assert_says, stdout};

#[test]
fn measuring_an_old_commit_again_is_not_a_change() {
    let scripted = Scripted::new();
    let folder = scripted.folder.path();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=n",
            "-c",
            "user.email=e",
            "-c",
            "commit.gpgsign=false",
        ]);
        let output = git.args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        stdout(&output).trim().to_owned()
    };
    git(&["init", "-q"]);
    let commit = |name: usize| {
        git(&["commit", "-q", "--allow-empty", "-m", &name.to_string()]);
        git(&["rev-parse", "HEAD"])
    };
    // The sixth commit is slower. The first five are measured again at the end.
    let hashes: Vec<String> = (0..10).map(commit).collect();
    let mut names = Vec::new();
    for day in 0..15_usize {
        let number = day % 10;
        let factor = STEADY[day % 5] * if number < 5 { 1.0 } else { 1.2 };
        let mut records = scripted.session(&hashes[number], factor + day as f64 * 1e-6);
        for record in &mut records {
            record["started_at"] = format!("2026-11-{:02}T12:00:00Z", day + 1).into();
        }
        names.push(format!("{day}.jsonl"));
        scripted.write(&names[day], &records);
    }
    let found = history_output(&scripted, &names, &[]);
    let at = format!(
        "+20.0% at {} (after {})",
        &hashes[5][..12],
        &hashes[4][..12]
    );
    assert_says(&found, 0, &["2 changes in 2 cases", &at]);
    assert!(found.stderr.is_empty(), "{found:?}");
    let by_time = history_output(&scripted, &names, &["--order", "time"]);
    assert_says(&by_time, 0, &["4 changes in 2 cases"]);
}

#[test]
fn a_history_that_is_given_twice_counts_once() {
    let (scripted, names) = history();
    let once = history_output(&scripted, &names, &["--format", "csv"]);
    let folder = scripted.folder.path();
    fs::create_dir(folder.join("copies")).unwrap();
    fs::copy(folder.join(&names[0]), folder.join("copies/records.jsonl")).unwrap();
    let given = [&names[..], &names[1..], &["copies".into()]].concat();
    let twice = history_output(&scripted, &given, &["--format", "csv"]);
    assert_says(&twice, 0, &["32 records repeat sessions"]);
    assert_eq!(stdout(&twice), stdout(&once));
}

/// A history of 16 commits, of which the ninth is a fifth slower, in files whose names sort differently.
fn history() -> (Scripted, Vec<String>) {
    let scripted = Scripted::new();
    let mut names = Vec::new();
    for number in 0..16_usize {
        let factor = STEADY[number % 5] * if number < 8 { 1.0 } else { 1.2 };
        let mut records = scripted.session(&format!("c{number:02}"), factor);
        for record in &mut records {
            record["started_at"] = format!("2026-11-{:02}T12:00:00Z", number + 1).into();
        }
        let name = format!("{}.jsonl", (number * 7) % 16);
        scripted.write(&name, &records);
        names.push(name);
    }
    names.sort();
    (scripted, names)
}

pub(crate) fn history_output(scripted: &Scripted, names: &[String], more: &[&str]) -> Output {
    let names = names.iter().map(String::as_str);
    let arguments: Vec<&str> = ["history"]
        .into_iter()
        .chain(names)
        .chain(more.iter().copied())
        .collect();
    scripted.run(&arguments)
}

#[test]
fn a_history_finds_the_commit_whatever_the_order_of_the_files() {
    let (scripted, names) = history();
    let table = history_output(&scripted, &names, &[]);
    assert_says(
        &table,
        0,
        &["at c08 (after c07)", "2 changes in 2 cases", "+20.0%"],
    );
    let found = history_output(&scripted, &names, &["--format", "json"]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["history_version"], 1);
    let change = &found["series"][0]["changes"][0];
    assert_eq!(
        (&change["index"], &change["commit"]["hash"]),
        (&json!(8), &json!("c08"))
    );
    assert_eq!(found["series"][0]["is_calibrated"], true);
    let rows = stdout(&history_output(&scripted, &names, &["--format", "csv"]));
    assert_eq!(rows.lines().count(), 33);
    let picture = history_output(
        &scripted,
        &names,
        &["--format", "svg", "--out", "history.svg"],
    );
    assert_says(&picture, 0, &[]);
    let svg = fs::read_to_string(scripted.folder.path().join("history.svg")).unwrap();
    assert!(roxmltree::Document::parse(&svg).is_ok());
}

#[test]
fn a_recent_slow_down_has_an_exit_code_if_it_is_asked_for() {
    let (scripted, names) = history();
    let said = |flags: &[&str], code, words: &[&str]| {
        assert_says(&history_output(&scripted, &names, flags), code, words);
    };
    said(&[], 0, &["2 changes in 2 cases"]);
    let words = "2 of 2 cases got slower within their last 8 sessions";
    said(&["--fail-within", "8"], 3, &[words]);
    said(&["--fail-within", "7"], 0, &["2 changes in 2 cases"]);
    let ignored = ["--fail-within", "8", "--threshold", "0.25"];
    said(&ignored, 0, &["0 changes in 2 cases"]);
    said(&["--min-sessions", "9"], 0, &["too few sessions"]);
    said(&["--min-sessions", "1"], 2, &["--min-sessions"]);
    said(&["--threshold", "-1"], 2, &["--threshold"]);
    said(&["--fail-within", "0"], 2, &["--fail-within"]);
}

#[test]
fn no_change_is_reported_only_if_one_could_have_been_found() {
    let scripted = Scripted::new();
    let factors = [1.0, 1.001, 0.999, 9.0, 9.001, 8.999];
    let mut names = Vec::new();
    for (number, factor) in factors.into_iter().enumerate() {
        let name = format!("{number}.jsonl");
        scripted.file(&name, &format!("c{number}"), &[factor]);
        names.push(name);
    }
    let given = ["--order", "given"];
    let short = history_output(&scripted, &names, &given);
    let words = [
        "too few sessions to find a change: at least 10 are needed at a significance of 1%",
        "0 changes in 2 cases (2 of them with too few sessions to find a change)",
    ];
    assert_says(&short, 0, &words);
    assert!(!stdout(&short).contains("no change"));
    let few = [&given[..], &["--permutations", "10"]].concat();
    let refused = history_output(&scripted, &names, &few);
    assert_says(
        &refused,
        2,
        &["10 random orders are too few", "--permutations 99"],
    );
    let loose = [
        &given[..],
        &["--significance", "0.2", "--permutations", "10"],
    ]
    .concat();
    let found = history_output(&scripted, &names, &loose);
    assert_says(&found, 0, &["2 changes in 2 cases", "p = 0.1\n"]);
}

#[test]
fn a_history_of_two_machines_is_refused() {
    let (scripted, mut names) = history();
    let mut records = scripted.session("c99", STEADY[0]);
    records[0]["host"]["processor"] = "Other CPU".into();
    for record in &mut records {
        record["started_at"] = "2026-11-01T00:00:00Z".into();
    }
    scripted.write("other.jsonl", &records);
    names.push("other.jsonl".into());
    let refused = history_output(&scripted, &names, &[]);
    assert_says(&refused, 5, &["different machines", "other.jsonl:1"]);
    // The last session by time is of the first machine.
    let same = history_output(&scripted, &names, &["--same-host"]);
    let words = [
        "1 of 34 records are from other classes of machines than example-cpu-2-cores",
        "at c08",
    ];
    assert_says(&same, 0, &words);
}
