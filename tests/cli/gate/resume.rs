//! Gates that are interrupted, and go on with the pairs they have.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Bench, begun};
use crate::program::{assert_says, scripted};

#[test]
fn an_interrupted_gate_resumes_with_its_pairs() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    bench.gate(&scripted(), &slow).output().unwrap();
    let whole = bench.pairs();
    // The header, ten pairs of the case and ten of the control.
    assert_eq!(whole.lines().count(), 21);
    // Killed in the middle of writing the eighth pair.
    let kept: String = whole.split_inclusive('\n').take(8).collect();
    let path = bench.path("out/gate-pairs.jsonl");
    fs::write(&path, format!("{kept}{{\"pair\":{{\"case\"")).unwrap();

    let resume = |seed: &str, head: &Path| {
        let mut gate = bench.bare_gate(&scripted(), head);
        gate.args(["--pairs", "10", "--resume"]);
        gate.args(["--seed", seed]).output().unwrap()
    };
    assert_says(
        &resume("6", &slow),
        2,
        &[
            "another gate",
            "its plan changed: `seed` was 5 and is now 6",
        ],
    );
    let other = bench.build("other", "export SCRIPTED_PER_CENT=121");
    assert_says(&resume("5", &other), 2, &["the head binary changed"]);
    let words = [
        "gate-pairs.jsonl:9 was incomplete and is removed",
        "measured before: 7 pairs",
    ];
    assert_says(&resume("5", &slow), 3, &words);
    let now = bench.pairs();
    assert!(now.starts_with(&kept));
    assert_eq!(now.lines().count(), 21);
    // The same pairs, drawn from the same seed.
    let orders = |text: &str| -> Vec<Value> {
        let lines = text.lines().skip(1);
        let pairs = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        pairs
            .map(|pair| serde_json::json!([pair["pair"]["index"], pair["pair"]["first"]]))
            .collect()
    };
    assert_eq!(orders(&now), orders(&whole));
}

#[test]
fn a_gate_that_looks_after_every_pair_goes_on_where_it_ended() {
    let bench = Bench::new();
    let gate = |more: &[&str]| {
        let mut gate = bench.bare_gate(&scripted(), &scripted());
        gate.args(["--seed", "5"]).args(more).output().unwrap()
    };
    gate(&[]);
    let whole = bench.pairs();
    let path = bench.path("out/gate-pairs.jsonl");
    let kept: String = whole.split_inclusive('\n').take(8).collect();
    fs::write(&path, &kept).unwrap();
    // The seven pairs that it has do not decide.
    let words = [
        "inconclusive",
        "ended the gate before every case was decided",
        "`--resume`",
    ];
    assert_says(&gate(&["--resume", "--max-time", "0"]), 0, &words);
    assert_eq!(bench.pairs(), kept);
    let wall = &bench.comparison()["cases"][0]["wall"];
    assert_eq!(
        (&wall["pair_count"], &wall["more_pair_count"]),
        (&Value::from(3), &Value::from(8))
    );
    assert_says(
        &gate(&["--resume"]),
        0,
        &["measured before: 7 pairs", "unchanged"],
    );
    let now = bench.pairs();
    assert!(now.starts_with(&kept));
    assert_eq!(now.lines().count(), whole.lines().count());
}

#[test]
fn a_gate_of_planned_pairs_that_was_judged_early_gets_no_further_look() {
    let bench = Bench::new();
    let gate = |more: &[&str]| {
        let mut gate = bench.gate(&scripted(), &scripted());
        gate.args(more).output().unwrap()
    };
    assert_says(&gate(&["--max-time", "0"]), 0, &["inconclusive"]);
    let before = bench.pairs();
    let words = [
        "judged when its time was up",
        "leave out --resume",
        "inconclusive",
    ];
    assert_says(&gate(&["--resume"]), 0, &words);
    assert_eq!(bench.pairs(), before);
    assert_says(&gate(&[]), 0, &["unchanged"]);
    // All pairs exist, so no more time is needed.
    assert_says(&gate(&["--resume", "--max-time", "0"]), 0, &["unchanged"]);
}

#[test]
fn a_file_of_pairs_that_is_damaged_is_refused_with_its_place() {
    let bench = Bench::new();
    bench.gate(&scripted(), &scripted()).output().unwrap();
    let path = bench.path("out/gate-pairs.jsonl");
    let whole = bench.pairs();
    let resume = || {
        let mut gate = bench.gate(&scripted(), &scripted());
        gate.arg("--resume").output().unwrap()
    };
    let mut lines: Vec<&str> = whole.lines().collect();
    lines[3] = "{\"pair\":{}}";
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    assert_says(
        &resume(),
        2,
        &["gate-pairs.jsonl:4", "missing field", "--resume"],
    );
    // The only line of a file is never removed.
    let header = whole.lines().next().unwrap();
    fs::write(&path, &header[..header.len() / 2]).unwrap();
    assert_says(&resume(), 2, &["gate-pairs.jsonl:1", "leave out --resume"]);
    assert_eq!(bench.pairs().len(), header.len() / 2);
    fs::write(&path, lines[1..].join("\n") + "\n").unwrap();
    assert_says(
        &resume(),
        2,
        &["gate-pairs.jsonl:1", "expected the header of a gate"],
    );
    fs::write(
        &path,
        whole.replacen("\"pairs_version\":2", "\"pairs_version\":9", 1),
    )
    .unwrap();
    assert_says(&resume(), 2, &["gate-pairs.jsonl:1", "its version is 9"]);
}

#[test]
fn a_signal_leaves_whole_pairs_behind_and_no_comparison_of_an_earlier_gate() {
    let bench = Bench::new();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        bench.gate(&scripted(), &scripted()).output().unwrap();
        let before = fs::read_to_string(bench.path("out/gate.json")).unwrap();
        fs::remove_file(bench.path("out/gate-pairs.jsonl")).unwrap();
        let gate = begun(&bench);
        kill_process(Pid::from_child(&gate), signal).unwrap();
        let output = gate.wait_with_output().unwrap();
        assert_says(&output, code, &[" saved in ", "continue with --resume"]);
        let text = bench.pairs();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
        assert!(!bench.path("out/gate.json").exists());
        let previous = fs::read_to_string(bench.path("out/gate.previous.json")).unwrap();
        assert_eq!(previous, before);
    }
}

#[test]
fn a_folder_has_one_gate_at_a_time() {
    let bench = Bench::new();
    let mut first = begun(&bench);
    let holder = format!("process {} (", first.id());
    for more in [None, Some("--resume")] {
        let mut second = bench.bare_gate(&scripted(), &scripted());
        second.args(["--pairs", "1000"]).args(more);
        assert_says(&second.output().unwrap(), 2, &[&holder, "--out DIR"]);
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let output = bench.gate(&scripted(), &scripted()).output().unwrap();
    assert_says(&output, 0, &["unchanged"]);
}

#[test]
fn ctrl_c_ends_a_gate_that_waits_before_its_first_pair() {
    let bench = Bench::new();
    let started = bench.path("started");
    let lines = format!(
        "[ \"$1\" = cases ] && {{ : > '{}'; exec tail -f /dev/null; }}",
        started.display()
    );
    let silent = bench.build("silent", &lines);
    let mut gate = bench.gate(&silent, &scripted()).spawn().unwrap();
    while !started.exists() {
        assert!(gate.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&gate), Signal::INT).unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(130));
}
