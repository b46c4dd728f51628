use std::borrow::Cow;
use std::io::Write;

use serde::{Serialize, Serializer};

use super::{ExportError, Imported, in_units};
use crate::graph::TaskId;
use crate::graph::bound::span;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenFile<'a> {
    name: &'a str,
    description: &'static str,
    schema_version: &'static str,
    workflow: WrittenWorkflow<'a>,
}

#[derive(Serialize)]
struct WrittenWorkflow<'a> {
    specification: WrittenSpecification<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<WrittenExecution<'a>>,
}

#[derive(Serialize)]
struct WrittenSpecification<'a> {
    tasks: WrittenTasks<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenExecution<'a> {
    makespan_in_seconds: f64,
    executed_at: &'static str,
    tasks: WrittenRuntimes<'a>,
}

#[derive(Serialize)]
struct WrittenTask<'a> {
    name: &'a str,
    id: Cow<'a, str>,
    parents: Vec<Cow<'a, str>>,
    children: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireRuntime<'a> {
    id: Cow<'a, str>,
    runtime_in_seconds: f64,
}

pub(super) fn write(name: &str, graph: &Imported, out: &mut dyn Write) -> Result<(), ExportError> {
    if graph.names.is_empty() {
        let message =
            "a graph without tasks cannot be written in WfFormat, which requires at least one task";
        return Err(ExportError::Inexpressible(message.into()));
    }
    let tasks = WrittenTasks {
        graph,
        are_escaped: !graph.names.iter().all(|name| is_id(name)),
    };
    let execution = graph
        .durations
        .as_deref()
        .map(|durations| WrittenExecution {
            // There was no execution, but the format requires its time and date. With unlimited workers, it would take
            // as long as the span.
            makespan_in_seconds: span(&graph.graph, durations) as f64 / 1e9,
            executed_at: "1970-01-01T00:00:00Z",
            tasks: WrittenRuntimes { tasks, durations },
        });
    let file = WrittenFile {
        name: if name.is_empty() { "taskdyno" } else { name },
        description: "A task graph written by taskdyno; its makespan is its span, and its date has no meaning",
        schema_version: "1.5",
        workflow: WrittenWorkflow {
            specification: WrittenSpecification { tasks },
            execution,
        },
    };
    serde_json::to_writer_pretty(&mut *out, &file).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// The tasks of a graph, created one at a time as they are written.
#[derive(Clone, Copy)]
struct WrittenTasks<'a> {
    graph: &'a Imported,
    /// Whether ids are escaped names. Either all are or none is, so that no two become the same.
    are_escaped: bool,
}

impl<'a> WrittenTasks<'a> {
    fn id(self, task: TaskId) -> Cow<'a, str> {
        let name = self.graph.names[task.index()].as_str();
        if self.are_escaped {
            escaped(name).into()
        } else {
            name.into()
        }
    }

    fn ids(self, tasks: &[TaskId]) -> Vec<Cow<'a, str>> {
        tasks.iter().map(|task| self.id(*task)).collect()
    }
}

impl Serialize for WrittenTasks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.graph.graph.tasks().map(|task| WrittenTask {
            name: match self.graph.names[task.index()].as_str() {
                // A name must have at least one letter.
                "" => "#",
                name => name,
            },
            id: self.id(task),
            parents: self.ids(self.graph.graph.predecessors(task)),
            children: self.ids(self.graph.graph.successors(task)),
        }))
    }
}

/// The durations of tasks.
struct WrittenRuntimes<'a> {
    tasks: WrittenTasks<'a>,
    durations: &'a [u64],
}

impl Serialize for WrittenRuntimes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tasks = self.tasks.graph.graph.tasks();
        serializer.collect_seq(tasks.map(|task| WireRuntime {
            id: self.tasks.id(task),
            runtime_in_seconds: in_units(self.durations[task.index()]),
        }))
    }
}

/// Whether the id of a task may contain this byte, by the pattern in the schema: `^[0-9a-zA-Z-_.#]*$`.
fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.#".contains(&byte)
}

fn is_id(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_id_byte)
}

/// The name with `#` and every byte that an id must not contain replaced by `#` and two hexadecimal digits. The
/// empty name, which is not a valid id, becomes `#`.
fn escaped(name: &str) -> String {
    let mut id = String::new();
    for byte in name.bytes() {
        match byte {
            b'#' => id.push_str("#23"),
            byte if is_id_byte(byte) => id.push(byte.into()),
            byte => id.push_str(&format!("#{byte:02x}")),
        }
    }
    if id.is_empty() { "#".into() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_hold_what_the_schema_allows() {
        assert!(is_id("blast_1.2-a#3"));
        assert!(!is_id("two words") && !is_id("") && !is_id("é"));
        assert_eq!(escaped("a b#é"), "a#20b#23#c3#a9");
        assert_eq!(escaped(""), "#");
    }
}
