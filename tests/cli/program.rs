//! Starts the program and its examples, and looks at what they print and write.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A built program, without the settings of the user who runs the tests.
pub(crate) fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TASKDYNO_") {
            command.env_remove(name);
        }
    }
    // The verdicts of these runs are not those of the job that runs the tests.
    command
        .env("NO_COLOR", "1")
        .env_remove("GITHUB_STEP_SUMMARY");
    command
}

pub(crate) fn taskdyno() -> Command {
    program(env!("CARGO_BIN_EXE_taskdyno"))
}

/// The path of an example program. Cargo builds the examples together with the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_taskdyno"))
        .with_file_name("examples")
        .join(name)
}

/// The program that answers with times from a script.
pub(crate) fn scripted() -> PathBuf {
    example("scripted")
}

/// A quick run of a few cases into `folder`.
pub(crate) fn quick_run(folder: &Path) -> Command {
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

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it printed on either stream.
pub(crate) fn said(output: &Output) -> String {
    stdout(output) + &stderr(output)
}

/// The records in `folder`.
pub(crate) fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Asserts that `output` has this exit code, and that its standard error contains each of `words`.
pub(crate) fn assert_complains(output: &Output, code: i32, words: &[&str]) {
    assert_ended(output, code);
    assert_has(&stderr(output), words);
}

/// Asserts that `output` ended with `code` and said each of `words` on either stream.
pub(crate) fn assert_says(output: &Output, code: i32, words: &[&str]) {
    assert_ended(output, code);
    assert_has(&said(output), words);
}

fn assert_ended(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn assert_has(text: &str, words: &[&str]) {
    // A message can have several lines.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(
            text.contains(word) || flat.contains(word),
            "{word:?} is not in:\n{text}"
        );
    }
}

/// Makes the command react to SIGHUP, even if the tests were started with `nohup`.
pub(crate) fn heed_hang_ups(command: &mut Command) {
    let heed = || {
        // SAFETY: setting the default action of a signal is allowed between fork and exec.
        match unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) } {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure only makes this call.
    unsafe { command.pre_exec(heed) };
}
