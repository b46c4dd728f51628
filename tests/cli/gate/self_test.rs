//! `gate --self-test`: finds what it plants, and nothing else.

use std::fs;

use serde_json::Value;

use super::{Bench, gate_program};
use crate::program::{assert_says, scripted};

#[test]
fn a_self_test_finds_only_planted_slow_downs() {
    let bench = Bench::new();
    let output = gate_program(&scripted())
        .args(["gate", "--self-test", "empty/pattern=chain/serial/1"])
        .args(["--pairs", "10", "--verdicts", "2"])
        .args(["--planted", "0,0.05", "--seed", "1", "--out"])
        .arg(bench.path("out"))
        .output()
        .unwrap();
    // Exact intervals of 0 and 2 out of 2, at 95%: 1 - 0.025^(1/2) is 0.842.
    let words = [
        "nothing 2",
        "0 of 2 (0.0 – 84.2%)",
        "+5.0% 2",
        "2 of 2 (15.8 – 100.0%)",
    ];
    assert_says(&output, 0, &words);
    let text = fs::read_to_string(bench.path("out/gate-self-test.json")).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    for verdict in result["verdicts"].as_array().unwrap() {
        let planted = verdict["planted_ratio"] != 0.0;
        let expected = if planted { "regressed" } else { "unchanged" };
        assert_eq!(verdict["verdict"], expected);
    }
}

#[test]
fn a_killed_self_test_keeps_its_verdicts() {
    let bench = Bench::new();
    let mut test = gate_program(&scripted())
        .args(["gate", "--self-test", "empty/pattern=chain/serial/1"])
        .args(["--pairs", "10", "--verdicts", "10000"])
        .args(["--quiet", "--out"])
        .arg(bench.path("out"))
        .spawn()
        .unwrap();
    let path = bench.path("out/gate-self-test.json");
    while !path.exists() {
        assert!(test.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    test.kill().unwrap();
    test.wait().unwrap();
    let result: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(!result["verdicts"].as_array().unwrap().is_empty());
}

#[test]
fn the_default_cases_of_a_self_test_exist() {
    let bench = Bench::new();
    let output = gate_program(&scripted())
        .args(["gate", "--self-test", "--pairs", "8"])
        .args(["--verdicts", "1", "--planted", "0", "--out"])
        .arg(bench.path("out"))
        .output()
        .unwrap();
    assert_says(&output, 0, &["all nothing 4"]);
}
