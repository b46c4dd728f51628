//! `graph`: what a graph from a file or a pattern is like, and the same graph for other tools.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use miette::miette;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::out::pass_on;
use super::{Exit, OK, Outcome, say};
use crate::graph::TaskGraph;
use crate::graph::bound::{level_widths, span, work};
use crate::graph::export::{self, ExportError};
use crate::graph::import::{self, Imported, Unit};
use crate::record::write_whole_with;
use crate::registry::Registry;
use crate::report::units;
use crate::workload::Definition;

/// What `graph` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Count the tasks, edges and levels of a graph, and sum up its durations.
    Info {
        #[command(flatten)]
        source: Source,
        /// How to print it.
        #[arg(
            long,
            value_name = "FORMAT",
            default_value = "text",
            env = "TASKDYNO_GRAPH_INFO_FORMAT"
        )]
        format: Format,
    },
    /// Write a graph for other tools.
    Export {
        #[command(flatten)]
        source: Source,
        /// The format to write.
        #[arg(long, value_name = "FORMAT", env = "TASKDYNO_GRAPH_FORMAT")]
        format: ExportFormat,
        /// The file to write; by default standard output.
        #[arg(long, value_name = "FILE", env = "TASKDYNO_GRAPH_OUT")]
        out: Option<PathBuf>,
    },
}

/// Where a graph comes from.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("graph").required(true).args(["file", "pattern"])))]
struct Source {
    /// A graph file: WfFormat (.json), STG (.stg) or DOT (.dot, .gv).
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take the graph of this pattern instead; `taskdyno list` names them.
    #[arg(long, value_name = "KIND")]
    pattern: Option<String>,
    /// Set a parameter of the pattern, such as `width=1000`. May be given more than once.
    #[arg(
        long = "set",
        value_name = "NAME=VALUE",
        requires = "pattern",
        conflicts_with = "file"
    )]
    parameters: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// One object; the keys are in FORMAT.md.
    Json,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ExportFormat {
    /// WfFormat 1.5 of WfCommons: JSON.
    Wfformat,
    /// The language of Graphviz.
    Dot,
}

pub(super) fn main(registry: &Registry, arguments: &Arguments) -> Outcome {
    match &arguments.command {
        Command::Info { source, format } => info(registry, source, *format),
        Command::Export {
            source,
            format,
            out,
        } => export(registry, source, *format, out.as_deref()),
    }
}

fn info(registry: &Registry, source: &Source, format: Format) -> Outcome {
    let info = match &source.file {
        Some(path) => {
            let file = import::read(path).map_err(|error| Exit::Usage(error.into()))?;
            Info::new(&file.graph, file.durations.as_deref(), file.unit)
        }
        None => {
            let graph = pattern_graph(registry, source)?;
            Info::new(&graph, graph.durations_ns(), Unit::Seconds)
        }
    };
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&info).expect("plain data") + "\n",
        Format::Text => info.text(),
    };
    say(&text)?;
    Ok(OK)
}

fn export(
    registry: &Registry,
    source: &Source,
    format: ExportFormat,
    out: Option<&Path>,
) -> Outcome {
    let format = match format {
        ExportFormat::Wfformat => export::Format::WfFormat,
        ExportFormat::Dot => export::Format::Dot,
    };
    let (name, graph) = match &source.file {
        Some(path) => {
            let stem = path.file_stem().unwrap_or_default();
            let graph = import::read(path).map_err(|error| Exit::Usage(error.into()))?;
            (stem.to_string_lossy().into_owned(), graph)
        }
        None => {
            let graph = pattern_graph(registry, source)?;
            let name = source.pattern.clone().unwrap_or_default();
            (name, numbered(graph))
        }
    };
    let place = match out {
        Some(path) => path.display().to_string(),
        None => "standard output".into(),
    };
    let written = match out {
        Some(path) => write_whole_with(path, |file| written(format, &name, &graph, file)),
        None => pass_on(|out| written(format, &name, &graph, out))?,
    };
    match written {
        Ok(()) => Ok(OK),
        Err(ExportError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => {
            Err(Exit::BrokenPipe)
        }
        Err(ExportError::Io(error)) => Err(Exit::Failed(miette!("cannot write {place}: {error}"))),
        Err(error) => Err(Exit::Usage(miette!("{error}"))),
    }
}

fn written(
    format: export::Format,
    name: &str,
    graph: &Imported,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut out = BufWriter::new(out);
    export::write(format, name, graph, &mut out)?;
    Ok(out.flush()?)
}

/// A pattern's graph with its task numbers as names.
fn numbered(graph: TaskGraph) -> Imported {
    Imported {
        names: graph.tasks().map(|task| task.to_string()).collect(),
        durations: graph.durations_ns().map(<[u64]>::to_vec),
        graph,
        unit: Unit::Seconds,
    }
}

/// The graph of the pattern that the command line names, checked as a workload's is.
fn pattern_graph(registry: &Registry, source: &Source) -> Result<TaskGraph, Exit> {
    let mut pattern = json!({ "kind": source.pattern });
    for one in &source.parameters {
        let (name, value) = one.split_once('=').ok_or_else(|| {
            Exit::Usage(miette!(
                help = "write it like `--set width=1000`",
                "`{one}` is not a parameter with a value"
            ))
        })?;
        if name == "kind" {
            let message = "`kind` is no parameter: `--pattern` says it";
            let help = format!("write `--pattern {value}` if that is meant");
            return Err(Exit::Usage(miette!(help = help, "{message}")));
        }
        pattern[name] = match value.parse::<serde_json::Number>() {
            Ok(number) => Json::Number(number),
            Err(_) => value.into(),
        };
    }
    let definition = json!({ "pattern": pattern, "kernel": { "kind": "empty" } });
    let definition = Definition::from_json(&definition, registry);
    let definition = definition.map_err(|error| {
        let help = "`taskdyno list` shows all patterns, and FORMAT.md what they take";
        Exit::Usage(miette!(help = help, "{error}"))
    })?;
    let graph = definition.build_graph();
    graph.map_err(|error| Exit::Failed(miette!("the graph cannot be built: {error}")))
}

/// What there is to say about a graph, with the keys it has as JSON.
#[derive(Serialize)]
struct Info {
    task_count: usize,
    edge_count: usize,
    /// The tasks on the longest path.
    depth: usize,
    source_count: usize,
    sink_count: usize,
    /// The most tasks of one level: tasks with as long a longest path before them.
    widest_level_count: u32,
    #[serde(flatten)]
    sums: Option<Sums>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sums {
    Seconds { work_ns: u128, span_ns: u128 },
    Units { work: Amount, span: Amount },
}

/// A sum of durations without a unit, a whole number if it is one.
#[derive(Serialize)]
#[serde(untagged)]
enum Amount {
    Whole(u128),
    Fraction(f64),
}

impl Amount {
    fn of(billionths: u128) -> Self {
        match billionths % BILLION {
            0 => Self::Whole(billionths / BILLION),
            _ => Self::Fraction(billionths as f64 / BILLION as f64),
        }
    }
}

const BILLION: u128 = 1_000_000_000;

impl Info {
    fn new(graph: &TaskGraph, durations: Option<&[u64]>, unit: Unit) -> Self {
        let widths = level_widths(graph);
        let is_sink = |task| graph.successors(task).is_empty();
        let sums = durations.map(|durations| {
            let (work, span) = (work(durations), span(graph, durations));
            match unit {
                Unit::Seconds => Sums::Seconds {
                    work_ns: work,
                    span_ns: span,
                },
                Unit::None => Sums::Units {
                    work: Amount::of(work),
                    span: Amount::of(span),
                },
            }
        });
        Self {
            task_count: graph.task_count(),
            edge_count: graph.edge_count(),
            depth: widths.len(),
            source_count: graph.sources().len(),
            sink_count: graph.tasks().filter(|task| is_sink(*task)).count(),
            widest_level_count: widths.into_iter().max().unwrap_or(0),
            sums,
        }
    }

    fn text(&self) -> String {
        let count = |count: usize| units::count(count as u64);
        let mut lines = vec![
            ("tasks", count(self.task_count)),
            ("edges", count(self.edge_count)),
            ("sources", count(self.source_count)),
            ("sinks", count(self.sink_count)),
            ("depth", count(self.depth)),
            ("widest level", units::count(self.widest_level_count.into())),
        ];
        let (work, span) = match &self.sums {
            // Without durations, every task counts as much as any other.
            None => (self.task_count as f64, self.depth as f64),
            Some(Sums::Seconds { work_ns, span_ns }) => {
                let [work, span] = [work_ns, span_ns].map(|ns| *ns as f64 / BILLION as f64);
                lines.push(("work", format!("{work} s")));
                lines.push(("span", format!("{span} s")));
                (work, span)
            }
            Some(Sums::Units { work, span }) => {
                let [work, span] = [work, span].map(|amount| match amount {
                    Amount::Whole(whole) => *whole as f64,
                    Amount::Fraction(fraction) => *fraction,
                });
                lines.push(("work", work.to_string()));
                lines.push(("span", span.to_string()));
                (work, span)
            }
        };
        // Nothing to do is done by no worker.
        let parallelism = if span > 0.0 { work / span } else { 0.0 };
        lines.push(("parallelism", format!("{parallelism:.2}")));
        let lines = lines
            .iter()
            .map(|(name, value)| format!("{name:<14}{value}\n"));
        lines.collect()
    }
}
