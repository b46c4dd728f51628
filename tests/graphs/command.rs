//! Tests `graph info` and `graph export` from outside.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use taskdyno::internal::graph_file::import::{Imported, read};

use crate::small;

/// `taskdyno graph` with these arguments, in the folder of our graph files.
fn graph(arguments: &[&str]) -> Output {
    graph_with(&[], arguments)
}

/// Like [`graph`], with these variables of taskdyno in its environment and no others.
fn graph_with(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TASKDYNO_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").current_dir(small("."));
    command.envs(variables.iter().copied());
    command.arg("graph").args(arguments).output().unwrap()
}

/// Returns the output, and asserts success.
fn printed(arguments: &[&str]) -> String {
    let output = graph(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns standard error, and asserts that the command line or the file is refused.
fn refused(arguments: &[&str]) -> String {
    let output = graph(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    errors
}

fn info(arguments: &[&str]) -> Value {
    let arguments = [&["info", "--format", "json"], arguments].concat();
    serde_json::from_str(&printed(&arguments)).unwrap()
}

#[test]
fn info_counts_and_sums_up() {
    let counts = json!({
        "task_count": 4, "edge_count": 4, "depth": 3, "source_count": 1, "sink_count": 1, "widest_level_count": 2,
    });
    let with = |key: &str, work: Value, span: Value| {
        let mut expected = counts.clone();
        expected[format!("work{key}")] = work;
        expected[format!("span{key}")] = span;
        expected
    };
    let seconds = with("_ns", json!(5_500_000_000u64), json!(3_000_000_000u64));
    assert_eq!(info(&["small.json"]), seconds);
    assert_eq!(info(&["small-1.4.json"]), seconds);
    // A whole number is printed as a whole number.
    let units = with("", json!(5.5), json!(3));
    assert_eq!(info(&["small.stg"]), units);
    assert_eq!(info(&["small.dot"]), units);
}

#[test]
fn info_of_a_pattern() {
    let expected = json!({
        "task_count": 20, "edge_count": 42, "depth": 4, "source_count": 5, "sink_count": 5, "widest_level_count": 5,
    });
    let arguments = [
        "--pattern",
        "no-comm",
        "--set",
        "width=5",
        "--set",
        "steps=4",
    ];
    let mut found = info(&arguments);
    assert_eq!(found["edge_count"], 15);
    found = info(&[&["--pattern", "stencil-1d"], &arguments[2..]].concat());
    found["edge_count"] = json!(found["edge_count"].as_u64().unwrap() + 3);
    assert_eq!(found, expected);
}

#[test]
fn info_for_people() {
    insta::assert_snapshot!(printed(&["info", "small.json"]));
    insta::assert_snapshot!(printed(&["info", "small.stg"]));
    insta::assert_snapshot!(printed(&[
        "info",
        "--pattern",
        "chain",
        "--set",
        "steps=1234"
    ]));
}

#[test]
fn export_writes_what_is_read_back() {
    let folder = tempfile::TempDir::new().unwrap();
    let original = read(&small("small.json")).unwrap();
    for (format, name) in [("wfformat", "again.json"), ("dot", "again.dot")] {
        let path = folder.path().join(name);
        let out = path.to_str().unwrap();
        assert_eq!(
            printed(&["export", "small.json", "--format", format, "--out", out]),
            ""
        );
        let again = Imported {
            unit: original.unit,
            ..read(&path).unwrap()
        };
        assert_eq!(again, original);
    }
}

/// Runs `info` with this text as standard input. Returns its JSON and its notes.
fn info_of_input(arguments: &[&str], text: &str) -> (Value, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(["graph", "info", "-", "--format", "json"])
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Dropping it ends the input.
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    (serde_json::from_slice(&output.stdout).unwrap(), told)
}

#[test]
fn a_graph_can_come_from_a_pipe() {
    let (found, told) = info_of_input(&["--from", "dot"], "digraph { a -> b; a -> c }");
    assert_eq!(
        (&found["source_count"], &found["sink_count"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(told, "");
    let told = refused(&["info", "-"]);
    assert!(told.contains("--from dot"), "{told}");
}

#[test]
fn edges_are_reversed_only_on_request_and_a_note_suggests_it() {
    let drawn = "digraph deps { program -> left; program -> right }";
    let ends = |found: &Value| (found["source_count"].clone(), found["sink_count"].clone());
    let (found, told) = info_of_input(&["--from", "dot"], drawn);
    assert_eq!(ends(&found), (json!(1), json!(2)));
    insta::assert_snapshot!(told);
    let (found, told) = info_of_input(&["--from", "dot", "--reverse"], drawn);
    assert_eq!(ends(&found), (json!(2), json!(1)));
    assert_eq!(told, "");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deps.dot");
    std::fs::write(&file, drawn).unwrap();
    let exported = printed(&["export", file.to_str().unwrap(), "--reverse", "--to", "dot"]);
    let (found, _) = info_of_input(&["--from", "dot"], &exported);
    assert_eq!(ends(&found), (json!(2), json!(1)));
}

#[test]
fn a_note_says_how_a_mislabelled_file_was_read() {
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": [{"name": "a", "runtime": 1}]}}"#;
    let (found, told) = info_of_input(&["--from", "wfformat"], text);
    assert_eq!(found["work_ns"], 1_000_000_000);
    assert!(told.starts_with("note: standard input: "), "{told}");
}

#[test]
fn export_to_stg_names_the_unit_of_its_numbers() {
    insta::assert_snapshot!(printed(&["export", "small.json", "--to", "stg"]));
    insta::assert_snapshot!(printed(&[
        "export",
        "--pattern",
        "chain",
        "--set",
        "steps=3",
        "--to",
        "stg"
    ]));
}

#[test]
fn export_of_a_pattern_goes_to_standard_output() {
    insta::assert_snapshot!(printed(&[
        "export",
        "--pattern",
        "chain",
        "--set",
        "steps=3",
        "--format",
        "dot"
    ]));
    insta::assert_snapshot!(printed(&["export", "small.json", "--format", "wfformat"]));
}

#[test]
fn variables_of_other_commands_are_ignored() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // The variables mean a folder for `run` and a format of reports for `export`.
    let [elsewhere, here] = ["elsewhere", "here.dot"].map(path);
    let mut variables = vec![("TASKDYNO_OUT", &*elsewhere), ("TASKDYNO_FORMAT", "csv")];
    assert!(
        graph_with(&variables, &["info", "small.stg"])
            .status
            .success()
    );
    variables.push(("TASKDYNO_GRAPH_OUT", &here));
    variables.push(("TASKDYNO_GRAPH_FORMAT", "dot"));
    assert!(
        graph_with(&variables, &["export", "small.stg"])
            .status
            .success()
    );
    assert!(!Path::new(&elsewhere).exists());
    assert_eq!(
        read(Path::new(&here)).unwrap(),
        read(&small("small.stg")).unwrap()
    );
    let json = graph_with(
        &[("TASKDYNO_GRAPH_INFO_FORMAT", "json")],
        &["info", "small.stg"],
    );
    assert!(json.stdout.starts_with(b"{"));
}

#[test]
fn invalid_arguments_are_refused() {
    insta::assert_snapshot!(refused(&["info", "missing.json"]));
    insta::assert_snapshot!(refused(&[
        "info",
        "--pattern",
        "stencil",
        "--set",
        "width=3"
    ]));
    insta::assert_snapshot!(refused(&["info", "--pattern", "chain", "--set", "steps"]));
    insta::assert_snapshot!(refused(&[
        "info",
        "--pattern",
        "chain",
        "--set",
        "steps=many"
    ]));
    insta::assert_snapshot!(refused(&[
        "info",
        "--pattern",
        "chain",
        "--set",
        "kind=tree"
    ]));
    assert!(refused(&["info"]).contains("<FILE|--pattern <KIND>>"));
    assert!(refused(&["info", "small.stg", "--pattern", "chain"]).contains("cannot be used with"));
    assert!(refused(&["info", "small.stg", "--set", "steps=3"]).contains("cannot be used with"));
}

#[test]
fn an_unwritable_file_is_named() {
    let output = graph(&[
        "export",
        "small.stg",
        "--format",
        "dot",
        "--out",
        "missing/out.dot",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write missing/out.dot"));
}

#[test]
fn a_graph_that_a_format_cannot_express_leaves_the_old_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let in_folder = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [graph, out] = ["graph.dot", "out.json"].map(in_folder);
    // WfFormat has no workflow without tasks.
    std::fs::write(&graph, "digraph {}").unwrap();
    std::fs::write(&out, "old").unwrap();
    refused(&["export", &graph, "--format", "wfformat", "--out", &out]);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
