//! The command line as its users meet it: what it prints, what it leaves on disk, how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;
use tempfile::TempDir;

/// The built program, without the settings of whoever runs the tests.
fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TASKDYNO_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
    command
}

fn taskdyno() -> Command {
    program(env!("CARGO_BIN_EXE_taskdyno"))
}

/// The program of an example, which cargo builds beside ours when it builds the tests.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_taskdyno"))
        .with_file_name("examples")
        .join(name)
}

/// A quick run of a few cases into `folder`.
fn quick_run(folder: &Path) -> Command {
    let mut command = taskdyno();
    command
        .args([
            "run",
            "empty/pattern=chain",
            "--runs",
            "2",
            "--warmup",
            "0",
            "--seed",
            "1",
        ])
        .args(["--backends", "serial,rayon", "--workers", "1,2", "--out"])
        .arg(folder);
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Asserts that `output` ended with `code` and said each of `words` on standard error.
fn assert_says(output: &Output, code: i32, words: &[&str]) {
    let said = stderr(output);
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

#[test]
fn list_has_every_kind_as_json() {
    let output = taskdyno()
        .args(["list", "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let entries: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for (kind, name) in [
        ("backend", "fork"),
        ("workload", "hash-cpu"),
        ("pattern", "stencil-1d"),
        ("kernel", "sleep"),
        ("exporter", "html"),
    ] {
        let found = entries
            .iter()
            .any(|entry| entry["kind"] == kind && entry["name"] == name);
        assert!(found, "{kind} {name}");
    }
    for entry in &entries {
        assert!(!entry["why"].as_str().unwrap().is_empty(), "{entry}");
    }
}

#[test]
fn help_teaches() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["report", "--help"],
        &["graph", "--help"],
        &["gate", "--help"],
        &["compare", "--help"],
        &["baseline", "--help"],
        &["history", "--help"],
        &["export", "--help"],
        &["metg", "--help"],
    ] {
        let output = taskdyno().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        insta::assert_snapshot!(
            format!("help_{}", arguments[0].trim_matches('-')),
            stdout(&output)
        );
    }
}

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
fn a_workload_that_has_to_be_named_is_run_only_then() {
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
fn metg_sweeps_the_size_of_tasks_and_keeps_records_of_each() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args(["metg", "hash-cpu", "--backends", "static", "--workers", "2"])
        .args(["--sweeps", "1", "--seed", "1", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("METG(50%)"), "{}", stdout(&output));
    let records = records(folder.path());
    assert!(records.len() >= 2, "{records:?}");
    for record in &records {
        let size = record["case"]["parameters"]["kernel"]["times"].as_f64();
        assert!(size.is_some());
        assert_eq!(record["peak"]["size"].as_f64(), size);
        let probes = record["peak"]["probes"].as_array().unwrap().len();
        assert_eq!(record["samples"].as_array().unwrap().len(), probes);
    }
}

#[test]
fn metg_sweeps_times_by_the_clock_and_needs_no_probe_for_it() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args([
            "metg",
            "sleep-io/pattern=trivial",
            "--backends",
            "thread-pool,tokio",
        ])
        .args(["--workers", "2", "--sweeps", "1", "--quiet", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let records = records(folder.path());
    let fractions = records.iter().filter(|record| {
        let size = &record["case"]["parameters"]["kernel"]["duration_ms"];
        assert_eq!(record["peak"]["size"].as_f64(), size.as_f64());
        let by_the_clock = size.as_f64().unwrap() * 1e6;
        assert_eq!(record["peak"]["task_ns"].as_f64(), Some(by_the_clock));
        assert_eq!(record["peak"]["probes"].as_array().unwrap().len(), 0);
        assert!(!record["samples"].as_array().unwrap().is_empty());
        // Two workers wait for two of its eight tasks at once, tokio for all of them.
        let in_a_row = if record["case"]["backend"] == "tokio" {
            1
        } else {
            4
        };
        assert_eq!(record["peak"]["least_task_count"], in_a_row);
        size.is_f64()
    });
    // Below a millisecond, where a thread's sleep overshoots by as much as it lasts.
    assert!(fractions.count() > 0, "{records:?}");
}

#[test]
fn metg_says_which_kernels_have_a_size() {
    let output = taskdyno().args(["metg", "empty"]).output().unwrap();
    let words = [
        "hash (times)",
        "compute-bound (iterations)",
        "sleep (duration_ms)",
    ];
    assert_says(&output, 2, &words);
    let output = taskdyno()
        .args(["metg", "hash-cpu", "--efficiency", "1.5"])
        .output()
        .unwrap();
    assert_says(&output, 2, &["a number between 0 and 1"]);
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
fn a_run_writes_records_a_page_and_pictures() {
    let folder = TempDir::new().unwrap();
    let output = quick_run(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("rayon"));
    let records = records(folder.path());
    assert_eq!(records.len(), 3);
    for record in &records {
        assert_eq!(record["error"], Value::Null);
        assert_eq!(record["samples"].as_array().unwrap().len(), 2);
        assert_eq!(record["graph"]["task_count"], 512);
        assert_eq!(record["digest"], records[0]["digest"]);
    }
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("rayon"));
    let pictures: Vec<_> = fs::read_dir(folder.path().join("pictures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for extension in ["png", "svg"] {
        let found = pictures
            .iter()
            .any(|path| path.extension().is_some_and(|one| one == extension));
        assert!(found, "no {extension} among {pictures:?}");
    }
}

#[test]
fn names_that_do_not_exist_are_answered_with_the_nearest() {
    let folder = TempDir::new().unwrap();
    let output = quick_run(folder.path())
        .args(["--backends", "rayno"])
        .output()
        .unwrap();
    assert_says(&output, 2, &["no backend `rayno`", "did you mean `rayon`"]);

    let output = taskdyno()
        .args(["run", "hash-cpo", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_says(
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
        assert_says(&output, 2, &[arguments[0]]);
    }
}

#[test]
fn workers_can_be_processes_with_threads() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .args(["run", "empty/pattern=chain", "--runs", "1", "--warmup", "0"])
        .args([
            "--backends",
            "fork-threads,static",
            "--workers",
            "2x3,1,6",
            "--out",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut cases: Vec<(String, u64, Value)> = records(folder.path())
        .iter()
        .map(|record| {
            let case = &record["case"];
            assert_eq!(record["error"], Value::Null);
            let backend = case["backend"].as_str().unwrap().to_owned();
            (
                backend,
                case["workers"].as_u64().unwrap(),
                case["options"]["threads"].clone(),
            )
        })
        .collect();
    cases.sort_by_key(|(backend, workers, _)| (backend.clone(), *workers));
    let case = |backend: &str, workers, threads| (backend.to_owned(), workers, threads);
    let expected = [
        case("fork-threads", 1, 2.into()),
        case("fork-threads", 6, 3.into()),
        case("static", 1, Value::Null),
        case("static", 6, Value::Null),
    ];
    assert_eq!(cases, expected);
}

#[test]
fn a_shape_that_cannot_be_had_is_refused() {
    let refused: [(&[&str], &[&str]); 4] = [
        (
            &["--workers", "2x2", "--backends", "fork"],
            &[
                "`fork` has no threads in processes",
                "2x2",
                "--workers 4,2x2",
            ],
        ),
        (
            &["--workers", "2x2", "--option", "threads=2"],
            &["`--workers 2x2` and `--option threads=`"],
        ),
        (
            &["--workers", "2x2,4x1"],
            &["2x2 and 4x1 are both 4 workers"],
        ),
        (&["--workers", "2x"], &["2x", "processes x threads"]),
    ];
    for (arguments, words) in refused {
        let output = taskdyno().arg("run").args(arguments).output().unwrap();
        assert_says(&output, 2, words);
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = quick_run(&file.join("out")).output().unwrap();
    assert_says(&output, 2, &["cannot write to", "--out"]);
}

#[test]
fn a_bad_workload_is_checked_without_running() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.toml");
    let text = "name = \"bad\"\nwhy = \"to be refused\"\npattern = { kind = \"chain\", steps = 3 }\nkernel = { kind = \"emtpy\" }\n";
    fs::write(&path, text).unwrap();
    let output = taskdyno().arg("check").arg(&path).output().unwrap();
    assert_says(&output, 2, &["bad.toml:4", "emtpy", "did you mean"]);
    fs::write(&path, text.replace("emtpy", "empty")).unwrap();
    let output = taskdyno().arg("check").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("3 tasks, 2 edges"));
}

#[test]
fn a_run_goes_on_where_it_was_cut_off() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let path = folder.path().join("records.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    // Killed in the middle of writing the second record.
    fs::write(&path, &text[..first.len() + 1 + 100]).unwrap();

    let output = quick_run(folder.path()).arg("--resume").output().unwrap();
    let words = [
        "records.jsonl:2 was cut off in the middle and is removed",
        "1 of 3 cases have a record already",
    ];
    assert_says(&output, 0, &words);
    assert_eq!(records(folder.path()).len(), 3);
    let kept = fs::read_to_string(&path).unwrap();
    assert_eq!(kept.lines().next(), Some(first));
}

#[test]
fn a_new_run_keeps_the_records_of_the_one_before() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let before = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    quick_run(folder.path()).output().unwrap();
    let previous = folder.path().join("records.previous.jsonl");
    assert_eq!(fs::read_to_string(previous).unwrap(), before);
}

#[test]
fn records_that_cannot_be_read_are_refused_with_their_place() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let bad = folder.path().join("bad.jsonl");
    let report = || taskdyno().arg("report").arg(&bad).output().unwrap();

    fs::write(&bad, &text[..text.len() - 40]).unwrap();
    assert_says(&report(), 2, &["bad.jsonl:3", "cut off"]);

    fs::write(
        &bad,
        text.replace("\"schema_version\":1", "\"schema_version\":99"),
    )
    .unwrap();
    assert_says(&report(), 2, &["bad.jsonl:1", "99"]);

    fs::write(&bad, "").unwrap();
    assert_says(&report(), 2, &["bad.jsonl"]);

    fs::remove_file(&bad).unwrap();
    assert_says(&report(), 2, &["bad.jsonl"]);
}

#[test]
fn a_disk_that_fills_up_loses_nothing_that_was_written() {
    let folder = TempDir::new().unwrap();
    // A limit on the size of files stands in for the full disk: 4 blocks of 512 or 1024 bytes, which hold
    // no record of this many samples.
    let script = "ulimit -f 4; exec \"$0\" \"$@\"";
    let output = program("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_taskdyno")])
        .args(["run", "empty/pattern=chain/serial"])
        .args(["--runs", "40", "--warmup", "0", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_says(
        &output,
        1,
        &["records.jsonl", "--resume", "records before it are safe"],
    );
    let left = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    assert!(
        left.is_empty() || left.ends_with('\n'),
        "half a line was left"
    );

    let output = taskdyno()
        .args([
            "run",
            "empty/pattern=chain/serial",
            "--runs",
            "40",
            "--warmup",
            "0",
            "--resume",
        ])
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(records(folder.path()).len(), 1);
}

#[test]
fn a_worker_that_the_system_refuses_is_named_at_once() {
    let folder = TempDir::new().unwrap();
    // A limit on the address space, of 1 GB, stands in for one on threads: the stacks of these workers take twice as much.
    let output = program("sh")
        .args([
            "-c",
            "ulimit -v 1000000; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_taskdyno"),
        ])
        .args([
            "run",
            "empty/pattern=chain",
            "--backends",
            "tokio,thread-pool",
        ])
        .args(["--workers", "1024", "--timeout", "600", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let records = records(folder.path());
    assert_eq!(records.len(), 2);
    for record in records {
        let error = &record["error"];
        assert_eq!(error["kind"], "set-up", "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("cannot start worker "), "{message}");
        assert!(message.contains(" of 1024: "), "{message}");
    }
}

/// A run of one case that never ends by itself, since its kernel hangs.
fn endless_run(folder: &Path) -> Command {
    let mut command = program(example("broken"));
    command
        .args(["run", "broken/mishap=hang/fork/2", "--exact"])
        .args(["--workers", "2", "--timeout", "600", "--out"])
        .arg(folder)
        .arg("--workloads")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/broken.toml"));
    command
}

type Said = Lines<BufReader<ChildStderr>>;

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

/// Starts a command, and waits until it has said its first line: it catches signals then, and has its file.
fn begun(mut command: Command) -> (Child, String, Said) {
    heed_hang_ups(&mut command);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    (child, first, said)
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_leaves_no_process() {
    let folder = TempDir::new().unwrap();
    let (mut child, first, mut said) = begun(endless_run(folder.path()));
    assert_eq!(first, "measuring 1 cases");
    // The case's process and its two workers, one of which hangs for good.
    let family = loop {
        let family = descendants(child.id());
        if family.len() == 3 {
            break family;
        }
        std::thread::yield_now();
    };
    // It waits without a thread of its own, so that no limit on threads keeps it from being ended.
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    assert_eq!(threads.count(), 1);
    // Descriptors that stand for these very processes, whatever their numbers come to stand for.
    let family: Vec<_> = family.into_iter().map(watch).collect();
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(said.any(|line| line.unwrap().contains("go on with --resume")));
    // Each of them ends, which makes its descriptor readable.
    for process in &family {
        poll(&mut [PollFd::new(process, PollFlags::IN)], None).unwrap();
    }
}

#[test]
fn runs_that_are_ended_before_their_first_record_lose_none() {
    let folder = TempDir::new().unwrap();
    let records = folder.path().join("records.jsonl");
    fs::write(&records, "measured before\n").unwrap();
    // Whoever ends it says so with another code.
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (mut child, _, mut said) = begun(endless_run(folder.path()));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal:?}");
        assert!(said.any(|line| line.unwrap().contains("interrupted: 0 records")));
    }
    let previous = folder.path().join("records.previous.jsonl");
    assert_eq!(fs::read_to_string(previous).unwrap(), "measured before\n");
    assert_eq!(fs::read_to_string(&records).unwrap(), "");
}

#[test]
fn requests_to_end_reach_every_command_that_measures() {
    let folder = TempDir::new().unwrap();
    let mut metg = taskdyno();
    metg.args(["metg", "hash-cpu", "--backends", "static", "--workers", "2"])
        .args(["--sweeps", "1000000", "--max-time", "600", "--out"])
        .arg(folder.path());
    let mut chaos = taskdyno();
    chaos
        .args(["chaos", "empty/pattern=chain/fork", "--workers", "2"])
        .args(["--runs", "1000000"]);
    for (command, signal, code) in [(metg, Signal::HUP, 129), (chaos, Signal::TERM, 143)] {
        let (mut child, _, mut said) = begun(command);
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(said.any(|line| line.unwrap().starts_with("interrupted: ")));
    }
}

#[test]
fn a_hang_up_that_is_ignored_from_the_start_stays_so() {
    let folder = TempDir::new().unwrap();
    let run = endless_run(folder.path());
    let mut nohup = program("sh");
    nohup
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(run.get_program())
        .args(run.get_args());
    let (mut child, ..) = begun(nohup);
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::HUP).unwrap();
    // Its code would be that of the hang-up, which came first.
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn a_folder_has_one_run_at_a_time() {
    let folder = TempDir::new().unwrap();
    let (mut first, ..) = begun(endless_run(folder.path()));
    let holder = format!("process {} (", first.id());
    for more in [None, Some("--resume")] {
        let output = quick_run(folder.path()).args(more).output().unwrap();
        assert_says(&output, 2, &[&holder, "broken", "--out DIR"]);
    }
    // However it ends, others may go on.
    first.kill().unwrap();
    first.wait().unwrap();
    let output = quick_run(folder.path()).arg("--resume").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(records(folder.path()).len(), 3);
    assert!(!folder.path().join("records.jsonl.lock").exists());
}

#[test]
fn a_run_goes_on_only_with_the_settings_that_it_had() {
    let folder = TempDir::new().unwrap();
    let run = |more: &[&str]| {
        let mut run = taskdyno();
        run.args(["run", "--runs", "2", "--workers", "2", "--out"])
            .arg(folder.path())
            .args(more);
        run.output().unwrap()
    };
    let empty = ["empty/pattern=chain", "--backends", "crossbeam", "--pin"];
    assert_eq!(run(&empty).status.code(), Some(0));
    let before = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    let refused = [
        (vec![], "`case.pin` was true and is now false"),
        (
            vec!["--pin", "--continuation", "inline"],
            "`case.continuation` was \"queue\" and is now \"inline\"",
        ),
        (
            vec!["--pin", "--warmup", "0"],
            "`plan.warmup_ns` was 20000000 and is now 0",
        ),
    ];
    // Whether the case is asked for again or another one.
    for filter in ["empty/pattern=chain", "empty/pattern=trivial"] {
        for (more, words) in &refused {
            let mut arguments = vec![filter, "--backends", "crossbeam", "--resume"];
            arguments.extend(more);
            assert_says(&run(&arguments), 2, &[words, "leave out --resume"]);
        }
    }
    let now = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    assert_eq!(now, before);
    // Asked whether the machine is quiet, it keeps to what was found then.
    let auto = ["--backends", "crossbeam", "--resume", "--pin=auto"];
    let output = run(&[&["empty/pattern=chain"], &auto[..]].concat());
    assert_says(&output, 0, &["1 of 1 cases have a record already"]);
}

#[test]
fn a_run_that_goes_on_reads_before_it_cuts() {
    let folder = TempDir::new().unwrap();
    quick_run(folder.path()).output().unwrap();
    let path = folder.path().join("records.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let resume = || quick_run(folder.path()).arg("--resume").output().unwrap();

    // The last record lacks nothing but its line end.
    fs::write(&path, whole.trim_end()).unwrap();
    assert_says(&resume(), 0, &["3 of 3 cases have a record already"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);

    let first = whole.lines().next().unwrap();
    let second_is_bad = format!("{first}\noops\n{}", &first[..100]);
    for (text, place) in [
        ("not a record".to_owned(), "records.jsonl:1"),
        (first[..100].to_owned(), "records.jsonl:1"),
        (second_is_bad, "records.jsonl:2"),
    ] {
        fs::write(&path, &text).unwrap();
        assert_says(&resume(), 2, &[place, "leave out --resume"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

fn watch(process: u32) -> OwnedFd {
    let pid = Pid::from_raw(process as i32).unwrap();
    pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

/// The processes below `pid`, children before grandchildren.
fn descendants(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    let children: Vec<u32> = text
        .split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect();
    let below = children.iter().flat_map(|child| descendants(*child));
    children
        .iter()
        .copied()
        .chain(below.collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let script = "\"$0\" list | head -n 1; echo ${PIPESTATUS[0]}";
    let output = program("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_taskdyno")])
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "backends\n0\n");
}

#[test]
fn doctor_says_something() {
    let output = taskdyno().arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!stdout(&output).trim().is_empty());
}

#[test]
fn completions_are_a_script() {
    let output = taskdyno().args(["completions", "bash"]).output().unwrap();
    assert!(stdout(&output).contains("_taskdyno"));
}

#[test]
fn chaos_kills_workers_and_says_in_a_line_what_became_of_the_runs() {
    let chaos = |filter: &str| {
        let output = taskdyno()
            .args(["chaos", filter, "--kill-rate", "0.02", "--seed", "7"])
            .args(["--runs", "2", "--workers", "2"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        stdout(&output)
    };
    let survived = chaos("empty/pattern=stencil-1d");
    assert!(survived.starts_with("survived: 8 runs"), "{survived}");
    assert!(!survived.contains(" 0 recovered"), "{survived}");
    // What is not tried again gives up, with a lock that dies in somebody's hands or without.
    let gave_up = chaos("counter-contention/variant=mutex");
    assert!(!gave_up.contains(" 0 gave up"), "{gave_up}");
}

/// All variables that the help of these commands names.
fn variables(commands: &[&str]) -> Vec<String> {
    let helps = commands.iter().map(|command| {
        let output = taskdyno().args([command, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        stdout(&output)
    });
    let help: String = helps.collect();
    // Help breaks its lines at any blank.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let variables = help.split("[env: ").skip(1);
    let mut variables: Vec<String> = variables
        .map(|rest| rest.split('=').next().unwrap().to_owned())
        .collect();
    variables.sort_unstable();
    variables.dedup();
    variables
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let folder = TempDir::new().unwrap();
    let first = folder.path().join("first");
    assert_eq!(quick_run(&first).status().unwrap().code(), Some(0));
    let commands = [
        "run", "list", "report", "metg", "chaos", "compare", "history", "export", "gate",
    ];
    let variables = variables(&commands);
    assert!(variables.len() > 50, "{variables:?}");
    let program = env!("CARGO_BIN_EXE_taskdyno");
    for arguments in [
        &["list"][..],
        &["run", "--dry-run"],
        &["metg", "--dry-run"],
        &["gate", "--base", program, "--head", program, "--dry-run"],
        &["chaos", "empty/pattern=chain/fork/1", "--runs", "1"],
        &["report", "first"],
        &["compare", "first", "first"],
        &["history", "first"],
        &["export", "first", "--format", "csv"],
        &["baseline", "list"],
    ] {
        let mut command = taskdyno();
        command.args(arguments).current_dir(folder.path());
        let unset = command.output().unwrap();
        command.envs(variables.iter().map(|name| (name, "")));
        let empty = command.output().unwrap();
        assert_eq!(stderr(&empty), stderr(&unset), "{arguments:?}");
        assert_eq!(stdout(&empty), stdout(&unset), "{arguments:?}");
        assert_eq!(empty.status, unset.status, "{arguments:?}");
    }
}

#[test]
fn variables_for_one_command_do_not_reach_another() {
    let folder = TempDir::new().unwrap();
    for name in ["first", "second"] {
        let status = quick_run(&folder.path().join(name)).status().unwrap();
        assert_eq!(status.code(), Some(0));
    }
    let with = |variable: (&str, &str), arguments: &[&str]| {
        let mut command = taskdyno();
        command.env(variable.0, variable.1).args(arguments);
        let output = command.current_dir(folder.path()).output().unwrap();
        assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
        stdout(&output)
    };
    // Formats of verdicts, a folder, and a baseline to look at after a run.
    assert!(with(("TASKDYNO_FORMAT", "junit"), &["list"]).contains("backends"));
    let history = with(("TASKDYNO_OUT", "folder"), &["history", "first"]);
    assert!(history.contains("empty/pattern=chain"), "{history}");
    assert!(!folder.path().join("folder").exists());
    let both = ["compare", "first", "second"];
    let compared = with(("TASKDYNO_BASELINE", "main"), &both);
    assert!(compared.contains(" against first "), "{compared}");
    let list = with(("TASKDYNO_LIST_FORMAT", "json"), &["list"]);
    assert!(list.starts_with('['), "{list}");
}

#[test]
fn colour_comes_always_never_or_as_the_surroundings_say() {
    let folder = TempDir::new().unwrap();
    let colored = |color: &str, variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = taskdyno();
        command.env_remove("NO_COLOR").envs(variables.to_vec());
        command.current_dir(folder.path()).args(arguments);
        let output = command.args(["--color", color]).output().unwrap();
        [stdout(&output), stderr(&output)].map(|text| text.contains('\u{1b}'))
    };
    let run = [
        "run",
        "empty/pattern=chain/serial",
        "--runs",
        "1",
        "--warmup",
        "0",
        "--out",
        "out",
    ];
    let wrong = ["run", "no-such-case"];
    let refused = ["run", "--no-such-flag"];
    let force = ("CLICOLOR_FORCE", "1");
    for (arguments, streams) in [
        (&run[..], [true, false]),
        (&["--help"], [true, false]),
        (&wrong, [false, true]),
        (&refused, [false, true]),
    ] {
        assert_eq!(colored("always", &[], arguments), streams, "{arguments:?}");
        let never = colored("never", &[force], arguments);
        assert_eq!(never, [false; 2], "{arguments:?}");
        // A pipe has no colour unless it is forced to, and `NO_COLOR` goes before that.
        assert_eq!(colored("auto", &[], arguments), [false; 2]);
        assert_eq!(colored("auto", &[force], arguments), streams);
        let none = colored("auto", &[force, ("NO_COLOR", "1")], arguments);
        assert_eq!(none, [false; 2], "{arguments:?}");
    }
}

#[test]
fn a_program_of_ones_own_has_its_own_name() {
    let own = |arguments: &[&str]| {
        let mut command = program(example("custom_backend"));
        command.args(arguments).output().unwrap()
    };
    let version = format!("custom_backend (taskdyno {})\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&own(&["--version"])), version);
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&own(&["completions", shell]));
        assert!(script.contains("custom_backend"), "{shell}");
        // Help that speaks of taskdyno itself is in it too.
        let commands = ["_taskdyno", "-c taskdyno", "compdef taskdyno", "`taskdyno "];
        let found = commands.iter().find(|one| script.contains(**one));
        assert_eq!(found, None, "{shell}");
    }
    let help = stdout(&own(&["run", "--help"]));
    assert!(help.contains("Usage: custom_backend run"), "{help}");
    assert!(help.contains("`custom_backend list`"), "{help}");
    let refused = own(&["run", "no-such-case"]);
    assert_says(&refused, 2, &["`custom_backend run --dry-run` prints"]);
}

#[test]
fn a_workload_that_has_to_be_named_is_started_by_its_name_alone() {
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
            assert_says(&output, 2, &["`rare/", "has to be asked for"]);
        }
        stdout(&output)
            .lines()
            .filter(|id| id.starts_with("rare/"))
            .count()
    };
    let backends = ["--backends", "serial,rayon"];
    let with = |filter: &[&str]| count(&[&backends[..], filter].concat());
    // A backend, a parameter, nothing at all.
    assert_eq!(with(&["rayon"]), 0);
    assert_eq!(with(&["/steps=2/"]), 0);
    assert_eq!(with(&["/1"]), 0);
    assert_eq!(with(&[""]), 0);
    assert_eq!(with(&[]), 0);
    // The name, the end of it, and ids that begin with it.
    assert_eq!(with(&["rare"]), 4);
    assert_eq!(with(&["are/"]), 4);
    assert_eq!(with(&["rare/steps=2"]), 2);
    assert_eq!(with(&["rare/steps=2/rayon/1"]), 1);
    assert_eq!(with(&["--exact", "rare"]), 4);
    assert_eq!(with(&["--exact", "rare/steps=2/rayon/1"]), 1);
}
