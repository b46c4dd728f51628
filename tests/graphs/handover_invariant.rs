//! Invariants of the graph files of children, for any bytes. The fuzz target checks the same.

use taskdyno::internal::handover::{encode, parse};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder};

/// Reads `bytes` with the checksum that they have, which must not panic, and checks the result. Returns whether it is a
/// graph.
pub(crate) fn check(bytes: &[u8]) -> bool {
    match parse(bytes, bytes.len() as u64, crc32fast::hash(bytes)) {
        Ok(handed) => {
            assert_eq!(rebuilt(&handed.graph), handed.graph);
            assert_eq!(encoded(&handed.graph, handed.output_bytes), bytes);
            true
        }
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            false
        }
    }
}

/// The bytes of the file.
pub(crate) fn encoded(graph: &TaskGraph, output_bytes: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(graph, output_bytes, |part| {
        bytes.extend_from_slice(part);
        Ok(())
    })
    .unwrap();
    bytes
}

/// The same graph, made from its predecessors alone by the builder, which checks them.
fn rebuilt(graph: &TaskGraph) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for task in graph.tasks() {
        let row = graph.predecessors(task).iter().copied();
        builder.push(row).unwrap();
    }
    let rebuilt = builder.finish();
    match graph.durations_ns() {
        Some(durations) => rebuilt.with_durations(durations.into()),
        None => rebuilt,
    }
}
