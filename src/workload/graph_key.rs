//! The key `graph` of a file: which graph file to read, and how to scale its durations.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::file_graph::{FileGraph, Opened, SCALES};
use super::graph::Graph;
use super::pattern_keys::GraphChoice;
use super::top_key::GRAPH;
use crate::diagnostic::{did_you_mean, nearest};
use crate::toml_file::{Entry, Mistake, describe, quoted, to_number};

/// The keys of the table.
const FILE: &str = "file";
const SCALE: &str = "scale";
const REVERSE: &str = "reverse";
const KEYS: [&str; 3] = [FILE, SCALE, REVERSE];

/// All choices under `graph`, one per graph file; empty if there is a mistake. Paths are relative to `folder`, the
/// folder of the workload file.
pub(super) fn files(
    value: &Entry<'_>,
    folder: Option<&Path>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<GraphChoice> {
    let before = mistakes.len();
    let DeValue::Table(table) = value.get_ref() else {
        let message = format!("`graph` cannot be {}", describe(value.get_ref()));
        let help = format!("write it like `{}`", GRAPH.example);
        let expected = "expected a table with a `file`";
        mistakes.push(Mistake::new(message, help).at(value.span(), expected));
        return Vec::new();
    };
    refuse_unknown_keys(table, mistakes);
    let scale = scale(table, mistakes);
    let reverse = reverse(table, mistakes);
    let choices = names(table, value.span(), mistakes)
        .into_iter()
        .filter_map(|name| open(name, (scale, reverse), folder, mistakes));
    let choices: Vec<_> = choices.collect();
    match mistakes.len() == before {
        true => choices,
        false => Vec::new(),
    }
}

fn refuse_unknown_keys(table: &DeTable<'_>, mistakes: &mut Vec<Mistake>) {
    let unknown = table.keys().filter(|key| !KEYS.contains(&&**key.get_ref()));
    for key in unknown {
        let meant = did_you_mean(nearest(key.get_ref(), KEYS));
        let help = format!("{meant}`graph` takes: {}", KEYS.join(", "));
        let message = format!("unknown key {}", quoted(key.get_ref()));
        mistakes.push(Mistake::new(message, help).at(key.span(), "not a key of `graph`"));
    }
}

fn scale(table: &DeTable<'_>, mistakes: &mut Vec<Mistake>) -> f64 {
    let Some(value) = table.get(SCALE) else {
        return 1.0;
    };
    let number = to_number(value.get_ref()).filter(|number| SCALES.contains(number));
    number.unwrap_or_else(|| {
        let mistake = Mistake::new(
            format!("`scale` cannot be {}", describe(value.get_ref())),
            "durations are multiplied by it: `scale = 0.001` turns seconds, and units without a \
             name, into milliseconds",
        );
        let expected = format!(
            "expected a number from {:e} to {:e}",
            SCALES.start(),
            SCALES.end()
        );
        mistakes.push(mistake.at(value.span(), expected));
        1.0
    })
}

/// The value of `reverse`, if the file has one: whether to reverse all edges.
fn reverse(table: &DeTable<'_>, mistakes: &mut Vec<Mistake>) -> Option<bool> {
    let value = table.get(REVERSE)?;
    if let DeValue::Boolean(is_so) = value.get_ref() {
        return Some(*is_so);
    }
    let mistake = Mistake::new(
        format!("`reverse` cannot be {}", describe(value.get_ref())),
        "edges point from a task to the tasks that wait for it; write `reverse = true` if those in the \
         file point to the tasks that it depends on",
    );
    mistakes.push(mistake.at(value.span(), "expected true or false"));
    None
}

/// A graph file that the workload names, and its place in the workload file.
struct NamedFile {
    file: String,
    span: Range<usize>,
    is_swept: bool,
}

/// All graph files that the workload names; at least one if there is no mistake.
fn names(table: &DeTable<'_>, span: Range<usize>, mistakes: &mut Vec<Mistake>) -> Vec<NamedFile> {
    let Some(value) = table.get(FILE) else {
        // A misspelt key has already been reported.
        if table
            .keys()
            .all(|key| nearest(key.get_ref(), [FILE]).is_none())
        {
            let help = format!("write it like `{}`", GRAPH.example);
            mistakes
                .push(Mistake::new("the graph has no `file`", help).at(span, "`file` is missing"));
        }
        return Vec::new();
    };
    let (entries, is_swept) = match value.get_ref() {
        DeValue::Array(list) => (list.iter().collect(), true),
        _ => (vec![value], false),
    };
    let mut names: Vec<NamedFile> = Vec::new();
    for entry in &entries {
        match entry.get_ref() {
            DeValue::String(file) if names.iter().any(|other| other.file == **file) => {
                let help = "every entry makes a separate case: remove one of the two";
                let mistake = Mistake::new("the list contains the same file twice", help);
                mistakes.push(mistake.at(entry.span(), "again here"));
            }
            DeValue::String(file) => names.push(NamedFile {
                file: file.to_string(),
                span: entry.span(),
                is_swept,
            }),
            other => {
                let message = format!("`file` cannot be {}", describe(other));
                let help = format!("write it like `{}`", GRAPH.example);
                let expected =
                    "expected a path in double quotes, relative to the folder of this file";
                mistakes.push(Mistake::new(message, help).at(entry.span(), expected));
            }
        }
    }
    if entries.is_empty() {
        let help = "a list makes one case per entry, so an empty list makes none: add a file";
        let mistake = Mistake::new("`file` is an empty list", help);
        mistakes.push(mistake.at(value.span(), "expected at least one file"));
    }
    names
}

fn open(
    name: NamedFile,
    (scale, reverse): (f64, Option<bool>),
    folder: Option<&Path>,
    mistakes: &mut Vec<Mistake>,
) -> Option<GraphChoice> {
    let Some(folder) = folder else {
        let message = "a workload that is built into the program cannot read a graph file";
        let help = "use a pattern, or put the workload into a file";
        mistakes.push(Mistake::new(message, help).at(name.span, "a file"));
        return None;
    };
    let path = folder.join(&name.file);
    if path.to_str().is_none() {
        let message = format!("the path `{}` is not UTF-8", path.display());
        let help = "records contain the path as text: rename the folder";
        mistakes.push(Mistake::new(message, help).at(name.span, "in the folder of this file"));
        return None;
    }
    let opened = FileGraph::open(path, scale, reverse).map_err(|error| {
        let message = format!("{} cannot be read as a task graph", quoted(&name.file));
        let help = "the path is relative to the folder of the workload file; the mistake in the graph \
                    is shown below";
        let mistake = Mistake::new(message, help).at(name.span.clone(), "named here");
        mistakes.push(mistake.because_of(error));
    });
    let Opened {
        graph,
        has_durations,
        notes,
    } = opened.ok()?;
    if graph.task_count == 0 {
        let message = format!("{} has no tasks", quoted(&name.file));
        let help = "there is nothing to measure: use a graph with at least one task";
        mistakes.push(Mistake::new(message, help).at(name.span, "named here"));
        return None;
    }
    let noted = notes.into_iter();
    let notes = noted.map(|note| format!("{}: {note}", graph.file.display()));
    let notes = notes.collect();
    let labels = name.is_swept.then(|| format!("file={}", name.file));
    Some(GraphChoice {
        graph: Graph::File(graph),
        labels: labels.into_iter().collect(),
        extents: vec![(name.span, "this file determines its size")],
        has_durations,
        notes,
    })
}
