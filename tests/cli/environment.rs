//! What variables of the environment do, and where there is colour.

use tempfile::TempDir;

use crate::program::{quick_run, stderr, stdout, taskdyno};

/// Returns all variables in the help of these commands.
fn variables(commands: &[&str]) -> Vec<String> {
    let helps = commands.iter().map(|command| {
        let output = taskdyno().args([command, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        stdout(&output)
    });
    let help: String = helps.collect();
    // Help breaks its lines at any space.
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
fn an_empty_variable_counts_as_unset() {
    let folder = TempDir::new().unwrap();
    let first = folder.path().join("first");
    assert_eq!(quick_run(&first).status().unwrap().code(), Some(0));
    let commands = [
        "run", "list", "report", "metg", "claims", "chaos", "compare", "history", "export", "gate",
    ];
    let variables = variables(&commands);
    assert!(variables.len() > 50, "{variables:?}");
    let program = env!("CARGO_BIN_EXE_taskdyno");
    for arguments in [
        &["list"][..],
        &["run", "--dry-run"],
        &["metg", "--dry-run"],
        &["claims", "--dry-run"],
        &["gate", "--base", program, "--head", program, "--dry-run"],
        &["chaos", "empty/pattern=chain/fork/", "--runs", "1"],
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
    // A format of verdicts, a folder, and a baseline to compare with after a run.
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
fn colour_follows_the_flag_or_else_the_environment() {
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
        // A pipe has no colour unless forced, and `NO_COLOR` overrides this.
        assert_eq!(colored("auto", &[], arguments), [false; 2]);
        assert_eq!(colored("auto", &[force], arguments), streams);
        let none = colored("auto", &[force, ("NO_COLOR", "1")], arguments);
        assert_eq!(none, [false; 2], "{arguments:?}");
    }
}

#[test]
fn a_wrong_value_of_a_variable_names_the_variable() {
    let refused = |arguments: &[&str]| {
        let mut command = taskdyno();
        command
            .env("TASKDYNO_WORKERS", "2x")
            .env("TASKDYNO_METG_TIMEOUT", "soon");
        let output = command.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let behind = "The value comes from the environment variable ";
    for (arguments, variable) in [
        (&["run", "--dry-run"][..], "TASKDYNO_WORKERS"),
        (
            &["metg", "--dry-run", "--workers", "2"],
            "TASKDYNO_METG_TIMEOUT",
        ),
    ] {
        let said = refused(arguments);
        assert!(said.ends_with(&format!("{behind}{variable}.\n")), "{said}");
    }
    for arguments in [&["run", "--workers", "x"][..], &["run", "--workers=x"]] {
        let said = refused(arguments);
        assert!(
            said.contains("--workers") && !said.contains(behind),
            "{said}"
        );
    }
}
