//! The whole gate with times from a script, to exact verdicts; and what becomes of it when things go wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The program that measures nothing.
fn scripted() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_taskdyno"))
        .with_file_name("examples")
        .join("scripted")
}

fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TASKDYNO_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
    // These verdicts are not those of the job that runs the tests.
    command.env_remove("GITHUB_STEP_SUMMARY");
    // Whether this machine is busy is nothing for these tests to hang on.
    command.env("TASKDYNO_PIN", "never");
    command
}

/// Two builds and a folder for what a gate of them writes.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A build that runs the script with these lines of shell in front.
    fn build(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.path(name);
        let program = scripted().display().to_string();
        fs::write(
            &path,
            format!("#!/bin/sh\n{lines}\nexec '{program}' \"$@\"\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A gate of these two on one case, with ten pairs and one look.
    fn gate(&self, base: &Path, head: &Path) -> Command {
        let mut command = self.bare_gate(base, head);
        command.args(["--seed", "5", "--pairs", "10", "--no-extension"]);
        command
    }

    /// A gate of these two on one case.
    fn bare_gate(&self, base: &Path, head: &Path) -> Command {
        let mut command = program(&scripted());
        command
            .args(["gate", "empty/pattern=chain/serial/1", "--out"])
            .arg(self.path("out"))
            .arg("--base")
            .arg(base)
            .arg("--head")
            .arg(head);
        command
    }

    fn comparison(&self) -> Value {
        let text = fs::read_to_string(self.path("out/gate.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn pairs(&self) -> String {
        fs::read_to_string(self.path("out/gate-pairs.jsonl")).unwrap()
    }
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Asserts that it ended with `code` and said each of `words`.
fn assert_says(output: &Output, code: i32, words: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    // A message can have several lines.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "{word:?} is not in:\n{said}");
    }
}

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
fn a_gate_speaks_the_formats_of_other_tools() {
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
    let mut self_test = program(&scripted());
    self_test.args(["gate", "--self-test", "--format", "junit"]);
    let output = self_test.output().unwrap();
    assert_says(&output, 2, &["a self-test is shown as a table or as JSON"]);
}

#[test]
fn a_change_below_the_threshold_is_none() {
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
fn the_threshold_of_a_workload_goes_before_that_of_the_command_line() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let workload = bench.path("guarded.toml");
    let text = "name = \"guarded\"\nwhy = \"a test\"\npattern = { kind = \"chain\", steps = 3 }\n\
                kernel = { kind = \"empty\" }\ngate = { threshold = 0.25 }\n";
    fs::write(&workload, text).unwrap();
    let output = program(&scripted())
        .args(["gate", "guarded/serial", "--pairs", "10", "--no-extension"])
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
fn hopeless_noise_is_inconclusive_after_its_extension() {
    let bench = Bench::new();
    let counter = bench.path("counter");
    fs::write(&counter, "").unwrap();
    let noisy = format!("export SCRIPTED_ALTERNATE='{}'", counter.display());
    let noisy = bench.build("noisy", &noisy);
    let gate = |more: &[&str]| {
        let mut gate = bench.bare_gate(&scripted(), &noisy);
        gate.args(["--pairs", "10"]).args(more).output().unwrap()
    };
    assert_says(&gate(&[]), 0, &["inconclusive"]);
    let wall = &bench.comparison()["cases"][0]["wall"];
    // Every other pair says twice as long, the others the same: half of them is no majority for anything.
    assert_eq!(wall["pair_count"], 20);
    assert_eq!(wall["more_pair_count"], Value::Null);
    assert_says(&gate(&["--fail-on-inconclusive"]), 4, &["inconclusive"]);
}

#[test]
fn a_crash_on_one_side_is_an_error_and_no_regression() {
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
    // Lists the cases of one backend, whatever it is asked.
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
fn an_interrupted_gate_goes_on_with_the_pairs_it_has() {
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
        gate.args(["--pairs", "10", "--no-extension", "--resume"]);
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
        "gate-pairs.jsonl:9 was cut off in the middle and is removed",
        "7 pairs are there already",
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
fn a_gate_that_was_judged_early_is_not_looked_at_again() {
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
    // All pairs are there, so that no time is needed.
    assert_says(&gate(&["--resume", "--max-time", "0"]), 0, &["unchanged"]);
}

#[test]
fn a_gate_ends_at_the_look_that_decides_its_cases() {
    let bench = Bench::new();
    let gate = |base: &Path, head: &Path| {
        let mut gate = bench.bare_gate(base, head);
        gate.args(["--seed", "5", "--pairs", "10"])
            .output()
            .unwrap()
    };
    assert_says(&gate(&scripted(), &scripted()), 0, &["unchanged"]);
    // The header, ten pairs of the case and ten of the control.
    assert_eq!(bench.pairs().lines().count(), 21);
    // Nothing would come of the control, which has a base that is now fast and now slow, with any number of pairs.
    let coin = bench.path("coin");
    fs::write(&coin, "").unwrap();
    let base = bench.build(
        "base",
        &format!("export SCRIPTED_ALTERNATE={}", coin.display()),
    );
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=1000");
    let output = gate(&base, &slow);
    assert_says(&output, 3, &["regressed", "came out as inconclusive"]);
    assert_eq!(bench.pairs().lines().count(), 21);
}

#[test]
fn a_reader_that_has_gone_does_not_change_the_verdict() {
    let bench = Bench::new();
    let slow = bench.build("slow", "export SCRIPTED_PER_CENT=120");
    let mut gate = bench.gate(&scripted(), &slow);
    gate.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = gate.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
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
    // What may be all there is of a gate is not cut off.
    let header = whole.lines().next().unwrap();
    fs::write(&path, &header[..header.len() / 2]).unwrap();
    assert_says(&resume(), 2, &["gate-pairs.jsonl:1", "leave out --resume"]);
    assert_eq!(bench.pairs().len(), header.len() / 2);
    fs::write(&path, lines[1..].join("\n") + "\n").unwrap();
    assert_says(
        &resume(),
        2,
        &["gate-pairs.jsonl:1", "expected the line of a gate"],
    );
    fs::write(
        &path,
        whole.replacen("\"pairs_version\":1", "\"pairs_version\":9", 1),
    )
    .unwrap();
    assert_says(&resume(), 2, &["gate-pairs.jsonl:1", "its version is 9"]);
}

/// Has the command heed a hang-up, even if the tests were started with `nohup`.
fn heed_hang_ups(command: &mut Command) {
    let heed = || {
        // SAFETY: to set the default action of a signal is allowed between fork and exec.
        match unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) } {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure does nothing but that call.
    unsafe { command.pre_exec(heed) };
}

/// A gate of many pairs, of which some are finished.
fn begun(bench: &Bench) -> Child {
    let mut gate = bench.bare_gate(&scripted(), &scripted());
    gate.args(["--pairs", "1000"]);
    heed_hang_ups(&mut gate);
    let mut gate = gate
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let path = bench.path("out/gate-pairs.jsonl");
    while fs::read_to_string(&path)
        .unwrap_or_default()
        .lines()
        .count()
        < 3
    {
        assert!(gate.try_wait().unwrap().is_none(), "it has ended too early");
        std::thread::yield_now();
    }
    gate
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
        assert_says(&output, code, &["pairs are safe", "go on with --resume"]);
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
fn builds_that_are_none_are_refused_with_advice() {
    let bench = Bench::new();
    let none = bench.path("none");
    bench.gate(&scripted(), &scripted()).output().unwrap();
    let before = bench.comparison();
    let output = bench.gate(&none, &scripted()).output().unwrap();
    assert_says(&output, 5, &["neither a file nor a revision"]);
    let output = bench.gate(&scripted(), &none).output().unwrap();
    assert_says(&output, 2, &["neither a file nor a revision"]);
    // Nothing was measured, so the verdict of the gate before is still the last one.
    assert_eq!(bench.comparison(), before);

    fs::write(&none, "").unwrap();
    let output = bench.gate(&none, &scripted()).output().unwrap();
    assert_says(&output, 5, &["cannot be run", "chmod +x"]);

    let stranger = bench.build("stranger", "echo no such command >&2; exit 9");
    let output = bench.gate(&stranger, &scripted()).output().unwrap();
    assert_says(
        &output,
        5,
        &["does not say which cases it has", "no such command"],
    );
}

#[test]
fn a_plan_that_cannot_decide_anything_is_refused() {
    let bench = Bench::new();
    let output = bench
        .bare_gate(&scripted(), &scripted())
        .args(["--pairs", "7", "--no-extension"])
        .output()
        .unwrap();
    assert_says(
        &output,
        2,
        &["7 pairs cannot decide anything", "use --pairs 8"],
    );
}

#[test]
fn a_build_that_does_not_say_which_cases_it_has_is_given_up() {
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
        assert_says(&output, 5, &["does not say which cases it has", words]);
    }
}

#[test]
fn a_child_that_does_not_stop_talking_is_given_up() {
    let bench = Bench::new();
    for (name, lines, words) in [
        (
            "endless-line",
            "[ \"$1\" = child ] && exec cat /dev/zero",
            "(it has no end)",
        ),
        (
            "endless-samples",
            "export SCRIPTED_MISHAP=flood",
            "protocol on the head side: more samples than the 1000000 that were asked for",
        ),
    ] {
        let build = bench.build(name, lines);
        let output = bench.gate(&scripted(), &build).output().unwrap();
        assert_says(&output, 1, &[words]);
    }
}

#[test]
fn a_child_that_falls_silent_without_leaving_is_given_up() {
    let bench = Bench::new();
    let lines = "[ \"$1\" = child ] && exec tail -f /dev/null > /dev/null";
    let silent = bench.build("silent", lines);
    let workload = bench.path("hasty.toml");
    let text = "name = \"hasty\"\nwhy = \"a test\"\npattern = { kind = \"chain\", steps = 3 }\n\
                kernel = { kind = \"empty\" }\ntimeout = 0.2\n";
    fs::write(&workload, text).unwrap();
    let output = program(&scripted())
        .args(["gate", "hasty/serial", "--pairs", "8", "--no-extension"])
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

#[test]
fn ctrl_c_ends_what_a_gate_waits_for_before_its_first_pair() {
    let bench = Bench::new();
    let started = bench.path("started");
    let lines = format!(
        "[ \"$1\" = cases ] && {{ : > '{}'; exec tail -f /dev/null; }}",
        started.display()
    );
    let silent = bench.build("silent", &lines);
    let mut gate = bench.gate(&silent, &scripted()).spawn().unwrap();
    while !started.exists() {
        assert!(gate.try_wait().unwrap().is_none(), "it has ended too early");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&gate), Signal::INT).unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(130));
}

#[test]
fn workers_are_bound_as_asked_and_a_gate_that_goes_on_keeps_to_it() {
    let bench = Bench::new();
    let build = bench.build("build", "");
    let is_pinned = || bench.comparison()["pin"].clone();
    let unbound = bench.gate(&build, &build).output().unwrap();
    assert_says(&unbound, 0, &["workers were not bound to cores"]);
    assert_eq!(is_pinned(), false);
    // Those that are asked for their cases are not to take it for theirs.
    let mut bound = bench.gate(&build, &build);
    let bound = bound.env("TASKDYNO_PIN", "always").output().unwrap();
    assert_says(&bound, 0, &["each worker was bound to a core"]);
    assert_eq!(is_pinned(), true);
    // What a case is called does not hang on it.
    assert_eq!(bench.comparison()["cases"][0]["case"]["pin"], false);
    for pin in [&["--resume"][..], &["--resume", "--pin=auto"]] {
        let mut resumed = bench.gate(&build, &build);
        let resumed = resumed.env_remove("TASKDYNO_PIN").args(pin);
        assert_says(
            &resumed.output().unwrap(),
            0,
            &["20 pairs are there already"],
        );
        assert_eq!(is_pinned(), true);
    }
    let mut unbound = bench.gate(&build, &build);
    let unbound = unbound.arg("--resume").output().unwrap();
    assert_says(&unbound, 2, &["its plan changed"]);
}

#[test]
fn a_gate_binds_nobody_where_a_backend_cannot_and_fails_where_it_must() {
    let bench = Bench::new();
    // A backend of one's own, which knows nothing of binding.
    let misnamed = scripted().with_file_name("misnamed");
    let gate = |pin: &str| {
        let mut gate = program(&misnamed);
        gate.env("MISNAMED", "own").env_remove("TASKDYNO_PIN");
        gate.args(["gate", "empty/pattern=chain/own/1", "--exact", pin, "--out"])
            .arg(bench.path("out"))
            .args(["--seed", "5", "--pairs", "10", "--no-extension", "--base"])
            .arg(&misnamed)
            .arg("--head")
            .arg(&misnamed);
        gate.output().unwrap()
    };
    let offered = gate("--pin=auto");
    assert!(
        said(&offered).contains("`own` cannot bind its own"),
        "{}",
        said(&offered)
    );
    assert_eq!(bench.comparison()["pin"], false);
    assert_eq!(bench.comparison()["cases"][0]["error"], Value::Null);
    let demanded = gate("--pin");
    assert!(said(&demanded).contains("not-bound"), "{}", said(&demanded));
    assert_eq!(demanded.status.code(), Some(1));
}

#[test]
fn a_self_test_finds_what_is_planted_and_nothing_else() {
    let bench = Bench::new();
    let output = program(&scripted())
        .args(["gate", "--self-test", "empty/pattern=chain/serial/1"])
        .args(["--pairs", "10", "--no-extension", "--verdicts", "2"])
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
fn a_self_test_that_is_killed_leaves_its_verdicts_behind() {
    let bench = Bench::new();
    let mut test = program(&scripted())
        .args(["gate", "--self-test", "empty/pattern=chain/serial/1"])
        .args(["--pairs", "10", "--no-extension", "--verdicts", "10000"])
        .args(["--quiet", "--out"])
        .arg(bench.path("out"))
        .spawn()
        .unwrap();
    let path = bench.path("out/gate-self-test.json");
    while !path.exists() {
        assert!(test.try_wait().unwrap().is_none(), "it has ended too early");
        std::thread::yield_now();
    }
    test.kill().unwrap();
    test.wait().unwrap();
    let result: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(!result["verdicts"].as_array().unwrap().is_empty());
}

#[test]
fn the_usual_cases_of_a_self_test_are_there() {
    let bench = Bench::new();
    let output = program(&scripted())
        .args(["gate", "--self-test", "--pairs", "8", "--no-extension"])
        .args(["--verdicts", "1", "--planted", "0", "--out"])
        .arg(bench.path("out"))
        .output()
        .unwrap();
    assert_says(&output, 0, &["all nothing 4"]);
}
