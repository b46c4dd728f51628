//! Graphs that are written and read back.

use std::collections::BTreeSet;

use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use taskdyno::graph::{TaskGraphBuilder, TaskId};
use taskdyno::graph_file::export;
use taskdyno::graph_file::import::{Imported, Unit};

use crate::foreign_graphs;
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
    fn what_is_written_is_read_back(graph in graphs("[0-9a-zA-Z_.#-]{1,6}")) {
        check_round_trips(&graph);
    }

    #[test]
    fn names_may_hold_anything(graph in graphs("(?s).{0,4}")) {
        check_round_trips(&graph);
    }

    #[test]
    fn what_is_written_fits_the_published_schema(graph in graphs("(?s).{0,4}")) {
        let Some(schema) = published_schema() else {
            println!("left out: TASKDYNO_GRAPHS names no folder with the schema of WfFormat");
            return Ok(());
        };
        let mut bytes = Vec::new();
        if export::write(export::Format::WfFormat, "test", &graph, &mut bytes).is_err() {
            prop_assert_eq!(graph.graph.task_count(), 0);
            return Ok(());
        }
        let file = serde_json::from_slice(&bytes).unwrap();
        let faults: Vec<_> = schema.iter_errors(&file).map(|fault| fault.to_string()).collect();
        prop_assert!(faults.is_empty(), "{:?}", faults);
    }
}

fn published_schema() -> Option<jsonschema::Validator> {
    let path = foreign_graphs()?.join("wfformat/wfcommons-schema-1.5.json");
    let mut schema: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).unwrap();
    // It names no draft of its own, which the validator does not know.
    schema.as_object_mut().unwrap().remove("$schema");
    Some(jsonschema::draft7::new(&schema).unwrap())
}
