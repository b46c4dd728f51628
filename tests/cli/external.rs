//! Backends that other programs drive: how they are named, listed, selected and run, and what is said if they fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{assert_complains, assert_says, example, records, stderr, stdout, taskdyno};

mod mpi;
mod peers;

/// A folder with a file of backends and the programs that they start.
struct Place {
    folder: TempDir,
}

impl Place {
    /// A folder with these backends. Each is a name, a command in the syntax of the file, and further lines.
    fn new(backends: &[(&str, &str, &str)]) -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        let entry = |(name, command, lines): &(&str, &str, &str)| {
            format!(
                "[[backend]]\nname = \"{name}\"\nwhy = \"a test\"\nfamily = \"threads\"\n\
                 command = {command}\nkernels = [\"empty\"]\n{lines}\n"
            )
        };
        let text: String = backends.iter().map(entry).collect();
        fs::write(place.path("backends.toml"), text).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a program that is a shell script with this text.
    fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Adds a folder with a workload `own`, and with the file of backends.
    fn workloads(&self) -> PathBuf {
        let folder = self.path("workloads");
        fs::create_dir(&folder).unwrap();
        let workload = "name = \"own\"\nwhy = \"a test\"\nkernel = { kind = \"empty\" }\n\
                        pattern = { kind = \"chain\", steps = 3 }\n";
        fs::write(folder.join("own.toml"), workload).unwrap();
        fs::rename(self.path("backends.toml"), folder.join("backends.toml")).unwrap();
        folder
    }

    /// Runs a command with `--external` for the file of backends.
    fn command(&self, arguments: &[&str]) -> Output {
        let mut command = taskdyno();
        command.args(arguments).arg("--external");
        let output = command.arg(self.path("backends.toml")).output();
        output.unwrap()
    }

    /// Runs the case `empty/pattern=chain` on these backends, and returns the output and the records.
    fn run(&self, backends: &str) -> (Output, Vec<Value>) {
        let out = self.path("out");
        let name = out.to_str().unwrap();
        let mut arguments = vec!["run", "empty/pattern=chain", "--runs", "2", "--warmup", "0"];
        arguments.extend(["--workers", "1", "--out", name, "--backends", backends]);
        let output = self.command(&arguments);
        (output, records(Path::new(&out)))
    }
}

/// The error of the record of this backend, as one line.
fn error_of(records: &[Value], backend: &str) -> String {
    let is_it = |record: &&Value| record["case"]["backend"] == backend;
    let record = records.iter().find(is_it).unwrap();
    let message = record["error"]["message"].as_str();
    let kind = record["error"]["kind"].as_str();
    format!(
        "{}: {}",
        kind.unwrap_or("none"),
        message.unwrap_or_default()
    )
}

#[test]
fn listing_and_checking_start_no_program() {
    let place = Place::new(&[("foreign", "[\"./child\"]", "")]);
    place.script("child", "touch started");
    let listed = place.command(&["list"]);
    let lines = stdout(&listed);
    let line = lines.lines().find(|line| line.contains("foreign"));
    assert!(line.unwrap().contains("threads"), "{lines}");
    assert_says(
        &place.command(&["check"]),
        0,
        &["foreign: a test", "./child"],
    );
    let dry = ["run", "empty/", "--dry-run", "--backends", "foreign"];
    assert_says(&place.command(&dry), 0, &["empty/pattern=chain/foreign/1"]);
    let dry = ["metg", "empty", "--dry-run", "--backends", "foreign"];
    assert_complains(
        &place.command(&dry),
        2,
        &["no selected case has a kernel with a size"],
    );
    assert!(!place.path("started").exists());
    // It is started when it is to be measured.
    let (output, records) = place.run("foreign");
    assert_eq!(output.status.code(), Some(1));
    assert!(place.path("started").exists(), "{records:?}");
}

#[test]
fn the_file_beside_workloads_is_read_only_with_its_folder() {
    let place = Place::new(&[("foreign", "[\"./child\"]", "")]);
    let folder = place.workloads();
    let ids = |path: &Path| {
        let mut run = taskdyno();
        run.args(["run", "own", "--dry-run", "--workers", "1", "--workloads"]);
        stdout(&run.arg(path).output().unwrap())
    };
    assert!(ids(&folder).contains("own/foreign/1"));
    assert!(!ids(&folder.join("own.toml")).contains("foreign"));
    let check = |path: &Path| taskdyno().arg("check").arg(path).output().unwrap();
    let words = ["own: a test", "foreign: a test"];
    assert_says(&check(&folder), 0, &words);
    assert_says(&check(&folder.join("backends.toml")), 0, &words[1..]);
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let place = Place::new(&[("serial", "[\"./child\"]", "wokers = 1")]);
    for command in [&["list"][..], &["check"], &["run", "--dry-run"]] {
        let words = ["backends.toml:7", "did you mean `workers`?"];
        assert_complains(&place.command(command), 2, &words);
    }
    let place = Place::new(&[("serial", "[\"./child\"]", "")]);
    assert_complains(&place.command(&["list"]), 2, &["`serial` is already taken"]);
    let missing = taskdyno()
        .args(["list", "--external", "none.toml"])
        .output();
    assert_complains(&missing.unwrap(), 2, &["cannot read `none.toml`"]);
}

#[test]
fn cases_that_a_backend_cannot_run_are_left_out_with_the_reason() {
    let place = Place::new(&[("foreign", "[\"./child\"]", "")]);
    let mut run = vec!["run", "--dry-run", "--workers", "1"];
    run.extend(["--backends", "foreign"]);
    let output = place.command(&run);
    let ids = stdout(&output);
    assert!(ids.lines().all(|id| id.contains("/foreign/")), "{ids}");
    assert!(ids.contains("empty/pattern=chain/"), "{ids}");
    assert!(!ids.contains("hash-cpu"), "{ids}");
    assert_complains(
        &output,
        0,
        &["not applicable: ", "`foreign` has no kernel `hash`"],
    );
    run.push("hash-cpu");
    let words = ["no selected case can run", "`foreign` has no kernel `hash`"];
    assert_complains(&place.command(&run), 2, &words);
}

#[test]
fn a_backend_with_default_workloads_runs_elsewhere_only_if_named() {
    let place = Place::new(&[(
        "foreign",
        "[\"./child\"]",
        "default_workloads = [\"sleep-io\"]",
    )]);
    let dry = ["run", "empty/pattern=chain", "--dry-run"];
    assert!(!stdout(&place.command(&dry)).contains("foreign"));
    let named = [&dry[..], &["--backends", "foreign"]].concat();
    assert!(stdout(&place.command(&named)).contains("foreign"));
}

#[test]
fn a_runtime_in_another_program_is_measured_beside_the_others() {
    let program = example("custom_backend");
    let command = format!("[{program:?}, \"child\"]");
    let place = Place::new(&[("batches", &command, "")]);
    let (output, records) = place.run("serial,batches");
    assert_eq!(records.len(), 2, "{}", stderr(&output));
    for record in &records {
        assert_eq!(record["digest"], records[0]["digest"]);
    }
    let families: Vec<_> = records.iter().map(|one| one["family"].as_str()).collect();
    assert!(families.contains(&Some("threads")), "{families:?}");
}

#[test]
fn a_program_that_fails_is_an_error_row_that_says_what_to_do() {
    let place = Place::new(&[
        ("nowhere", "[\"no-such-interpreter\", \"child.py\"]", ""),
        ("unfound", "[\"./unfound\"]", ""),
        ("dying", "[\"./dying\"]", ""),
        ("chatting", "[\"./chatting\"]", ""),
        ("old", "[\"./old\"]", ""),
        ("newer", "[\"./newer\"]", ""),
        ("other", "[\"./other\"]", ""),
        ("forking", "[\"./forking\"]", ""),
        ("lacking", "[\"./lacking\"]", ""),
    ]);
    place.script("dying", "echo no module named x >&2; exit 3");
    place.script("chatting", "echo Welcome; cat > /dev/null");
    let reply = |json: &str| format!("read line; echo '{json}'; cat > /dev/null");
    let unknown = r#"{"error":{"kind":"protocol","message":"unknown request"}}"#;
    place.script("old", &format!("read line; echo '{unknown}'; exit 1"));
    let greeting = |version: u32, name: &str, family: &str, kernel: &str| {
        let backends = json!([{"name": name, "family": family}]);
        let greeting = json!({
            "version": version, "language": "sh", "runtime": "sh", "runtime_version": "1",
            "backends": backends, "kernels": [kernel], "kinds": ["graph"],
        });
        json!({"greeting": greeting}).to_string()
    };
    let newer = greeting(9, "newer", "threads", "empty");
    place.script("newer", &reply(&newer));
    let other = greeting(2, "another", "threads", "empty");
    place.script("other", &reply(&other));
    let forking = greeting(2, "forking", "processes", "empty");
    place.script("forking", &reply(&forking));
    let lacking = greeting(2, "lacking", "threads", "sleep");
    place.script("lacking", &reply(&lacking));
    let (output, records) =
        place.run("nowhere,unfound,dying,chatting,old,newer,other,forking,lacking,serial");
    assert_eq!(output.status.code(), Some(1));
    for (backend, words) in [
        (
            "nowhere",
            &["set-up", "no-such-interpreter", "install it"][..],
        ),
        ("unfound", &["set-up", "./unfound", "correct `command`"]),
        ("dying", &["no module named x"]),
        ("chatting", &["protocol", "Welcome"]),
        ("old", &["protocol", "must speak version 2"]),
        ("newer", &["protocol", "version 9"]),
        (
            "other",
            &["protocol", "has no backend `other`, but another"],
        ),
        (
            "forking",
            &["the file says family threads, the greeting processes"],
        ),
        (
            "lacking",
            &["has no kernel `empty`", "correct the entry of `lacking`"],
        ),
        // The other cases go on.
        ("serial", &["none"]),
    ] {
        let error = error_of(&records, backend);
        for word in words {
            assert!(
                error.contains(word),
                "{backend}: {word:?} is not in {error}"
            );
        }
    }
}

#[test]
fn the_keys_of_a_file_decide_whether_it_has_backends() {
    let place = Place::new(&[("foreign", "[\"./child\"]", "")]);
    let other = place.path("other.toml");
    fs::rename(place.path("backends.toml"), &other).unwrap();
    let check = |path: &Path| taskdyno().arg("check").arg(path).output().unwrap();
    let output = check(&other);
    assert_says(&output, 0, &["foreign: a test", "./child"]);
    assert_complains(
        &output,
        0,
        &["other.toml` is checked as a file of backends"],
    );

    let folder = place.path("named");
    fs::create_dir(&folder).unwrap();
    let workload = folder.join("backends.toml");
    let text = "name = \"own\"\nwhy = \"a test\"\nkernel = { kind = \"empty\" }\n\
                pattern = { kind = \"chain\", steps = 3 }\n";
    fs::write(&workload, text).unwrap();
    let output = check(&workload);
    assert_says(&output, 0, &["own: a test"]);
    assert_complains(
        &output,
        0,
        &["backends.toml` is checked as a workload file"],
    );
}

#[test]
fn checking_finds_default_workloads_that_do_not_exist() {
    let check = |names: &str| {
        let lines = format!("default_workloads = {names}");
        let place = Place::new(&[("foreign", "[\"./child\"]", &lines)]);
        let folder = place.workloads();
        taskdyno().arg("check").arg(folder).output().unwrap()
    };
    assert_says(&check("[\"own\", \"loop-cpu\"]"), 0, &["foreign: a test"]);
    let words = ["backends.toml:7", "no workload \"lop-cpu\"", "`loop-cpu`?"];
    assert_complains(&check("[\"own\", \"lop-cpu\"]"), 2, &words);
}

#[test]
fn a_pipe_is_no_file_of_backends() {
    let place = Place::new(&[]);
    let pipe = place.path("backends.toml");
    fs::remove_file(&pipe).unwrap();
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let words = ["backends.toml` is a pipe", "write the backends to a file"];
    assert_complains(&place.command(&["list"]), 2, &words);
}

#[test]
fn a_gate_compares_two_versions_of_a_foreign_runtime() {
    let program = example("custom_backend");
    let command = format!("[{program:?}, \"child\"]");
    let (base, head) = (
        Place::new(&[("batches", &command, ""), ("gone", "[\"./child\"]", "")]),
        Place::new(&[("batches", &command, "")]),
    );
    let out = base.path("out");
    let gate = |more: &[&str]| {
        let mut gate = taskdyno();
        gate.args(["gate", "empty/pattern=chain", "--workers", "1"])
            .args(["--pairs", "8", "--out"])
            .arg(&out)
            .args(more);
        gate.arg("--base-external").arg(base.path("backends.toml"));
        gate.arg("--head-external").arg(head.path("backends.toml"));
        gate.output().unwrap()
    };
    let dry = gate(&["--dry-run"]);
    assert_eq!(stdout(&dry).trim(), "empty/pattern=chain/batches/1");
    let both = gate(&["--dry-run", "--base", "HEAD"]);
    assert_complains(&both, 2, &["cannot be used with"]);

    let output = gate(&[]);
    let text = fs::read_to_string(out.join("gate.json"));
    let text = text.unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    let comparison: Value = serde_json::from_str(&text).unwrap();
    let name = head.path("backends.toml").display().to_string();
    assert_eq!(comparison["head"]["name"], name);
    assert_eq!(comparison["cases"][0]["wall"]["pair_count"], 8, "{text}");
    assert_eq!(comparison["missing"][0]["id"], "empty/pattern=chain/gone/1");
}
