use std::borrow::Cow;
use std::io::Write;

use serde::{Serialize, Serializer};

use super::{ExportError, Imported, in_units};
use crate::graph::TaskId;
use crate::graph::bound::span;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireFile<'a> {
    name: &'a str,
    description: &'static str,
    schema_version: &'static str,
    workflow: WireWorkflow<'a>,
}

#[derive(Serialize)]
struct WireWorkflow<'a> {
    specification: WireSpecification<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<WireExecution<'a>>,
}

#[derive(Serialize)]
struct WireSpecification<'a> {
    tasks: Tasks<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireExecution<'a> {
    makespan_in_seconds: f64,
    executed_at: &'static str,
    tasks: Runtimes<'a>,
}

#[derive(Serialize)]
struct WireTask<'a> {
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
            "a graph without tasks cannot be written in WfFormat, which asks for at least one";
        return Err(ExportError::Inexpressible(message.into()));
    }
    let tasks = Tasks {
        graph,
        are_escaped: !graph.names.iter().all(|name| is_id(name)),
    };
    let execution = graph.durations.as_deref().map(|durations| WireExecution {
        // No execution took place; the format asks for the time and the date of one. On workers without number it
        // would take the span.
        makespan_in_seconds: span(&graph.graph, durations) as f64 / 1e9,
        executed_at: "1970-01-01T00:00:00Z",
        tasks: Runtimes { tasks, durations },
    });
    let file = WireFile {
        name: if name.is_empty() { "taskdyno" } else { name },
        description: "A task graph written by taskdyno; its makespan is its span, and its date means nothing",
        schema_version: "1.5",
        workflow: WireWorkflow {
            specification: WireSpecification { tasks },
            execution,
        },
    };
    serde_json::to_writer_pretty(&mut *out, &file).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// The tasks of a graph, made one at a time as they are written.
#[derive(Clone, Copy)]
struct Tasks<'a> {
    graph: &'a Imported,
    /// Whether ids are names with their other characters escaped. All are or none is, so that no two become one.
    are_escaped: bool,
}

impl<'a> Tasks<'a> {
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

impl Serialize for Tasks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.graph.graph.tasks().map(|task| WireTask {
            name: match self.graph.names[task.index()].as_str() {
                // A name has at least one letter.
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
struct Runtimes<'a> {
    tasks: Tasks<'a>,
    durations: &'a [u64],
}

impl Serialize for Runtimes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tasks = self.tasks.graph.graph.tasks();
        serializer.collect_seq(tasks.map(|task| WireRuntime {
            id: self.tasks.id(task),
            runtime_in_seconds: in_units(self.durations[task.index()]),
        }))
    }
}

/// Whether a byte may stand in the id of a task, by the pattern in the schema: `^[0-9a-zA-Z-_.#]*$`.
fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.#".contains(&byte)
}

fn is_id(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_id_byte)
}

/// The name with every byte that an id may not hold, and every `#`, as `#` and two hexadecimal digits. The empty name,
/// which an id may not be, becomes `#`.
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
