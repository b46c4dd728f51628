//! Which cases a command line selects, and which command lines are refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use taskdyno::internal::machine::host;
use tempfile::TempDir;

use crate::program::{assert_complains, quick_run, stderr, stdout, taskdyno};

#[test]
fn the_cases_of_compare_gates_are_there() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/compare-gates");
    let text = fs::read_to_string(script).unwrap();
    let strings = text.split('"').skip(1).step_by(2);
    let ids: Vec<&str> = strings
        .flat_map(|string| string.split(','))
        .filter(|word| word.ends_with("/1") || word.ends_with("/2"))
        .collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    for id in ids {
        let mut run = taskdyno();
        run.args(["run", "--dry-run", "--exact", "--workers", "1,2", id]);
        assert_eq!(stdout(&run.output().unwrap()).trim(), id);
    }
}

#[test]
fn a_workload_with_only_if_named_runs_only_if_named() {
    let ids = |arguments: &[&str]| {
        let mut run = taskdyno();
        run.args(["run", "--dry-run"]).args(arguments);
        stdout(&run.output().unwrap())
    };
    assert!(!ids(&[]).contains("stencil-fine/"));
    assert!(ids(&[]).contains("hash-cpu/"));
    assert!(ids(&["stencil-"]).contains("stencil-fine/"));
}

#[test]
fn some_backends_run_only_if_they_are_named_or_all_are() {
    let ids = |backends: &[&str]| {
        let mut run = taskdyno();
        run.args(["run", "--dry-run", "empty/pattern=chain/"])
            .args(backends);
        stdout(&run.output().unwrap())
    };
    let named = "empty/pattern=chain/tokio-current-thread/1";
    assert!(ids(&[]).contains("empty/pattern=chain/tokio/1"));
    assert!(!ids(&[]).contains(named));
    assert!(ids(&["--backends", "tokio-current-thread"]).contains(named));
    let all = ids(&["--backends", "all"]);
    assert!(all.contains(named) && all.contains("empty/pattern=chain/tokio/1"));
}

/// The ids of the cases of a workload with `workers = [1, "cores", 100]` on `rayon`, and on `serial`, which has one
/// worker.
fn ids_with_many_workers(command: &[&str]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let text = "name = \"crowd\"\nwhy = \"w\"\npattern = { kind = \"chain\", steps = 2 }\n\
                kernel = { kind = \"sleep\", duration_ms = 1 }\nworkers = [1, \"cores\", 100]\n";
    fs::write(folder.path().join("crowd.toml"), text).unwrap();
    let mut program = taskdyno();
    program
        .args(command)
        .args(["crowd", "--workloads", "crowd.toml"]);
    program.args(["--backends", "serial,rayon"]);
    let output = program.current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn a_workload_runs_with_the_numbers_of_workers_of_its_file() {
    let cores = host::host().usable_core_count();
    let counts = BTreeSet::from([1, cores, 100]);
    let on_rayon = counts.iter().map(|count| format!("crowd/rayon/{count}"));
    let expected: Vec<String> = ["crowd/serial/1".into()]
        .into_iter()
        .chain(on_rayon)
        .collect();
    assert_eq!(ids_with_many_workers(&["run", "--dry-run"]), expected);
    // `metg` has its own order.
    let sweeps = BTreeSet::from_iter(ids_with_many_workers(&["metg", "--dry-run"]));
    assert_eq!(sweeps, BTreeSet::from_iter(expected));
}

#[test]
fn the_command_line_overrides_the_numbers_of_workers_of_a_file() {
    let ids = ids_with_many_workers(&["run", "--dry-run", "--workers", "3"]);
    assert_eq!(ids, ["crowd/serial/1", "crowd/rayon/3"]);
}

#[test]
fn metg_says_which_kernels_have_a_size() {
    let output = taskdyno().args(["metg", "empty"]).output().unwrap();
    let words = [
        "hash (times)",
        "compute-bound (iterations)",
        "sleep (duration_ms)",
    ];
    assert_complains(&output, 2, &words);
    let output = taskdyno()
        .args(["metg", "hash-cpu", "--efficiency", "1.5"])
        .output()
        .unwrap();
    assert_complains(&output, 2, &["a number between 0 and 1"]);
}

#[test]
fn a_dry_run_prints_ids_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let output = quick_run(&out).arg("--dry-run").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let ids =
        "empty/pattern=chain/serial/1\nempty/pattern=chain/rayon/1\nempty/pattern=chain/rayon/2\n";
    assert_eq!(stdout(&output), ids);
    assert!(!out.exists());
}

#[test]
fn an_unknown_name_gets_a_suggestion() {
    let folder = TempDir::new().unwrap();
    let output = quick_run(folder.path())
        .args(["--backends", "rayno"])
        .output()
        .unwrap();
    assert_complains(&output, 2, &["no backend `rayno`", "did you mean `rayon`"]);

    let output = taskdyno()
        .args(["run", "hash-cpo", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_complains(
        &output,
        2,
        &["no case matches `hash-cpo`", "did you mean `hash-cpu`"],
    );
}

#[test]
fn numbers_out_of_range_are_refused() {
    for arguments in [
        ["--workers", "0"],
        ["--runs", "0"],
        ["--timeout", "-1"],
        ["--min-time", "soon"],
    ] {
        let output = taskdyno().arg("run").args(arguments).output().unwrap();
        assert_complains(&output, 2, &[arguments[0]]);
    }
}

/// A barrier of 8 parties in `meets.toml`, with this pattern and these numbers of workers.
fn meeting(folder: &Path, pattern: &str, workers: &str) {
    let text = format!(
        "name = \"meets\"\nwhy = \"a test\"\nworkers = {workers}\npattern = {pattern}\n\
         kernel = {{ kind = \"barrier\" }}\n"
    );
    fs::write(folder.join("meets.toml"), text).unwrap();
}

#[test]
fn parties_that_cannot_meet_are_refused_before_anything_starts() {
    let folder = TempDir::new().unwrap();
    let all = r#"{ kind = "trivial", width = 8 }"#;
    meeting(folder.path(), all, "2");
    let in_folder = |arguments: &[&str]| {
        let mut program = taskdyno();
        program
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let run = ["run", "meets", "--workloads", "meets.toml", "--dry-run"];
    let on_threads = in_folder(&[&run[..], &["--backends", "thread-pool,serial"]].concat());
    let reasons = [
        "8 tasks wait for each other, and 2 workers run 2 at once: use --workers 8",
        "8 tasks wait for each other, and `serial` runs 1 at once",
    ];
    assert_complains(&on_threads, 2, &reasons);
    let eight = in_folder(&[&run[..], &["--backends", "thread-pool", "--workers", "8"]].concat());
    assert_eq!(stdout(&eight).trim(), "meets/thread-pool/8");

    let checked = in_folder(&["check", "meets.toml"]);
    assert_eq!(checked.status.code(), Some(0), "async tasks can meet");
    assert!(String::from_utf8_lossy(&checked.stderr).contains(reasons[0]));

    meeting(folder.path(), r#"{ kind = "chain", steps = 8 }"#, "8");
    let in_a_row = ["`barrier` wait for each other", "use the pattern `trivial`"];
    assert_complains(&in_folder(&["check", "meets.toml"]), 2, &in_a_row);
    assert_complains(&in_folder(&run), 2, &in_a_row);
}

#[test]
fn values_that_are_impossible_are_refused_with_what_is_possible() {
    let refused: [(&[&str], &[&str]); 7] = [
        (
            &["--workers", "2x2", "--backends", "fork"],
            &[
                "`fork` does not support processes with threads",
                "2x2",
                "--workers 4,2x2",
            ],
        ),
        (
            &["--workers", "2x2", "--option", "threads=2"],
            &["`--workers 2x2` and `--option threads=`"],
        ),
        (&["--workers", "2x"], &["2x", "processes x threads"]),
        (&["--runs", "x"], &["expected a whole number, 1 or more"]),
        (&["--seed", "-1"], &["expected a whole number, 0 or more"]),
        (&["--workers", "70x70"], &["70x70", "at most 4096 workers"]),
        (
            &["--backends", "mpi"],
            &["no backend `mpi`", "`--external FILE`"],
        ),
    ];
    for (arguments, words) in refused {
        let output = taskdyno().arg("run").args(arguments).output().unwrap();
        assert_complains(&output, 2, words);
    }
}

#[test]
fn shapes_with_as_many_workers_are_different_cases() {
    let select = ["empty/pattern=chain", "--backends", "fork-threads,fork"];
    let shapes = ["--workers", "4,2x2,4x1", "--runs", "1", "--warmup", "0"];
    let folder = TempDir::new().unwrap();
    let mut run = taskdyno();
    run.arg("run").args(select).args(shapes);
    let output = run.arg("--out").arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let show = taskdyno().arg("show").arg(folder.path()).output().unwrap();
    let tables = stdout(&show);
    for label in ["fork-threads 2x2", "fork-threads 4x1", "fork "] {
        assert!(tables.contains(label), "{label}:\n{tables}");
    }
    let records = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let threads = records.lines().map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["case"]["options"]["threads"].as_u64()
    });
    let mut threads: Vec<_> = threads.collect();
    threads.sort_unstable();
    assert_eq!(threads, [None, Some(1), Some(2)]);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = quick_run(&file.join("out")).output().unwrap();
    assert_complains(&output, 2, &["cannot write to", "--out"]);
}

#[test]
fn a_bad_workload_is_checked_without_running() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.toml");
    let text = "name = \"bad\"\nwhy = \"to be refused\"\npattern = { kind = \"chain\", steps = 3 }\nkernel = { kind = \"emtpy\" }\n";
    fs::write(&path, text).unwrap();
    let output = taskdyno().arg("check").arg(&path).output().unwrap();
    assert_complains(&output, 2, &["bad.toml:4", "emtpy", "did you mean"]);
    fs::write(&path, text.replace("emtpy", "empty")).unwrap();
    let output = taskdyno().arg("check").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("3 tasks, 2 edges"));
}

#[test]
fn only_the_name_of_a_workload_selects_one_with_only_if_named() {
    let folder = TempDir::new().unwrap();
    let text = "name = \"rare\"\nwhy = \"w\"\nonly_if_named = true\npattern = { kind = \"chain\", steps = [2, 3] }\n\
                kernel = { kind = \"empty\" }\n";
    fs::write(folder.path().join("rare.toml"), text).unwrap();
    let count = |arguments: &[&str]| {
        let mut run = taskdyno();
        run.args(["run", "--workloads", "rare.toml", "--workers", "1"]);
        run.args(["--dry-run"]).args(arguments);
        let output = run.current_dir(folder.path()).output().unwrap();
        if output.status.code() != Some(0) {
            assert_complains(
                &output,
                2,
                &["`rare/", "runs only if the filter names its workload"],
            );
        }
        stdout(&output)
            .lines()
            .filter(|id| id.starts_with("rare/"))
            .count()
    };
    let backends = ["--backends", "serial,rayon"];
    let with = |filter: &[&str]| count(&[&backends[..], filter].concat());
    // A backend, a parameter, or no filter at all does not select it.
    assert_eq!(with(&["rayon"]), 0);
    assert_eq!(with(&["/steps=2/"]), 0);
    assert_eq!(with(&["/1"]), 0);
    assert_eq!(with(&[""]), 0);
    assert_eq!(with(&[]), 0);
    // The name, the end of the name, and ids that begin with it select it.
    assert_eq!(with(&["rare"]), 4);
    assert_eq!(with(&["are/"]), 4);
    assert_eq!(with(&["rare/steps=2"]), 2);
    assert_eq!(with(&["rare/steps=2/rayon/1"]), 1);
    assert_eq!(with(&["--exact", "rare"]), 4);
    assert_eq!(with(&["--exact", "rare/steps=2/rayon/1"]), 1);
}
