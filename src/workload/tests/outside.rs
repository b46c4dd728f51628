//! Tests of keys other than `pattern` and `kernel`: graphs from files, output bytes, optima.

use super::*;

#[test]
fn outputs_of_several_sizes_are_several_variants() {
    let body = r#"
        pattern = { kind = "chain", steps = 5 }
        kernel = { kind = "counter", variant = ["racy", "atomic"] }
        output_bytes = [0, 100]
    "#;
    let expected = [
        "variant=racy,output_bytes=0",
        "variant=racy,output_bytes=100",
        "variant=atomic,output_bytes=0",
        "variant=atomic,output_bytes=100",
    ];
    assert_eq!(labels(body), expected);
    let text = format!("name = \"test\"\nwhy = \"a test\"\n{body}");
    let workloads = read(&[("test.toml", &text)]).unwrap();
    assert_round_trip(&workloads);
    let json = |index: usize| workloads[0].variants[index].definition.to_json();
    assert_eq!(json(0).get("output_bytes"), None);
    assert_eq!(json(1)["output_bytes"], 100);
}

#[test]
fn a_graph_from_a_file_is_known_by_its_content_and_scaled() {
    let text = r#"
        name = "test"
        why = "a test"
        graph = { file = "graphs/compile.stg", scale = 0.001 }
        kernel = { kind = "replay" }
        certified_optimum_ms = { 1 = 24, 2 = 15.5 }
    "#;
    let workloads = read(&[("test.toml", text)]).unwrap();
    assert_round_trip(&workloads);
    let [variant] = &workloads[0].variants[..] else {
        panic!("nothing is swept");
    };
    assert_eq!(variant.label, "");
    let json = variant.definition.to_json();
    let mut table = json["graph"].as_object().unwrap().clone();
    let sha256 = table.remove("sha256").unwrap();
    assert_eq!(sha256.as_str().unwrap().len(), 16);
    let expected = serde_json::json!({
        "file": "examples/workloads/graphs/compile.stg",
        "scale": 0.001,
        "task_count": 12,
        "edge_count": 15,
    });
    assert_eq!(serde_json::Value::Object(table), expected);
    let graph = variant.definition.build_graph().unwrap();
    assert_eq!((graph.task_count(), graph.edge_count()), (12, 15));
    let milliseconds = [0, 1, 3, 2, 5, 2, 4, 1, 1, 2, 3, 0];
    let nanoseconds = milliseconds.map(|duration: u64| duration * 1_000_000);
    assert_eq!(graph.durations_ns(), Some(&nanoseconds[..]));

    let optimum = workloads[0].certified_optimum.as_ref().unwrap();
    let of = |workers| optimum.of(workers).map(|time| time.as_micros());
    assert_eq!([1, 2, 3].map(of), [Some(24_000), Some(15_500), None]);
}

#[test]
fn an_optimum_may_be_that_of_any_number_of_workers() {
    let text = r#"
        name = "test"
        why = "a test"
        pattern = { kind = "chain", steps = 5 }
        kernel = { kind = "sleep", duration_ms = 2 }
        certified_optimum_ms = 10
    "#;
    let workloads = read(&[("test.toml", text)]).unwrap();
    let optimum = workloads[0].certified_optimum.as_ref().unwrap();
    assert_eq!(optimum.of(7), Some(Duration::from_millis(10)));
}

#[test]
fn a_graph_file_that_changes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "x.dot",
        "digraph { a [duration=1]; b [duration=2]; a -> b }",
    );
    let text = "name = \"test\"\nwhy = \"a test\"\ngraph = { file = [\"x.dot\"] }\nkernel = { kind = \"empty\" }";
    write("test.toml", text);
    let workloads = load(&[folder.path().join("test.toml")], &Registry::default()).unwrap();
    let variant = &workloads[0].variants[0];
    assert_eq!(variant.label, "file=x.dot");
    assert!(variant.definition.build_graph().is_ok());
    write(
        "x.dot",
        "digraph { a [duration=1]; b [duration=3]; a -> b }",
    );
    let error = variant.definition.build_graph().unwrap_err().to_string();
    assert!(
        error.contains("x.dot: changed since the workload was read"),
        "{error}"
    );
    std::fs::remove_file(folder.path().join("x.dot")).unwrap();
    let error = variant.definition.build_graph().unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

/// The workload with this graph, in a folder with `deps.dot`, whose edges mean "depends on".
fn of_deps(graph: &str) -> Workload {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "deps.dot",
        "digraph deps { program -> left; program -> right }",
    );
    write(
        "test.toml",
        &format!(
            "name = \"test\"\nwhy = \"a test\"\ngraph = {graph}\nkernel = {{ kind = \"empty\" }}"
        ),
    );
    let workloads = load(&[folder.path().join("test.toml")], &Registry::default()).unwrap();
    assert_round_trip(&workloads);
    // Build the graph while the file exists.
    let source_count = workloads[0].variants[0]
        .definition
        .build_graph()
        .unwrap()
        .sources()
        .len();
    let is_reversed = workloads[0].variants[0].definition.to_json()["graph"]["reverse"] == true;
    assert_eq!(source_count, if is_reversed { 2 } else { 1 });
    workloads.into_iter().next().unwrap()
}

#[test]
fn edges_are_turned_round_where_the_workload_says_so() {
    let said = of_deps(r#"{ file = "deps.dot", reverse = true }"#);
    assert_eq!(
        said.variants[0].definition.to_json()["graph"]["reverse"],
        true
    );
    assert!(said.notes.is_empty());
    let denied = of_deps(r#"{ file = "deps.dot", reverse = false }"#);
    // The form in records from before `reverse` existed.
    assert_eq!(
        denied.variants[0].definition.to_json()["graph"].get("reverse"),
        None
    );
    assert!(denied.notes.is_empty());
}

#[test]
fn a_graph_file_that_may_be_drawn_the_other_way_is_noted_and_read_as_it_is() {
    let silent = of_deps(r#"{ file = "deps.dot" }"#);
    let [note] = &silent.notes[..] else {
        panic!("one note: {:?}", silent.notes);
    };
    assert!(
        note.contains("deps.dot: the graph is named \"deps\""),
        "{note}"
    );
    assert!(note.contains("write `reverse = true`"), "{note}");
}

#[test]
fn a_graph_file_without_tasks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("x.dot", "digraph {}");
    write(
        "test.toml",
        "name = \"test\"\nwhy = \"a test\"\ngraph = { file = \"x.dot\" }\nkernel = { kind = \"empty\" }",
    );
    let report = load(&[folder.path().join("test.toml")], &Registry::default()).err();
    let text = told(&report.expect("the graph is refused"));
    assert!(text.contains("\"x.dot\" has no tasks"), "{text}");
}

#[test]
fn a_graph_and_a_kernel_that_only_fit_alone_are_refused() {
    let text = refusal::refusal_of(
        r#"pattern = { kind = "trivial", width = 200_000_000 }
        kernel = { kind = "memory-bound", lines = 1, working_set_bytes = [4096, 7_000_000_000] }"#,
    );
    insta::assert_snapshot!(text);
}
