//! Comparisons of stored records, and what is exported of them.

use std::fs;

use serde_json::{Value, json};

use super::history::history_output;
use super::{STEADY, Scripted, times};
use crate::program::{assert_says, stdout, taskdyno};

#[test]
fn a_planted_slow_down_ends_with_3_and_equal_records_end_with_0() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    scripted.file("slow.jsonl", "bbb", &times(1.2));
    scripted.file("same.jsonl", "bbb", &STEADY);
    let slow = scripted.run(&["compare", "base.jsonl", "slow.jsonl"]);
    assert_says(&slow, 3, &["2 regressed", "regressed", "+20.0%"]);
    let same = scripted.run(&[
        "compare",
        "base.jsonl",
        "same.jsonl",
        "--fail-on-inconclusive",
    ]);
    assert_says(&same, 0, &["2 unchanged"]);
    let fast = scripted.run(&["compare", "slow.jsonl", "same.jsonl"]);
    assert_says(&fast, 0, &["2 improved", "−16.7%"]);
}

#[test]
fn undecided_cases_are_inconclusive_and_fail_only_on_request() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &[1.0]);
    scripted.file("head.jsonl", "bbb", &[1.2]);
    let arguments = ["compare", "base.jsonl", "head.jsonl"];
    let words = [
        "2 inconclusive",
        "too few sessions: 1 of the base and 1 of the head",
    ];
    assert_says(&scripted.run(&arguments), 0, &words);
    let strict = [&arguments[..], &["--fail-on-inconclusive"]].concat();
    assert_says(&scripted.run(&strict), 4, &words);
    scripted.file("noisy.jsonl", "aaa", &[1.0, 1.1, 0.9, 1.2, 0.8, 1.05]);
    let noisy = scripted.run(&["compare", "noisy.jsonl", "head.jsonl"]);
    assert_says(&noisy, 0, &["2 inconclusive", "more than 2%"]);
}

#[test]
fn another_machine_plan_digest_or_version_ends_with_5() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let changed = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let mut records = scripted.session("bbb", 1.0);
        records.iter_mut().for_each(change);
        scripted.write("head.jsonl", &records);
        let arguments = ["compare", "base.jsonl", "head.jsonl"];
        let refused = scripted.run(&arguments);
        assert_says(&refused, 5, words);
        refused
    };
    let refused = changed(
        &|record| record["host"]["core_count"] = 64.into(),
        &[
            "base.jsonl:1 and head.jsonl:1 were measured on different machines",
            "--advisory",
        ],
    );
    assert_eq!(stdout(&refused), "");
    let advisory = scripted.run(&["compare", "base.jsonl", "head.jsonl", "--advisory"]);
    assert_says(
        &advisory,
        0,
        &["The verdicts are advisory: base.jsonl:1 and", "+0."],
    );
    changed(
        &|record| record["digest"] = "00000000deadbeee".into(),
        &["differ in digest"],
    );
    changed(
        &|record| record["plan"]["warmup_ns"] = 5.into(),
        &["differ in plan"],
    );
    changed(
        &|record| record["schema_version"] = 99.into(),
        &["head.jsonl:1 has schema_version 99"],
    );
}

#[test]
fn one_sentence_covers_a_thousand_records_with_another_plan() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let many: Vec<f64> = (0..500)
        .map(|number| 1.0 + f64::from(number) * 1e-4)
        .collect();
    let mut head: Vec<Value> = many
        .iter()
        .flat_map(|factor| scripted.session("bbb", *factor))
        .collect();
    for record in &mut head {
        record["plan"]["warmup_ns"] = 5.into();
    }
    scripted.write("head.jsonl", &head);
    let compare = ["compare", "base.jsonl", "head.jsonl"];
    let refused = scripted.run(&compare);
    assert_says(&refused, 5, &["1000 records differ in plan", "and 998"]);
    assert!(refused.stderr.len() < 2000, "{}", refused.stderr.len());
    let markdown = [&compare[..], &["--advisory", "--format", "markdown"]].concat();
    let advisory = scripted.run(&markdown);
    assert_says(&advisory, 0, &["1000 records differ in plan"]);
    assert!(advisory.stdout.len() < 4000, "{}", advisory.stdout.len());
}

#[test]
fn broken_record_files_name_the_file_and_the_line() {
    let scripted = Scripted::new();
    let base = scripted.file("base.jsonl", "aaa", &STEADY);
    let text = fs::read_to_string(&base).unwrap();
    let half = &text[..text.len() - 50];
    let mut timeless = scripted.session("bbb", 1.0);
    timeless[1]["samples"][3]["wall_ns"] = 0.into();
    let timeless: String = timeless
        .iter()
        .map(|record| format!("{record}\n"))
        .collect();
    let mut torn: Vec<&str> = text.lines().collect();
    torn[2] = "{oops}";
    for (content, words) in [
        ("", "head.jsonl has no records"),
        (half, "head.jsonl:10 is incomplete"),
        (torn.join("\n").as_str(), "head.jsonl:3 is not a record"),
        ("{\"schema_version\":1}\n", "missing field `case`"),
        (
            &timeless,
            "head.jsonl:2: sample 3, counted from 0, has wall_ns 0",
        ),
    ] {
        fs::write(scripted.folder.path().join("head.jsonl"), content).unwrap();
        for arguments in [
            &["compare", "base.jsonl", "head.jsonl"][..],
            &["history", "base.jsonl", "head.jsonl"],
            &["baseline", "save", "main", "head.jsonl"],
            &["export", "head.jsonl", "--format", "csv"],
        ] {
            assert_says(&scripted.run(arguments), 2, &[words]);
        }
    }
    let missing = scripted.run(&["compare", "base.jsonl", "none.jsonl"]);
    assert_says(&missing, 2, &["cannot read none.jsonl"]);
    let alone = scripted.run(&["compare", "base.jsonl"]);
    assert_says(
        &alone,
        2,
        &["nothing to compare base.jsonl with", "--baseline"],
    );
}

#[test]
fn a_case_of_one_side_is_named_and_ends_with_1() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let only: Vec<Value> = scripted.session("bbb", 1.0)[..1].to_vec();
    scripted.write("head.jsonl", &only);
    let output = scripted.run(&["compare", "base.jsonl", "head.jsonl"]);
    assert_says(&output, 1, &["1 missing", "only the base has it"]);
    let fresh = scripted.run(&["compare", "head.jsonl", "base.jsonl"]);
    assert_says(&fresh, 0, &["1 new", "only the head has it"]);
}

#[test]
fn a_new_case_that_failed_is_a_failed_case() {
    let scripted = Scripted::new();
    let known = scripted.session("aaa", 1.0).remove(0);
    let mut new = scripted.session("bbb", 1.0);
    for record in &mut new {
        if record["case"] != known["case"] {
            record["error"] = json!({ "kind": "panic", "message": "out of cheese", "task": null });
            record["samples"] = json!([]);
        }
    }
    scripted.write("base.jsonl", &[known]);
    scripted.write("head.jsonl", &new);
    let output = scripted.run(&["compare", "base.jsonl", "head.jsonl"]);
    let words = ["1 failed", "only the head has it; panic: out of cheese"];
    assert_says(&output, 1, &words);
}

#[test]
fn a_changed_working_tree_shows_in_every_output() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let mut head: Vec<Value> = times(1.2)
        .iter()
        .flat_map(|factor| scripted.session("bbb", *factor))
        .collect();
    for record in &mut head {
        record["commit"]["dirty"] = true.into();
    }
    scripted.write("head.jsonl", &head);
    for format in ["table", "markdown", "junit", "csv", "openmetrics"] {
        let output = scripted.run(&["compare", "base.jsonl", "head.jsonl", "--format", format]);
        assert_says(&output, 3, &["bbb (dirty)"]);
    }
    let saved = scripted.run(&["baseline", "save", "main", "head.jsonl"]);
    assert_says(&saved, 0, &["at bbb (dirty)"]);
    let both = ["base.jsonl".to_owned(), "head.jsonl".to_owned()];
    let loose = ["--order", "given", "--significance", "0.05"];
    for (format, words) in [
        ("table", "at bbb (dirty)"),
        ("markdown", "bbb (dirty)"),
        ("csv", ",true"),
        ("svg", "bbb (dirty)"),
    ] {
        let output = history_output(
            &scripted,
            &both,
            &[&loose[..], &["--format", format]].concat(),
        );
        assert_says(&output, 0, &[words]);
    }
    let once = scripted.session("bbb", 1.0);
    let mut once: Vec<Value> = once;
    for record in &mut once {
        record["commit"]["dirty"] = true.into();
    }
    scripted.write("once.jsonl", &once);
    let records = scripted.run(&["export", "once.jsonl", "--format", "csv"]);
    assert_says(&records, 0, &[",dirty,invocation\r\n", ",true,0\r\n"]);
    let metrics = scripted.run(&["export", "once.jsonl", "--format", "openmetrics"]);
    assert_says(&metrics, 0, &["commit=\"bbb (dirty)\""]);
}

#[test]
fn advisory_figures_are_not_verdicts() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let mut head: Vec<Value> = Vec::new();
    for factor in times(1.2) {
        head.extend(scripted.session("bbb", factor));
    }
    for record in &mut head {
        record["host"]["core_count"] = 64.into();
    }
    scripted.write("head.jsonl", &head);
    let compare = ["compare", "base.jsonl", "head.jsonl", "--advisory"];
    let shown = scripted.run(&compare);
    assert_says(
        &shown,
        0,
        &["+20.0%", "without a verdict", "2 inconclusive"],
    );
    assert!(!stdout(&shown).contains("regressed"));
    let junit = scripted.run(&[&compare[..], &["--format", "junit"]].concat());
    assert_says(&junit, 0, &["failures=\"0\"", "skipped=\"2\""]);
}

#[test]
fn a_copy_of_a_session_does_not_count() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    scripted.file("head.jsonl", "bbb", &[1.1]);
    let copied = ["compare", "base.jsonl", "head.jsonl", "head.jsonl"];
    let words = [
        "head.jsonl:1 (first in head.jsonl:1)",
        "2 regressed",
        "each session counts once",
    ];
    assert_says(&scripted.run(&copied), 3, &words);
    scripted.run(&["baseline", "save", "main", "base.jsonl"]);
    let again = ["baseline", "save", "main", "base.jsonl", "--add"];
    let added = scripted.run(&again);
    assert_says(&added, 0, &["5 sessions of 2 cases", "10 records"]);
    assert_eq!(scripted.run(&again).stdout, added.stdout);

    // Comparing a session only with itself is refused. With others, it counts on one side only.
    let itself = ["compare", "base.jsonl", "base.jsonl"];
    assert_says(&scripted.run(&itself), 5, &["10 records repeat sessions"]);
    let own = scripted.session("aaa", STEADY[2]);
    scripted.write("own.jsonl", &own);
    let own = scripted.run(&["compare", "--baseline", "main", "own.jsonl"]);
    assert_says(
        &own,
        0,
        &["4 of the base and 1 of the head", "count for the head only"],
    );
}

#[test]
fn a_comparison_can_be_stored_and_exported_later() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    scripted.file("head.jsonl", "bbb", &times(1.2));
    let kept = scripted.run(&[
        "compare",
        "base.jsonl",
        "head.jsonl",
        "--format",
        "json",
        "--out",
        "c.json",
    ]);
    // The table still goes to standard output.
    assert_says(&kept, 3, &["2 regressed"]);
    for format in [
        "markdown",
        "junit",
        "bmf",
        "github-action-benchmark",
        "openmetrics",
        "csv",
    ] {
        let later = scripted.run(&["export", "c.json", "--format", format]);
        assert_says(&later, 0, &[]);
        let at_once = scripted.run(&["compare", "base.jsonl", "head.jsonl", "--format", format]);
        assert_eq!(stdout(&later), stdout(&at_once), "{format}");
        assert!(stdout(&later).contains("rayon/2"), "{format}");
    }
    let path = scripted.folder.path().join("c.json");
    let newer = fs::read_to_string(&path)
        .unwrap()
        .replace("\"comparison_version\":1", "\"comparison_version\":9");
    fs::write(&path, newer).unwrap();
    let refused = scripted.run(&["export", "c.json", "--format", "csv"]);
    assert_says(&refused, 2, &["c.json has comparison_version 9"]);
    let verdicts = scripted.run(&["export", "records.jsonl", "--format", "junit"]);
    assert_says(
        &verdicts,
        2,
        &["junit needs verdicts", "records.jsonl contains records"],
    );
}

#[test]
fn a_job_of_github_gets_a_summary() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let summary = scripted.folder.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    scripted.file("same.jsonl", "bbb", &STEADY);
    let output = taskdyno()
        .args(["compare", "base.jsonl", "same.jsonl"])
        .current_dir(scripted.folder.path())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    assert_says(&output, 0, &["2 unchanged"]);
    let text = fs::read_to_string(&summary).unwrap();
    assert!(
        text.starts_with("before\n### taskdyno: 2 unchanged\n"),
        "{text}"
    );
}
