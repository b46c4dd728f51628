//! The verdicts of gates whose times are known.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::{Bench, gate_program};
use crate::program::{assert_says, scripted};

#[test]
fn identical_builds_pass() {
    let bench = Bench::new();
    let output = bench.gate(&scripted(), &scripted()).output().unwrap();
    assert_says(
        &output,
        0,
        &["unchanged", "+0.00%", "the same, byte for byte"],
    );
    let comparison = bench.comparison();
    let case = &comparison["cases"][0];
    assert_eq!(case["wall"]["verdict"], "unchanged");
    assert_eq!(case["wall"]["ratio"], 1.0);
    assert_eq!(case["cpu"]["verdict"], "unchanged");
    assert_eq!(case["wall"]["pair_count"], 10);
    assert_eq!(comparison["control"]["wall"]["verdict"], "unchanged");
    assert_eq!(comparison["base"]["sha256"], comparison["head"]["sha256"]);
}

#[test]
fn a_slow_down_fails_with_its_own_code() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let output = bench.gate(&scripted(), &slow).output().unwrap();
    assert_says(&output, 3, &["regressed", "+20.0%", "+20.0% … +20.0%"]);
    let comparison = bench.comparison();
    let wall = &comparison["cases"][0]["wall"];
    assert!((wall["ratio"].as_f64().unwrap() - 1.2).abs() < 1e-9);
    assert_eq!(comparison["control"]["wall"]["verdict"], "unchanged");

    let output = bench.gate(&slow, &scripted()).output().unwrap();
    assert_says(&output, 0, &["improved", "−16.7%"]);
}

#[test]
fn a_gate_writes_the_formats_of_other_tools() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    for (format, word) in [
        ("json", "\"verdict\":\"regressed\""),
        ("markdown", "🔺 regressed"),
        ("junit", "<failure"),
        ("bmf", "\"empty/pattern=chain/serial/1\""),
        ("openmetrics", "# EOF"),
    ] {
        let mut gate = bench.gate(&scripted(), &slow);
        let output = gate.args(["--format", format]).output().unwrap();
        assert_says(&output, 3, &[word]);
    }
    let mut self_test = gate_program(&scripted());
    self_test.args(["gate", "--self-test", "--format", "junit"]);
    let output = self_test.output().unwrap();
    assert_says(&output, 2, &["a self-test is shown as a table or as JSON"]);
}

#[test]
fn a_change_below_the_threshold_is_ignored() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let output = bench
        .gate(&scripted(), &slow)
        .args(["--threshold", "0.25"])
        .output()
        .unwrap();
    assert_says(&output, 0, &["unchanged", "+20.0%"]);
}

#[test]
fn the_threshold_of_a_workload_overrides_the_command_line() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let workload = bench.path("guarded.toml");
    let text = "name = \"guarded\"\nwhy = \"a test\"\npattern = { kind = \"chain\", steps = 3 }\n\
                kernel = { kind = \"empty\" }\ngate = { threshold = 0.25 }\n";
    fs::write(&workload, text).unwrap();
    let output = gate_program(&scripted())
        .args(["gate", "guarded/serial", "--pairs", "10"])
        .args(["--threshold", "0.01", "--workloads"])
        .arg(&workload)
        .arg("--out")
        .arg(bench.path("out"))
        .arg("--base")
        .arg(scripted())
        .arg("--head")
        .arg(&slow)
        .output()
        .unwrap();
    assert_says(&output, 0, &["unchanged", "+20.0%"]);
}

#[test]
fn noise_is_inconclusive_after_the_planned_pairs() {
    let bench = Bench::new();
    let counter = bench.path("counter");
    fs::write(&counter, "").unwrap();
    let noisy = format!("export SCRIPTED_ALTERNATE='{}'", counter.display());
    let noisy = bench.build("noisy", &noisy);
    let gate = |more: &[&str]| {
        let mut gate = bench.bare_gate(&scripted(), &noisy);
        gate.args(["--pairs", "20"]).args(more).output().unwrap()
    };
    assert_says(&gate(&[]), 0, &["inconclusive", "the planned 20 pairs"]);
    let wall = &bench.comparison()["cases"][0]["wall"];
    // Every other pair shows a factor of two, and the others no change, so no verdict has a majority.
    assert_eq!(wall["pair_count"], 20);
    assert_eq!(wall["more_pair_count"], Value::Null);
    assert_says(&gate(&["--fail-on-inconclusive"]), 4, &["inconclusive"]);
}

#[test]
fn a_crash_on_one_side_is_an_error_and_not_a_regression() {
    let bench = Bench::new();
    let broken = bench.build("broken", "export SCRIPTED_MISHAP=abort");
    let output = bench.gate(&scripted(), &broken).output().unwrap();
    assert_says(&output, 1, &["failed", "killed on the head side"]);
    let case = &bench.comparison()["cases"][0];
    assert_eq!(case["wall"], Value::Null);
    assert_eq!(case["error"]["side"], "head");
}

#[test]
fn different_work_is_not_compared() {
    let bench = Bench::new();
    let other = bench.build("other", "export SCRIPTED_MISHAP=digest");
    let output = bench.gate(&scripted(), &other).output().unwrap();
    let words = [
        "work-differs",
        "the two sides do different work",
        "cafef00d",
    ];
    assert_says(&output, 1, &words);
}

#[test]
fn a_case_that_one_side_lacks_is_named() {
    let bench = Bench::new();
    // Always lists the cases of one backend only.
    let lines = "if [ \"$1\" = cases ]; then shift; set -- cases --backends static \"$@\"; fi";
    let poor = bench.build("poor", lines);
    let named = "empty/pattern=chain/serial/1 – – – only the base has it";
    let output = bench.gate(&scripted(), &poor).output().unwrap();
    assert_says(&output, 1, &[named]);
    let missing = &bench.comparison()["missing"][0];
    assert_eq!(missing["side"], "head");
    let mut quiet = bench.gate(&scripted(), &poor);
    let output = quiet.arg("--quiet").output().unwrap();
    assert_says(
        &output,
        1,
        &["are missing in", "empty/pattern=chain/serial/1"],
    );

    let output = bench.gate(&poor, &scripted()).output().unwrap();
    assert_says(&output, 0, &["new", "only the head has it"]);
}

#[test]
fn a_gate_ends_with_the_pair_that_decides_its_cases() {
    let bench = Bench::new();
    let gate = |base: &Path, head: &Path| {
        let mut gate = bench.bare_gate(base, head);
        gate.args(["--seed", "5"]).output().unwrap()
    };
    assert_says(
        &gate(&scripted(), &scripted()),
        0,
        &["unchanged", "judged after every pair"],
    );
    // Eleven pairs on one side decide at 1%: the header, eleven pairs of the case and eleven of the control.
    assert_eq!(bench.pairs().lines().count(), 23);
    let comparison = bench.comparison();
    assert_eq!(comparison["cases"][0]["wall"]["pair_count"], 11);
    assert_eq!(comparison["control"]["wall"]["verdict"], "unchanged");
    assert_eq!(comparison["course"]["is_out_of_time"], false);
    assert_eq!(comparison["course"]["max_time_ns"], 20_000_000_000_u64);
    // No number of pairs would decide the control, because its base alternates between fast and slow.
    let coin = bench.path("coin");
    fs::write(&coin, "").unwrap();
    let base = bench.build(
        "base",
        &format!("export SCRIPTED_ALTERNATE={}", coin.display()),
    );
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=1000");
    let words = [
        "empty/pattern=chain/serial/1: regressed, × ",
        "after 11 pairs",
        "came out as inconclusive",
    ];
    assert_says(&gate(&base, &slow), 3, &words);
    assert_eq!(bench.pairs().lines().count(), 23);
}

#[test]
fn each_of_several_cases_gets_only_the_pairs_that_it_needs() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let mut gate = gate_program(&scripted());
    gate.args(["gate", "empty/pattern=chain", "--workers", "1"])
        .args(["--backends", "serial,rayon,tokio", "--out"])
        .arg(bench.path("out"))
        .arg("--base")
        .arg(scripted())
        .arg("--head")
        .arg(&slow);
    assert_says(&gate.output().unwrap(), 3, &["3 regressed"]);
    let comparison = bench.comparison();
    let cases = comparison["cases"].as_array().unwrap();
    let found =
        |field: &str| -> Vec<&Value> { cases.iter().map(|case| &case["wall"][field]).collect() };
    // Twelve pairs on one side reach a third of the level, and also half of it; eleven reach the whole.
    let mut counts: Vec<u64> = found("pair_count")
        .into_iter()
        .map(|count| count.as_u64().unwrap())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [11, 12, 12]);
    let mut levels: Vec<f64> = found("alpha")
        .into_iter()
        .map(|level| level.as_f64().unwrap())
        .collect();
    levels.sort_by(f64::total_cmp);
    for (level, expected) in levels.iter().zip([0.01 / 3.0, 0.005, 0.01]) {
        assert!((level - expected).abs() < 1e-12, "{levels:?}");
    }
}

#[test]
fn a_closed_pipe_does_not_change_the_verdict() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let mut gate = bench.gate(&scripted(), &slow);
    gate.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = gate.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}
