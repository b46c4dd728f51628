//! Tests that write graphs and read them again.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use taskdyno::internal::graph_file::GraphFormat;
use taskdyno::internal::graph_file::export;
use taskdyno::internal::graph_file::import::{Imported, Unit};
use taskdyno_core::graph::{TaskGraphBuilder, TaskId};

use crate::foreign_graphs::foreign_graphs;
use crate::invariant::{EXACT, check_round_trips};

/// Graphs of any shape with these names, with and without durations.
fn graphs(name: &'static str) -> impl Strategy<Value = Imported> {
    let size = 0..30usize;
    size.prop_flat_map(move |task_count| {
        (
            hash_set(name, task_count),
            vec(vec(any::<Index>(), 0..4), task_count),
            prop::option::of(vec(0..EXACT, task_count)),
        )
    })
    .prop_map(|(names, rows, durations)| {
        let mut builder = TaskGraphBuilder::default();
        for (task, row) in rows.into_iter().enumerate() {
            let row = row.into_iter().filter(|_| task > 0);
            let row: BTreeSet<_> = row.map(|index| TaskId(index.index(task) as u32)).collect();
            builder.push(row).unwrap();
        }
        Imported {
            graph: builder.finish(),
            names: names.into_iter().collect(),
            durations: durations.filter(|durations| !durations.is_empty()),
            unit: Unit::Seconds,
            notes: Vec::new(),
            depends_on_sign: None,
        }
    })
}

proptest! {
    #[test]
    fn a_written_graph_is_read_unchanged(graph in graphs("[0-9a-zA-Z_.#-]{1,6}")) {
        check_round_trips(&graph);
    }

    #[test]
    fn names_may_contain_anything(graph in graphs("(?s).{0,4}")) {
        check_round_trips(&graph);
    }

    #[test]
    #[ignore = "needs TASKDYNO_GRAPHS"]
    fn written_files_match_the_published_schema(graph in graphs("(?s).{0,4}")) {
        let mut bytes = Vec::new();
        if export::write(GraphFormat::WfFormat, "test", &graph, &mut bytes).is_err() {
            prop_assert_eq!(graph.graph.task_count(), 0);
            return Ok(());
        }
        let file = serde_json::from_slice(&bytes).unwrap();
        let faults: Vec<_> = PUBLISHED_SCHEMA.iter_errors(&file).map(|fault| fault.to_string()).collect();
        prop_assert!(faults.is_empty(), "{:?}", faults);
    }
}

static PUBLISHED_SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let path = foreign_graphs().join("wfformat/wfcommons-schema-1.5.json");
    let text = std::fs::read(path).unwrap();
    let mut schema: serde_json::Value = serde_json::from_slice(&text).unwrap();
    // The schema names a draft that the validator does not know.
    schema.as_object_mut().unwrap().remove("$schema");
    jsonschema::draft7::new(&schema).unwrap()
});
