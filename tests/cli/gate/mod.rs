//! Tests the whole gate with times from a script, which give exact verdicts, and its behaviour on failures.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{heed_hang_ups, program, scripted};

mod allow;
mod build;
mod judge;
mod pin;
mod resume;
mod self_test;
mod verdict;

/// The program that a gate is started from.
pub(crate) fn gate_program(path: &Path) -> Command {
    let mut command = program(path);
    // These tests must not depend on whether this machine is busy.
    command.env("TASKDYNO_PIN", "never");
    command
}

/// A folder for two builds and the output of a gate.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A build that runs these lines of shell before the script.
    pub(crate) fn build(&self, name: &str, lines: &str) -> PathBuf {
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

    /// A gate of two builds on one case, with ten planned pairs.
    pub(crate) fn gate(&self, base: &Path, head: &Path) -> Command {
        let mut command = self.bare_gate(base, head);
        command.args(["--seed", "5", "--pairs", "10"]);
        command
    }

    /// A gate of two builds on one case, with as many pairs as it needs.
    pub(crate) fn bare_gate(&self, base: &Path, head: &Path) -> Command {
        let mut command = gate_program(&scripted());
        command
            .args(["gate", "empty/pattern=chain/serial/1", "--out"])
            .arg(self.path("out"))
            .arg("--base")
            .arg(base)
            .arg("--head")
            .arg(head);
        command
    }

    pub(crate) fn comparison(&self) -> Value {
        let text = fs::read_to_string(self.path("out/gate.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn pairs(&self) -> String {
        fs::read_to_string(self.path("out/gate-pairs.jsonl")).unwrap()
    }
}

/// Starts a gate of many pairs, and waits until some are finished.
pub(crate) fn begun(bench: &Bench) -> Child {
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
        assert!(gate.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    gate
}
