//! Tests of help, lists, completions, the name and the version of the program.

use serde_json::Value;

use crate::program::{assert_complains, example, program, stdout, taskdyno};

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
fn help_has_examples() {
    for arguments in [
        &["--help"][..],
        &["run", "--help"],
        &["report", "--help"],
        &["graph", "--help"],
        &["gate", "--help"],
        &["conform", "--help"],
        &["compare", "--help"],
        &["baseline", "--help"],
        &["history", "--help"],
        &["export", "--help"],
        &["metg", "--help"],
        &["claims", "--help"],
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
fn a_closed_pipe_is_not_a_failure() {
    let script = "\"$0\" list | head -n 1; echo ${PIPESTATUS[0]}";
    let output = program("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_taskdyno")])
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "backends\n0\n");
}

#[test]
fn doctor_prints_findings() {
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
fn a_harness_has_its_own_name() {
    let own = |arguments: &[&str]| {
        let mut command = program(example("custom_backend"));
        command.args(arguments).output().unwrap()
    };
    let version = format!("custom_backend (taskdyno {})\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&own(&["--version"])), version);
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&own(&["completions", shell]));
        assert!(script.contains("custom_backend"), "{shell}");
        // The completions also contain help texts about taskdyno itself.
        let commands = ["_taskdyno", "-c taskdyno", "compdef taskdyno", "`taskdyno "];
        let found = commands.iter().find(|one| script.contains(**one));
        assert_eq!(found, None, "{shell}");
    }
    let help = stdout(&own(&["run", "--help-all"]));
    assert!(help.contains("Usage: custom_backend run"), "{help}");
    assert!(help.contains("`custom_backend list`"), "{help}");
    let refused = own(&["run", "no-such-case"]);
    assert_complains(&refused, 2, &["`custom_backend run --dry-run` prints"]);
}
