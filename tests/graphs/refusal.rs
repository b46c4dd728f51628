//! Tests the message for every kind of invalid file.

use std::fmt::Write as _;

use taskdyno::internal::graph_file::GraphFormat;
use taskdyno::internal::graph_file::import::{parse, read};

use crate::invariant::told;

/// Returns the messages for these texts.
fn refusals(format: GraphFormat, texts: &[(&str, &str)]) -> String {
    let mut all = String::new();
    for (what, text) in texts {
        let file = format!("file.{}", format.extensions()[0]);
        match parse(format, &file, text.as_bytes()) {
            Ok(_) => panic!("{what} is accepted"),
            Err(error) => writeln!(all, "== {what}\n{}", told(&error)).unwrap(),
        }
    }
    all
}

#[test]
fn stg() {
    let tasks = "0 0 0\n1 3 1 0\n2 0 1 1\n";
    let refusals = refusals(
        GraphFormat::Stg,
        &[
            ("a cycle", "2\n0 0 0\n1 3 2 0 2\n2 4 1 1\n3 0 1 2\n"),
            (
                "a task that waits for itself",
                "1\n0 0 0\n1 3 1 1\n2 0 1 1\n",
            ),
            ("a dangling predecessor", "1\n0 0 0\n1 3 1 7\n2 0 1 1\n"),
            ("a predecessor twice", "1\n0 0 0\n1 3 2 0 0\n2 0 1 1\n"),
            ("an id twice", "2\n0 0 0\n1 3 1 0\n1 4 1 0\n3 0 1 1\n"),
            ("an id beyond the last", "1\n0 0 0\n1 3 1 0\n9 0 1 1\n"),
            ("a negative cost", "1\n0 0 0\n1 -3 1 0\n2 0 1 1\n"),
            (
                "a cost that is not finite",
                "1\n0 0 0\n1 nan 1 0\n2 0 1 1\n",
            ),
            (
                "a cost beyond what can be counted",
                "1\n0 0 0\n1 1e30 1 0\n2 0 1 1\n",
            ),
            ("a cost that is no number", "1\n0 0 0\n1 3ms 1 0\n2 0 1 1\n"),
            ("the prototype format", &format!("1 2\n{tasks}")),
            (
                "a file that was cut off between lines",
                "3\n0 0 0\n1 3 1 0\n",
            ),
            ("a file that was cut off in a line", "1\n0 0 0\n1 3"),
            (
                "a first line that counts the dummies",
                &format!("3\n{tasks}"),
            ),
            (
                "a file without its last two lines",
                "3\n0 0 0\n1 3 1 0\n2 3 1 1\n",
            ),
            ("too few predecessors", "1\n0 0 0\n1 3 2 0\n2 0 1 1\n"),
            ("too many predecessors", "1\n0 0 0\n1 3 0 0\n2 0 1 1\n"),
            ("too many tasks", &format!("0\n{tasks}")),
            ("a count beyond all memory", "18446744073709551615\n0 0 0\n"),
            ("a first line that is no number", &format!("tasks\n{tasks}")),
            ("comments only", "# nothing\n"),
            ("an empty file", "\n  \n"),
        ],
    );
    insta::assert_snapshot!(refusals);
}

/// A WfFormat 1.5 file with these tasks, one per line, and these runtimes.
fn workflow(tasks: &[&str], runtimes: &[&str]) -> String {
    format!(
        "{{\"schemaVersion\": \"1.5\", \"workflow\": {{\"specification\": {{\"tasks\": [\n{}\n]}},\n\
         \"execution\": {{\"tasks\": [\n{}\n]}}}}}}",
        tasks.join(",\n"),
        runtimes.join(",\n")
    )
}

#[test]
fn wfformat() {
    let a = r#"{"name": "a", "id": "a", "parents": [], "children": ["b"]}"#;
    let b = r#"{"name": "b", "id": "b", "parents": ["a"], "children": []}"#;
    let alone = r#"{"name": "b", "id": "b", "parents": [], "children": []}"#;
    let runtime_a = r#"{"id": "a", "runtimeInSeconds": 1}"#;
    let cut_off = workflow(&[a, b], &[]);
    let cut_off = &cut_off[..cut_off.len() - 30];
    let refusals = refusals(
        GraphFormat::WfFormat,
        &[
            (
                "a cycle",
                &workflow(
                    &[
                        r#"{"name": "s", "id": "s", "parents": [], "children": ["a"]}"#,
                        r#"{"name": "a", "id": "a", "parents": ["s", "c"], "children": ["b"]}"#,
                        r#"{"name": "b", "id": "b", "parents": ["a"], "children": ["c"]}"#,
                        r#"{"name": "c", "id": "c", "parents": ["b"], "children": ["a"]}"#,
                    ],
                    &[],
                ),
            ),
            ("a dangling parent", &workflow(&[b], &[])),
            ("a dangling child", &workflow(&[a], &[])),
            (
                "a parent that does not name its child",
                &workflow(
                    &[
                        alone,
                        r#"{"name": "c", "id": "c", "parents": ["b"], "children": []}"#,
                    ],
                    &[],
                ),
            ),
            (
                "a child that does not name its parent",
                &workflow(&[a, alone], &[]),
            ),
            ("an id twice", &workflow(&[a, b, alone], &[])),
            (
                "a task without an id",
                &workflow(&[r#"{"name": "a", "parents": []}"#], &[]),
            ),
            (
                "a task without a name",
                &workflow(&[r#"{"id": "a", "parents": []}"#], &[]),
            ),
            (
                "a task without parents",
                &workflow(&[r#"{"name": "a", "id": "a", "children": []}"#], &[]),
            ),
            (
                "a negative runtime",
                &workflow(&[a, b], &[r#"{"id": "b", "runtimeInSeconds": -0.5}"#]),
            ),
            (
                "a runtime that is not finite",
                &workflow(&[a, b], &[r#"{"id": "b", "runtimeInSeconds": 1e999}"#]),
            ),
            (
                "a runtime beyond what can be counted",
                &workflow(&[a, b], &[r#"{"id": "b", "runtimeInSeconds": 1e11}"#]),
            ),
            (
                "a runtime that is no number",
                &workflow(&[a, b], &[r#"{"id": "b", "runtimeInSeconds": "1"}"#]),
            ),
            ("a runtime for some", &workflow(&[a, b], &[runtime_a])),
            (
                "a runtime twice",
                &workflow(&[a, b], &[runtime_a, runtime_a]),
            ),
            (
                "a runtime of no task",
                &workflow(&[a, b], &[r#"{"id": "z", "runtimeInSeconds": 1}"#]),
            ),
            ("a file that was cut off", cut_off),
            ("a comma too many", &workflow(&[a, b, ""], &[])),
            (
                "a list that is none",
                &workflow(
                    &[r#"{"name": "a", "id": "a", "parents": "b", "children": []}"#],
                    &[],
                ),
            ),
            (
                "another version",
                r#"{"schemaVersion": "2.0", "workflow": {"tasks": []}}"#,
            ),
            ("no version", r#"{"workflow": {"tasks": []}}"#),
            ("no workflow", r#"{"schemaVersion": "1.5"}"#),
            (
                "no tasks",
                r#"{"schemaVersion": "1.5", "workflow": {"specification": {}}}"#,
            ),
            (
                "a name twice in 1.4",
                r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
                {"name": "a"},
                {"name": "a", "id": "b"}]}}"#,
            ),
            (
                "an id twice in 1.4",
                r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
                {"name": "a", "id": "1"},
                {"name": "b", "id": "1"}]}}"#,
            ),
            (
                "a runtime in 1.4 that is not finite",
                r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
                {"name": "a", "runtimeInSeconds": -1e999}]}}"#,
            ),
            (
                "a runtime in 1.4 that is no number",
                r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
                {"name": "a", "runtimeInSeconds": ["1"]}]}}"#,
            ),
            ("an empty file", ""),
        ],
    );
    insta::assert_snapshot!(refusals);
}

#[test]
fn dot() {
    let refusals = refusals(
        GraphFormat::Dot,
        &[
            ("a cycle", "digraph {\n  s -> a -> b -> c -> a;\n}"),
            ("a task that waits for itself", "digraph { a -> a }"),
            ("a negative duration", "digraph {\n  a [duration=-3]\n}"),
            (
                "a duration that is not finite",
                "digraph {\n  a [duration=inf]\n}",
            ),
            (
                "a duration beyond what can be counted",
                "digraph {\n  a [weight=99999999999999]\n}",
            ),
            (
                "a duration that is no number",
                "digraph {\n  a [duration=\"3 ms\"]\n}",
            ),
            (
                "a default that is no number",
                "digraph {\n  node [duration=long]\n}",
            ),
            (
                "a duration for some",
                "digraph {\n  a [duration=3];\n  b;\n}",
            ),
            ("a graph without directions", "graph {\n  a -- b\n}"),
            ("an edge without a direction", "digraph {\n  a -- b\n}"),
            ("a file that was cut off", "digraph {\n  a -> b;\n"),
            ("a text that was cut off", "digraph {\n  a -> \"b;\n}"),
            ("a comment that was cut off", "digraph {\n  a /* -> b\n}"),
            (
                "angle brackets that were cut off",
                "digraph {\n  a [label=<b <c>]\n}",
            ),
            ("a comma before nothing", "digraph {\n  a -> b, ;\n}"),
            ("a comma behind braces", "digraph {\n  {a b}, c -> d;\n}"),
            ("an arrow to nothing", "digraph {\n  a -> ;\n}"),
            ("a name that is no name", "digraph {\n  a-1 -> b;\n}"),
            ("a number with a unit", "digraph {\n  a [duration=3ms];\n}"),
            ("a number behind a name", "digraph { task-1 -> b }"),
            ("a keyword as a name", "digraph {\n  a -> node;\n}"),
            ("a letter without meaning", "digraph {\n  a -> b!;\n}"),
            ("a second graph", "digraph { a }\ndigraph { b }"),
            ("a text joined to nothing", "digraph { \"a\" + b }"),
            ("no graph", "a -> b"),
            ("an empty file", " "),
        ],
    );
    insta::assert_snapshot!(refusals);
}

#[test]
fn any_format() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut all = String::new();
    for (name, bytes) in [
        ("graph.xml", &b"<graph/>"[..]),
        ("graph", b"digraph {}"),
        ("graph.dot", b"digraph { \xff }"),
        ("wide.stg", b"\xff\xfe1\0\n\0"),
        ("packed.json", b"\x1f\x8b\x08\0"),
        ("control.dot", b"digraph { a\x1b[31m }"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        writeln!(all, "{}", told(&error)).unwrap();
    }
    let error = read(&folder.path().join("missing.stg")).unwrap_err();
    writeln!(all, "{}", told(&error)).unwrap();
    std::fs::create_dir(folder.path().join("folder.dot")).unwrap();
    let error = read(&folder.path().join("folder.dot")).unwrap_err();
    writeln!(all, "{}", told(&error)).unwrap();
    // The name of the folder differs each time, and its length would change where lines are broken.
    let folder = folder.path().display().to_string();
    let all = all.replace(&(folder + "/"), "");
    insta::assert_snapshot!(all);
}

#[test]
fn a_long_line_is_shortened() {
    let many: Vec<_> = (0..10_000).map(|task| format!("t{task}")).collect();
    let text = format!(
        "digraph {{ {} -> ; {} }}",
        many.join(" -> "),
        many.join(" ")
    );
    let refusals = refusals(GraphFormat::Dot, &[("one long line", &text)]);
    insta::assert_snapshot!(refusals);
}

#[test]
fn a_long_cycle_is_shortened() {
    let many: Vec<_> = (0..100_000).map(|task| format!("t{task}")).collect();
    let text = format!("digraph {{ {} -> t0 }}", many.join(" -> "));
    let refusals = refusals(GraphFormat::Dot, &[("a long circle", &text)]);
    insta::assert_snapshot!(refusals);
}
