//! Everything that works on stored records, driven through the command line by scripted ones: `compare`,
//! `baseline`, `history` and `export`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A program of the build, without the settings of whoever runs the tests.
fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TASKDYNO_") {
            command.env_remove(name);
        }
    }
    command
        .env("NO_COLOR", "1")
        .env_remove("GITHUB_STEP_SUMMARY");
    command
}

fn taskdyno(arguments: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_taskdyno"));
    command.args(arguments);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Asserts that `output` ended with `code` and said each of `words`.
fn assert_says(output: &Output, code: i32, words: &[&str]) {
    let said = stdout(output) + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    // A message can have several lines.
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(
            said.contains(word) || flat.contains(word),
            "{word:?} is not in:\n{said}"
        );
    }
}

/// The records of a scripted run on `serial` and `rayon`, with a commit and the control loop's times set.
struct Scripted {
    folder: TempDir,
    records: Vec<Value>,
}

impl Scripted {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let scripted = Path::new(env!("CARGO_BIN_EXE_taskdyno"))
            .with_file_name("examples")
            .join("scripted");
        let status = program(scripted)
            .args(["run", "empty/pattern=chain", "--runs", "9", "--seed", "3"])
            .args([
                "--workers",
                "2",
                "--backends",
                "serial,rayon",
                "--quiet",
                "--out",
            ])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut records: Vec<Value> = records.collect();
        for record in &mut records {
            assert_eq!(record["calibrations"].as_array().unwrap().len(), 16);
            let parallel = (record["case"]["workers"] == 2).then_some(250_000);
            record["calibrations"] = json!([{ "single_ns": 200_000, "parallel_ns": parallel }]);
            record["host"]["processor"] = "Example CPU".into();
            record["host"]["core_count"] = 2.into();
        }
        Self { folder, records }
    }

    /// One session: all times are `factor` times those of the script.
    fn session(&self, commit: &str, factor: f64) -> Vec<Value> {
        let mut records = self.records.clone();
        for record in &mut records {
            record["commit"] = json!({ "hash": commit, "dirty": false });
            // Every sample of the script takes a hundredth longer than the one before: too wide for these tests.
            let first = record["samples"][0].clone();
            for sample in record["samples"].as_array_mut().unwrap() {
                for key in ["wall_ns", "cpu_ns"] {
                    let ns = first[key].as_f64().unwrap() * factor;
                    sample[key] = (ns.round() as u64).into();
                }
            }
        }
        records
    }

    /// A file of sessions with these factors.
    fn file(&self, name: &str, commit: &str, factors: &[f64]) -> PathBuf {
        let records = factors
            .iter()
            .flat_map(|factor| self.session(commit, *factor));
        self.write(name, &records.collect::<Vec<_>>())
    }

    fn write(&self, name: &str, records: &[Value]) -> PathBuf {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        let path = self.folder.path().join(name);
        fs::write(&path, lines).unwrap();
        path
    }

    /// Runs taskdyno within the folder.
    fn run(&self, arguments: &[&str]) -> Output {
        taskdyno(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }
}

const STEADY: [f64; 5] = [1.0, 1.001, 0.999, 1.0005, 0.9995];

fn times(factor: f64) -> Vec<f64> {
    STEADY.iter().map(|steady| steady * factor).collect()
}

#[test]
fn a_planted_slow_down_ends_with_3_and_the_same_again_with_0() {
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
fn what_cannot_be_told_is_inconclusive_and_fails_only_if_asked_to() {
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
            "base.jsonl:1 and head.jsonl:1 are of different machines",
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
        &["another digest"],
    );
    changed(
        &|record| record["plan"]["warmup_ns"] = 5.into(),
        &["another plan"],
    );
    changed(
        &|record| record["schema_version"] = 99.into(),
        &["head.jsonl:1 has schema_version 99"],
    );
}

#[test]
fn a_thousand_records_with_another_plan_make_one_sentence() {
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
    assert_says(&refused, 5, &["1000 records have another plan", "and 998"]);
    assert!(refused.stderr.len() < 2000, "{}", refused.stderr.len());
    let markdown = [&compare[..], &["--advisory", "--format", "markdown"]].concat();
    let advisory = scripted.run(&markdown);
    assert_says(&advisory, 0, &["1000 records have another plan"]);
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
        (half, "head.jsonl:10 is cut off"),
        (torn.join("\n").as_str(), "head.jsonl:3 is not a record"),
        ("{\"schema_version\":1}\n", "missing field `case`"),
        (&timeless, "head.jsonl:2 has a sample with wall_ns 0"),
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
fn a_new_case_does_not_fail_a_run_that_is_held_against_a_baseline() {
    let folder = TempDir::new().unwrap();
    let scripted = Path::new(env!("CARGO_BIN_EXE_taskdyno")).with_file_name("examples/scripted");
    let run = |backends: &str, more: &[&str]| {
        let mut run = program(&scripted);
        run.args(["run", "empty/pattern=chain", "--runs", "9"]);
        run.args(["--workers", "2", "--out", "out", "--backends", backends]);
        run.args(more).current_dir(folder.path()).output().unwrap()
    };
    run("serial", &["--save-baseline", "one"]);
    let more = run("serial,rayon", &["--baseline", "one"]);
    assert_says(&more, 0, &["1 new", "only the head has it"]);
}

#[test]
fn a_case_that_has_vanished_fails_a_run_and_is_named_even_under_quiet() {
    let folder = TempDir::new().unwrap();
    let workload = |name: &str| {
        let text = format!(
            "name = \"{name}\"\nwhy = \"a test\"\npattern = {{ kind = \"chain\", steps = 3 }}\n\
             kernel = {{ kind = \"empty\" }}\n"
        );
        fs::write(folder.path().join("own").join(format!("{name}.toml")), text).unwrap();
    };
    fs::create_dir(folder.path().join("own")).unwrap();
    workload("stays");
    workload("goes");
    let scripted = Path::new(env!("CARGO_BIN_EXE_taskdyno")).with_file_name("examples/scripted");
    let run = |filter: &str, more: &[&str]| {
        let mut run = program(&scripted);
        run.args(["run", filter, "--runs", "9", "--workloads", "own"]);
        run.args(["--workers", "2", "--out", "out", "--backends", "serial"]);
        run.args(more).current_dir(folder.path()).output().unwrap()
    };
    run("s/serial", &["--save-baseline", "both"]);
    let partly = run("stays/serial", &["--baseline", "both"]);
    assert_says(
        &partly,
        0,
        &["1 of 2 cases of the baseline `both` are not part of this run"],
    );
    fs::remove_file(folder.path().join("own/goes.toml")).unwrap();
    let vanished = run("stays/serial", &["--baseline", "both", "--quiet"]);
    assert_says(&vanished, 1, &["goes/serial/1"]);
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
    assert_says(&records, 0, &["dirty\r\n", ",true\r\n"]);
    let metrics = scripted.run(&["export", "once.jsonl", "--format", "openmetrics"]);
    assert_says(&metrics, 0, &["commit=\"bbb (dirty)\""]);
}

#[test]
fn an_old_commit_that_is_measured_again_is_no_change() {
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
    // The sixth commit is slower; the first five are measured once more when all is done.
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
        &["is of example-cpu-2-cores", "example-cpu-64-cores"],
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
fn advice_is_no_verdict() {
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
fn a_copy_of_a_session_is_no_session() {
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

    // Compared with itself alone, it is refused; beside others, it stands on one side only.
    let itself = ["compare", "base.jsonl", "base.jsonl"];
    assert_says(&scripted.run(&itself), 5, &["10 records are sessions"]);
    let own = scripted.session("aaa", STEADY[2]);
    scripted.write("own.jsonl", &own);
    let own = scripted.run(&["compare", "--baseline", "main", "own.jsonl"]);
    assert_says(
        &own,
        0,
        &[
            "4 of the base and 1 of the head",
            "counts for the head alone",
        ],
    );
}

#[test]
fn a_history_that_is_given_twice_is_the_same_history() {
    let (scripted, names) = history();
    let once = history_output(&scripted, &names, &["--format", "csv"]);
    let folder = scripted.folder.path();
    fs::create_dir(folder.join("copies")).unwrap();
    fs::copy(folder.join(&names[0]), folder.join("copies/records.jsonl")).unwrap();
    let given = [&names[..], &names[1..], &["copies".into()]].concat();
    let twice = history_output(&scripted, &given, &["--format", "csv"]);
    assert_says(
        &twice,
        0,
        &["32 records are sessions that were given before"],
    );
    assert_eq!(stdout(&twice), stdout(&once));
}

#[test]
fn a_run_can_be_held_against_baselines_at_once() {
    let folder = TempDir::new().unwrap();
    let scripted = Path::new(env!("CARGO_BIN_EXE_taskdyno")).with_file_name("examples/scripted");
    let run = |more: &[&str]| {
        let mut run = program(&scripted);
        run.args(["run", "--exact", "--runs", "9", "--out", "out"]);
        run.args(more).current_dir(folder.path()).output().unwrap()
    };
    const SERIAL: &str = "empty/pattern=chain/serial/1";

    let missing = run(&[SERIAL, "--baseline", "main"]);
    assert_says(&missing, 5, &["no baseline `main`"]);
    assert!(!folder.path().join("out").exists(), "nothing was measured");

    // Compared first, and then saved: not with itself.
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
        "1 of 1 cases of the baseline `main` are not part of this run",
        "none of the cases that are asked for",
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

    // Another process is at it.
    let lock = fs::File::create(path.with_extension("jsonl.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(path.with_extension("jsonl.lock"), "process 7 (`another`)\n").unwrap();
    let add = ["baseline", "save", "main", "more.jsonl", "--add"];
    let remove = ["baseline", "remove", "main"];
    for arguments in [&save[..], &add, &remove] {
        let words = [
            "main.jsonl",
            "process 7 (`another`)",
            "wait until it has ended",
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

/// A history of 16 commits, of which the ninth is a fifth slower, in files that sort otherwise.
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

fn history_output(scripted: &Scripted, names: &[String], more: &[&str]) -> Output {
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
fn no_change_is_said_only_where_one_could_have_been_found() {
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
        "too few sessions to find a change: it takes 10 at a significance of 1%",
        "0 changes in 2 cases, 2 of them with too few sessions to find any",
    ];
    assert_says(&short, 0, &words);
    assert!(!stdout(&short).contains("no change"));
    let few = [&given[..], &["--permutations", "10"]].concat();
    let refused = history_output(&scripted, &names, &few);
    assert_says(
        &refused,
        2,
        &["10 random orders cannot", "--permutations 99"],
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
    // The last by time is of the first machine.
    let same = history_output(&scripted, &names, &["--same-host"]);
    let words = [
        "1 of 34 records are of other machines than example-cpu-2-cores",
        "at c08",
    ];
    assert_says(&same, 0, &words);
}

#[test]
fn a_comparison_can_be_kept_and_exported_later() {
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
        &["junit holds verdicts", "records.jsonl holds records"],
    );
}

#[test]
fn a_job_of_github_gets_a_summary() {
    let scripted = Scripted::new();
    scripted.file("base.jsonl", "aaa", &STEADY);
    let summary = scripted.folder.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    scripted.file("same.jsonl", "bbb", &STEADY);
    let output = taskdyno(&["compare", "base.jsonl", "same.jsonl"])
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
