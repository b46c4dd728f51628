//! Runs the tests of the child in `peers/python` and of the example in `docs/child.py`, which are written in Python.
//! They have a parent and an implementation of all formulas of their own. Then runs both children in the program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use toml::Table;

#[path = "python/commands.rs"]
mod commands;
#[path = "python/parties.rs"]
mod parties;

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

const NEEDED: &str = "these tests need `python3`, version 3.9 or later, on the path";

/// The interpreter behind `python3`, which may be a script that looks for it each time.
fn interpreter() -> PathBuf {
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable, end='')"])
        .output()
        .expect(NEEDED);
    String::from_utf8(output.stdout).unwrap().into()
}

/// The search path, with the folder of the interpreter first.
fn search_path() -> OsString {
    let folder = interpreter().parent().unwrap().to_owned();
    let usual = env::var_os("PATH").unwrap_or_default();
    env::join_paths([folder].into_iter().chain(env::split_paths(&usual))).unwrap()
}

/// Lets all interpreters that `command` starts keep compiled files outside the folder of the child, which the program
/// includes.
fn compiling_elsewhere(command: &mut Command) -> &mut Command {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    command
        .env("PYTHONPYCACHEPREFIX", folder)
        .env_remove("PYTHONDONTWRITEBYTECODE")
}

/// Runs the tests of this name, a module in `tests/python` or a part of it.
fn run(name: &str) {
    let folder = root().join("tests/python");
    let output = compiling_elsewhere(&mut Command::new(interpreter()))
        .args(["-m", "unittest", name])
        .current_dir(folder)
        .output()
        .expect(NEEDED);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}:\n{errors}");
}

#[test]
#[ignore = "needs python3"]
fn every_python_backend_computes_every_graph() {
    run("test_backends.EveryBackend.test_every_graph");
}

#[test]
#[ignore = "needs python3"]
fn every_python_backend_computes_every_kernel() {
    run("test_backends.EveryBackend.test_every_kernel");
}

#[test]
#[ignore = "needs python3"]
fn every_python_backend_computes_with_every_option() {
    run("test_backends.EveryBackend.test_every_option");
}

#[test]
#[ignore = "needs python3"]
fn every_python_backend_computes_in_a_child() {
    run("test_backends.EveryBackend.test_every_backend_in_a_child");
}

#[test]
#[ignore = "needs python3"]
fn python_failures_are_told_and_leave_nothing_behind() {
    run("test_failures");
}

#[test]
#[ignore = "needs python3"]
fn the_python_example_in_the_documentation_works() {
    run("test_example");
}

#[test]
#[ignore = "needs python3"]
fn the_sources_are_valid_in_every_supported_python() {
    run("test_source");
}

fn greeting(child: &Path) -> Value {
    let mut process = compiling_elsewhere(&mut Command::new(interpreter()))
        .arg(child)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(NEEDED);
    let mut requests = process.stdin.take().unwrap();
    writeln!(requests, r#"{{"hello":{{"versions":[2]}}}}"#).unwrap();
    drop(requests);
    let output = process.wait_with_output().unwrap();
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    reply["greeting"].clone()
}

/// The backends of a file, each with the values that hold for all backends.
fn stated(file: &Path) -> Vec<Table> {
    let mut top: Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let backends = top.remove("backend").unwrap();
    let backends = backends.as_array().unwrap().iter();
    backends
        .map(|backend| {
            let mut all = top.clone();
            all.extend(backend.as_table().unwrap().clone());
            all
        })
        .collect()
}

#[test]
#[ignore = "needs python3"]
fn the_python_greeting_says_what_the_file_of_backends_says() {
    let folder = root().join("peers/python");
    let greeting = greeting(&folder.join("child.py"));
    let stated = stated(&folder.join("backends.toml"));
    let greeted = greeting["backends"].as_array().unwrap();
    assert_eq!(greeted.len(), stated.len());
    for (greeted, stated) in greeted.iter().zip(&stated) {
        let json = |key: &str| {
            stated
                .get(key)
                .map(|value| serde_json::to_value(value).unwrap())
        };
        let name = &greeted["name"];
        for key in ["name", "why", "family"] {
            assert_eq!(Some(&greeted[key]), json(key).as_ref(), "{name} {key}");
        }
        assert_eq!(Some(&greeted["kernels"]), json("kernels").as_ref());
        for lacked in stated["lacks"].as_table().unwrap().keys() {
            let kernels = greeted["kernels"].as_array().unwrap();
            assert!(!kernels.iter().any(|one| one == lacked), "{name} {lacked}");
        }
        assert_eq!(Some(&greeting["kinds"]), json("kinds").as_ref());
        let workers = json("workers").unwrap_or(Value::Null);
        assert_eq!(greeted["fixed_worker_count"], workers, "{name}");
        let waits = match json("waits_per_worker") {
            Some(count) if count == "unlimited" => Value::Null,
            Some(count) => count,
            None => 1.into(),
        };
        assert_eq!(greeted["waits_per_worker"], waits, "{name}");
        let mut options = json("options").unwrap_or(Value::Array(Vec::new()));
        for option in options.as_array_mut().unwrap() {
            option.as_object_mut().unwrap().remove("why");
        }
        assert_eq!(greeted["options"], options, "{name}");
    }
}

/// Runs `taskdyno conform` on a child, for some of its backends.
fn assert_conforms(child: &Path, backends: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
    command.args(["conform", "--backends", &backends.join(","), "--"]);
    // Without the folders of other packages, which no child needs, the interpreter starts faster.
    command.arg(interpreter()).arg("-S").arg(child);
    let output = compiling_elsewhere(&mut command).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{backends:?}:\n{text}");
}

/// Tests the backends of some families.
fn assert_families_conform(is_tested: impl Fn(&str) -> bool) {
    let folder = root().join("peers/python");
    let stated = stated(&folder.join("backends.toml"));
    let word = |backend: &Table, key: &str| backend[key].as_str().unwrap().to_owned();
    let tested = stated.iter().filter(|one| is_tested(&word(one, "family")));
    let names: Vec<String> = tested.map(|backend| word(backend, "name")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(!names.is_empty());
    assert_conforms(&folder.join("child.py"), &names);
}

fn has_processes(family: &str) -> bool {
    ["processes", "mixed"].contains(&family)
}

#[test]
#[ignore = "needs python3"]
fn python_backends_in_one_process_conform() {
    assert_families_conform(|family| !has_processes(family));
}

#[test]
#[ignore = "needs python3"]
fn python_backends_with_processes_conform() {
    assert_families_conform(has_processes);
}

#[test]
#[ignore = "needs python3"]
fn the_python_example_conforms() {
    assert_conforms(&root().join("docs/child.py"), &["example-loop"]);
}

/// Every kernel of the child, as in workload files.
const KERNELS: [&str; 6] = [
    r#"{ kind = "empty" }"#,
    r#"{ kind = "sleep", duration_ms = 1 }"#,
    r#"{ kind = "hash", block_bytes = 64, times = 3 }"#,
    r#"{ kind = "loop", iterations = 100 }"#,
    r#"{ kind = "counter", variant = "racy", increments = 10 }"#,
    r#"{ kind = "counter", variant = "mutex", increments = 10 }"#,
];

/// A folder with a workload `peer-N` for each kernel, and the cache and the results of the runs in it.
struct Runs {
    folder: TempDir,
}

impl Runs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workloads = folder.path().join("workloads");
        fs::create_dir(&workloads).unwrap();
        for (index, kernel) in KERNELS.iter().enumerate() {
            let name = format!("peer-{index}");
            let text = format!(
                "name = {name:?}\nwhy = \"a test\"\nkernel = {kernel}\n\
                 pattern = {{ kind = \"stencil-1d\", width = 5, steps = 3 }}\n"
            );
            fs::write(workloads.join(format!("{name}.toml")), text).unwrap();
        }
        Self { folder }
    }

    /// Runs the cases whose ids contain `filter` on these backends, which must not fail, and returns their records.
    fn run(&self, filter: &str, backends: &str, search_path: &OsStr) -> Vec<Value> {
        let path = |name: &str| self.folder.path().join(name);
        let out = path(&format!("out-{filter}"));
        let output = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
            .args(["run", filter, "--runs", "2", "--warmup", "0", "--quiet"])
            .args(["--workers", "2", "--backends", backends])
            .args([OsStr::new("--workloads"), path("workloads").as_os_str()])
            .args([OsStr::new("--out"), out.as_os_str()])
            .env("XDG_CACHE_HOME", self.folder.path())
            .env("PATH", search_path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let records = fs::read_to_string(out.join("records.jsonl")).unwrap();
        let records = records
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        records
            .inspect(|record: &Value| assert_eq!(record["error"], Value::Null, "{record}"))
            .collect()
    }
}

#[test]
#[ignore = "needs python3"]
fn python_backends_and_kernels_run_in_the_program() {
    let stated = stated(&root().join("peers/python/backends.toml"));
    let names = stated.iter().map(|one| one["name"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    let (runs, search_path) = (Runs::new(), search_path());
    // The conformance tests run every kernel on every backend.
    let records = runs.run("peer-0", &names.join(","), &search_path);
    assert_eq!(records.len(), names.len());
    let records = runs.run("peer-", "python-thread-pool", &search_path);
    assert_eq!(records.len(), KERNELS.len());
    for record in &records {
        assert_eq!(
            record["runtime"]["details"]["global_lock"], "on",
            "{record}"
        );
    }
}

#[test]
#[ignore = "needs python3"]
fn a_free_threaded_python_is_used_and_its_record_says_that_it_has_no_lock() {
    let runs = Runs::new();
    // A stand-in: it is the usual interpreter, and claims to have no lock. A real one has not been tried.
    let stand_in = runs.folder.path().join("python3.14t");
    let script = format!(
        "#!/bin/sh\nexec {:?} -c 'import sys, runpy\nsys._is_gil_enabled = lambda: False\ndel sys.argv[0]\n\
         runpy.run_path(sys.argv[0], run_name=\"__main__\")' \"$@\"\n",
        interpreter()
    );
    fs::write(&stand_in, script).unwrap();
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
    let folders = [runs.folder.path().to_owned()].into_iter();
    let search_path = env::join_paths(folders.chain(env::split_paths(&search_path()))).unwrap();
    let backends = "python-thread-pool,python-t-thread-pool,python-t-process-pool";
    let records = runs.run("peer-3", backends, &search_path);
    let lock_of = |backend: &str| {
        let is_it = |record: &&Value| record["case"]["backend"] == backend;
        let record = records.iter().find(is_it).unwrap();
        record["runtime"]["details"]["global_lock"].clone()
    };
    assert_eq!(lock_of("python-thread-pool"), "on");
    assert_eq!(lock_of("python-t-thread-pool"), "off");
    assert_eq!(lock_of("python-t-process-pool"), "off");
}
