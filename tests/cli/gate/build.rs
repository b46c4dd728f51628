//! Builds that cannot be gated: no programs, silent ones, and ones that never stop.

use std::fs;

use super::{Bench, gate_program};
use crate::program::{assert_says, scripted};

#[test]
fn names_that_are_not_builds_are_refused_with_advice() {
    let bench = Bench::new();
    let none = bench.path("none");
    bench.gate(&scripted(), &scripted()).output().unwrap();
    let before = bench.comparison();
    let output = bench.gate(&none, &scripted()).output().unwrap();
    assert_says(&output, 5, &["neither a file nor a revision"]);
    let output = bench.gate(&scripted(), &none).output().unwrap();
    assert_says(&output, 2, &["neither a file nor a revision"]);
    // Nothing was measured, so the verdict of the previous gate is still the last one.
    assert_eq!(bench.comparison(), before);

    fs::write(&none, "").unwrap();
    let output = bench.gate(&none, &scripted()).output().unwrap();
    assert_says(&output, 5, &["is not executable", "chmod +x"]);

    let stranger = bench.build("stranger", "echo no such command >&2; exit 9");
    let output = bench.gate(&stranger, &scripted()).output().unwrap();
    assert_says(&output, 5, &["cannot list the cases of", "no such command"]);
}

#[test]
fn a_plan_that_cannot_decide_anything_is_refused() {
    let bench = Bench::new();
    let output = bench
        .bare_gate(&scripted(), &scripted())
        .args(["--pairs", "7"])
        .output()
        .unwrap();
    assert_says(
        &output,
        2,
        &["7 pairs are too few for a verdict", "use --pairs 8"],
    );
}

#[test]
fn a_build_that_does_not_list_its_cases_is_given_up() {
    let bench = Bench::new();
    for (name, answer, words) in [
        (
            "silent",
            "exec tail -f /dev/null",
            "did not end within 0.2 s and was killed",
        ),
        ("endless", "exec yes", "wrote more than 67108864 bytes"),
        (
            "strange",
            "echo hello; exit",
            "expected value at line 1 column 1 in \"hello\"",
        ),
    ] {
        let build = bench.build(name, &format!("[ \"$1\" = cases ] && {{ {answer}; }}"));
        let timeout = if name == "silent" { "0.2" } else { "60" };
        let mut gate = bench.gate(&build, &scripted());
        let output = gate.args(["--timeout", timeout]).output().unwrap();
        assert_says(&output, 5, &["cannot list the cases of", words]);
    }
}

#[test]
fn a_child_that_writes_without_end_is_given_up() {
    let bench = Bench::new();
    for (name, lines, words) in [
        (
            "endless-line",
            "[ \"$1\" = child ] && exec cat /dev/zero",
            "(the line does not end)",
        ),
        (
            "endless-samples",
            "export SCRIPTED_MISHAP=flood",
            "protocol on the head side: more samples than the 1000000 that were requested",
        ),
    ] {
        let build = bench.build(name, lines);
        let mut gate = bench.gate(&scripted(), &build);
        // A busy machine may need more than the usual minute to read a million samples.
        let output = gate.args(["--timeout", "600"]).output().unwrap();
        assert_says(&output, 1, &[words]);
    }
}

#[test]
fn a_child_that_closes_its_output_and_stays_is_given_up() {
    let bench = Bench::new();
    let lines = "[ \"$1\" = child ] && exec tail -f /dev/null > /dev/null";
    let silent = bench.build("silent", lines);
    let workload = bench.path("hasty.toml");
    let text = "name = \"hasty\"\nwhy = \"a test\"\npattern = { kind = \"chain\", steps = 3 }\n\
                kernel = { kind = \"empty\" }\ntimeout = 0.2\n";
    fs::write(&workload, text).unwrap();
    let output = gate_program(&scripted())
        .args(["gate", "hasty/serial", "--pairs", "8"])
        .arg("--workloads")
        .arg(&workload)
        .arg("--out")
        .arg(bench.path("out"))
        .arg("--base")
        .arg(&silent)
        .arg("--head")
        .arg(&silent)
        .output()
        .unwrap();
    assert_says(
        &output,
        1,
        &["the case did not end within 0.2 s and was killed"],
    );
}
