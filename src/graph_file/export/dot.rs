use std::io::Write;

use super::{ExportError, Imported, in_units};
use crate::graph::TaskId;

pub(super) fn write(graph: &Imported, out: &mut dyn Write) -> Result<(), ExportError> {
    writeln!(out, "digraph {{")?;
    for task in graph.graph.tasks() {
        write!(out, "  ")?;
        write_id(graph, task, out)?;
        if let Some(durations) = &graph.durations {
            // Without an exponent, which the language has not.
            write!(out, " [duration={}]", in_units(durations[task.index()]))?;
        }
        writeln!(out, ";")?;
    }
    for task in graph.graph.tasks() {
        for predecessor in graph.graph.predecessors(task) {
            write!(out, "  ")?;
            write_id(graph, *predecessor, out)?;
            write!(out, " -> ")?;
            write_id(graph, task, out)?;
            writeln!(out, ";")?;
        }
    }
    writeln!(out, "}}")?;
    Ok(())
}

fn write_id(graph: &Imported, task: TaskId, out: &mut dyn Write) -> Result<(), ExportError> {
    let name = &graph.names[task.index()];
    if is_inexpressible(name) {
        return Err(ExportError::Inexpressible(format!(
            "the task name {name:?} cannot be written in DOT, where a `\\` before a quote or the end of a line or name is \
             no letter: write WfFormat instead"
        )));
    }
    write!(out, "\"{}\"", name.replace('"', "\\\""))?;
    Ok(())
}

/// Whether the name has an odd number of backslashes where the last one would change what comes behind it.
fn is_inexpressible(name: &str) -> bool {
    let mut count = 0;
    for byte in name.bytes().chain([b'"']) {
        match byte {
            b'\\' => count += 1,
            b'"' | b'\n' | b'\r' if count % 2 == 1 => return true,
            _ => count = 0,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_may_stand_where_it_escapes_nothing() {
        for name in ["", "a", r"a\b", r"a\\", "\"", "a\nb"] {
            assert!(!is_inexpressible(name), "{name:?}");
        }
        for name in ["a\\", "a\\\"b", "a\\\nb", r"a\\\"] {
            assert!(is_inexpressible(name), "{name:?}");
        }
    }
}
