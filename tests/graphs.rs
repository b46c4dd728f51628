//! Tests of graph files: real ones, small ones of our own, and invalid ones.

use std::fs;
use std::path::{Path, PathBuf};

use taskdyno::internal::graph_file::GraphFormat;
use taskdyno::internal::graph_file::import::{Imported, Unit, parse, read};
use taskdyno_core::graph::TaskId;
use taskdyno_core::graph::bound::{span, work};

use crate::foreign_graphs::foreign_graphs;

#[path = "graphs/command.rs"]
mod command;
#[path = "graphs/direction.rs"]
mod direction;
#[path = "common/foreign_graphs.rs"]
mod foreign_graphs;
#[path = "graphs/handover.rs"]
mod handover;
#[path = "graphs/handover_invariant.rs"]
mod handover_invariant;
#[path = "graphs/hostile.rs"]
mod hostile;
#[path = "graphs/invariant.rs"]
mod invariant;
#[path = "graphs/odd.rs"]
mod odd;
#[path = "graphs/refusal.rs"]
mod refusal;
#[path = "graphs/round_trip.rs"]
mod round_trip;
#[path = "graphs/version.rs"]
mod version;

/// The columns of the manifest for one file, after its name.
fn row_of(imported: &Imported, decimals: usize) -> [String; 8] {
    let graph = &imported.graph;
    let durations = imported.durations.as_deref().unwrap();
    let units = |billionths: u128| format!("{:.decimals$}", billionths as f64 / 1e9);
    let sinks = graph
        .tasks()
        .filter(|task| graph.successors(*task).is_empty());
    [
        graph.task_count().to_string(),
        graph.edge_count().to_string(),
        units(work(durations)),
        units(span(graph, durations)),
        (graph.levels().iter().max().unwrap() + 1).to_string(),
        graph.sources().len().to_string(),
        sinks.count().to_string(),
        match imported.unit {
            Unit::Seconds => "s".into(),
            Unit::None => "unit".into(),
        },
    ]
}

/// The rows of the table in the manifest: the path within the folder, then the columns.
fn manifest(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("MANIFEST.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .strip_prefix('|')?
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        let is_row = cells[0].contains('/') && !cells[0].contains(' ');
        is_row.then_some(cells)
    });
    rows.collect()
}

#[test]
#[ignore = "needs TASKDYNO_GRAPHS"]
fn real_graphs_match_their_manifest() {
    let folder = foreign_graphs();
    let rows = manifest(&folder);
    assert!(!rows.is_empty(), "no file of the manifest exists");
    for row in rows {
        let imported = read(&folder.join(&row[0])).unwrap();
        let mut expected: Vec<String> = row[1..9].to_vec();
        // The manifest rounds to two decimals and omits zeros.
        for number in &mut expected[2..4] {
            *number = format!("{:.2}", number.parse::<f64>().unwrap());
        }
        assert_eq!(row_of(&imported, 2).to_vec(), expected, "{}", row[0]);
    }
}

#[test]
#[ignore = "needs TASKDYNO_GRAPHS"]
fn one_workflow_in_two_versions_is_one_graph() {
    let folder = foreign_graphs();
    let read = |name: &str| read(&folder.join("wfformat").join(name)).unwrap();
    let old = read("LEGACY-1.4-blast-chameleon-small-001.json");
    assert_eq!(old, read("blast-chameleon-small-001.json"));
}

/// The path of a graph file of our own.
fn small(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/graphs")
        .join(name)
}

fn stg(text: &str) -> Imported {
    parse(GraphFormat::Stg, "file", text.as_bytes()).unwrap()
}

fn wfformat(text: &str) -> Imported {
    parse(GraphFormat::WfFormat, "file", text.as_bytes()).unwrap()
}

fn dot(text: &str) -> Imported {
    parse(GraphFormat::Dot, "file", text.as_bytes()).unwrap()
}

/// The edges as "a>b", in the order of the tasks that wait.
fn edges(imported: &Imported) -> String {
    let graph = &imported.graph;
    let pairs = graph
        .tasks()
        .flat_map(|task| graph.predecessors(task).iter().map(move |p| (*p, task)));
    let name = |task: TaskId| &imported.names[task.index()];
    let edges: Vec<_> = pairs
        .map(|(from, to)| format!("{}>{}", name(from), name(to)))
        .collect();
    edges.join(" ")
}

#[test]
fn one_graph_reads_the_same_in_every_format() {
    let expected = read(&small("small.stg")).unwrap();
    assert_eq!(edges(&expected), "0>1 0>2 1>3 2>3");
    assert_eq!(expected.names, ["0", "1", "2", "3"]);
    assert_eq!(
        expected.durations.as_deref(),
        Some(&[0, 2_500_000_000, 3_000_000_000, 0][..])
    );
    assert_eq!(expected.unit, Unit::None);
    assert_eq!(read(&small("small.dot")).unwrap(), expected);
    let in_seconds = Imported {
        unit: Unit::Seconds,
        ..expected
    };
    assert_eq!(read(&small("small.json")).unwrap(), in_seconds);
    assert_eq!(read(&small("small-1.4.json")).unwrap(), in_seconds);
}

#[test]
fn tasks_in_any_order_are_numbered_topologically() {
    let imported = stg("3\n4 0 3 1 2 3\n3 30 2 2 1\n1 10 1 0\n2 20 1 1\n0 0 0\n");
    assert_eq!(imported.names, ["0", "1", "2", "3", "4"]);
    let imported = dot("digraph { c -> d; b -> c; a -> b; a; c b }");
    assert_eq!(imported.names, ["a", "b", "c", "d"]);
    assert_eq!(edges(&imported), "a>b b>c c>d");
}

#[test]
fn durations_move_with_their_tasks() {
    let imported = dot("digraph { b [duration=2]; a [duration=1]; a -> b }");
    assert_eq!(imported.names, ["a", "b"]);
    assert_eq!(imported.durations.unwrap(), [1_000_000_000, 2_000_000_000]);
}

#[test]
fn attributes_after_a_list_apply_to_all_its_nodes() {
    let imported = dot("digraph { a [duration=1]; a, b, c [duration=2]; b [duration=3] }");
    let expected = [2_000_000_000, 3_000_000_000, 2_000_000_000];
    assert_eq!(imported.durations.unwrap(), expected);
}

#[test]
fn a_graph_without_durations_has_none() {
    assert_eq!(dot("digraph { a -> b }").durations, None);
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": [{"name": "a", "runtimeInSeconds": null}]}}"#;
    assert_eq!(wfformat(text).durations, None);
}

#[test]
fn graphs_may_be_empty() {
    assert_eq!(dot("digraph {}").graph.task_count(), 0);
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": []}}"#;
    assert_eq!(wfformat(text).graph.task_count(), 0);
}

#[test]
fn tasks_of_1_4_with_equal_names_are_identified_by_their_ids() {
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
        {"name": "a", "id": "1"}, {"name": "a", "id": "2", "parents": ["1"]}]}}"#;
    assert_eq!(edges(&wfformat(text)), "1>2");
}

#[test]
fn in_1_4_either_end_may_state_a_dependence() {
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
        {"name": "a", "children": ["b"]}, {"name": "b"}, {"name": "c", "parents": ["b", "b"]}]}}"#;
    assert_eq!(edges(&wfformat(text)), "a>b b>c");
}

#[test]
fn names_with_escapes_are_the_names_without() {
    let text = r#"{"schemaVersion": "1.4", "workflow": {"tasks": [
        {"name": "\u0061"}, {"name": "b", "parents": ["a"]}]}}"#;
    assert_eq!(edges(&wfformat(text)), "a>b");
}

#[test]
fn the_language_of_graphviz() {
    for (body, expected) in [
        ("a -> b -> c", "a>b b>c"),
        ("a -> {b c} -> d", "a>b a>c b>d c>d"),
        ("{a b} -> {c d}", "a>c b>c a>d b>d"),
        ("a -> b, c", "a>b a>c"),
        ("a, b -> c", "a>c b>c"),
        (
            "a:n, b -> c, d:s -> e [style=dotted, weight=3]",
            "a>c b>c a>d b>d c>e d>e",
        ),
        ("a -> {b, c; d, d}", "a>b a>c a>d"),
        ("subgraph x { a -> b } -> c", "a>b a>c b>c"),
        ("a -> subgraph { b; subgraph cluster_y { c } }", "a>b a>c"),
        ("{{a} -> b} -> c", "a>b a>c b>c"),
        ("a -> b; a -> b; a -> {b b}", "a>b"),
        ("a:n -> b:port:sw [weight=3, style=dotted]", "a>b"),
        ("edge [weight=3] a -> b // c -> d\n", "a>b"),
        ("/* a -> */ c -> d\n# e -> f\n", "c>d"),
        ("\"a b\" -> \"c\" + \"d\"", "a b>cd"),
        (r#""a\"b" -> "c\d""#, r#"a"b>c\d"#),
        ("\"a\\\nb\" -> c", "ab>c"),
        (r#""a\\" -> b"#, r"a\\>b"),
        ("-.5 -> 3. -> 4.25", "-.5>3. 3.>4.25"),
        ("<a <b> c> -> d", "<a <b> c>>d"),
        ("é -> _1", "é>_1"),
        ("rankdir = LR; label = \"x -> y\" a -> b", "a>b"),
        ("\"node\" -> \"graph\"", "node>graph"),
        ("graph [x=y]; a -> b [style]", "a>b"),
    ] {
        assert_eq!(
            edges(&dot(&format!("digraph {{ {body} }}"))),
            expected,
            "{body}"
        );
    }
    assert_eq!(edges(&dot("STRICT DiGraph \"n\" { a -> b }")), "a>b");
}

#[test]
fn durations_of_graphviz_nodes() {
    for (body, expected) in [
        ("a [duration=1.5]", 1_500_000_000),
        ("a [weight=2]", 2_000_000_000),
        ("a [weight=2, duration=3]", 3_000_000_000),
        ("a [duration=\" 4 \"; shape=box]", 4_000_000_000),
        ("a [duration=1] [duration=5]", 5_000_000_000),
        ("a [duration=1]; a [duration=6]", 6_000_000_000),
        ("node [duration=7]; a", 7_000_000_000),
        ("node [duration=7]; {node [duration=8] a}", 8_000_000_000),
        ("node [duration=7]; {node [duration=8]} a", 7_000_000_000),
        ("a [duration=9]; node [duration=7]; a", 9_000_000_000),
        ("a [duration=\"1e-9\"]", 1),
        ("a, a [duration=2]", 2_000_000_000),
    ] {
        let imported = dot(&format!("digraph {{ {body} }}"));
        assert_eq!(imported.durations.unwrap(), [expected], "{body}");
    }
}
