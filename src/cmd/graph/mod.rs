//! `graph`: describes a graph from a file or a pattern, and converts it to the formats of other tools.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::out::pass_on;
use super::{CommandResult, Exit, OK, complaint, say, tell};
use crate::graph::TaskGraph;
use crate::graph_file::GraphFormat;
use crate::graph_file::export::{self, ExportError};
use crate::graph_file::import::{self, Imported, Unit};
use crate::record::write_whole_with;
use crate::registry::Registry;
use crate::workload::Definition;
use info::Info;

mod info;

/// The arguments of `graph`.
#[derive(clap::Args)]
pub(super) struct GraphArguments {
    #[command(subcommand)]
    command: GraphCommand,
}

#[derive(clap::Subcommand)]
enum GraphCommand {
    /// Count the tasks, edges and levels of a graph, and sum its durations.
    Info {
        #[command(flatten)]
        source: GraphSource,
        /// Choose the output format.
        #[arg(
            long,
            value_name = "FORMAT",
            default_value = "text",
            env = "TASKDYNO_GRAPH_INFO_FORMAT"
        )]
        format: InfoFormat,
    },
    /// Convert a graph to the format of another tool.
    Export {
        #[command(flatten)]
        source: GraphSource,
        /// Write this format.
        #[arg(
            long,
            visible_alias = "to",
            value_name = "FORMAT",
            env = "TASKDYNO_GRAPH_FORMAT"
        )]
        format: ExportFormat,
        /// Write to this file instead of standard output.
        #[arg(long, value_name = "FILE", env = "TASKDYNO_GRAPH_OUT")]
        out: Option<PathBuf>,
    },
}

/// The source of a graph.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("graph").required(true).args(["file", "pattern"])))]
struct GraphSource {
    /// Read this graph file: WfFormat (.json), STG (.stg) or DOT (.dot, .gv); `-` is standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read the file in this format, regardless of its name; required for standard input.
    #[arg(long, value_name = "FORMAT", requires = "file")]
    from: Option<ImportFormat>,
    /// Reverse all edges, for a file whose edges point from a task to the tasks that it depends on.
    #[arg(long, requires = "file")]
    reverse: bool,
    /// Use the graph of this pattern instead of a file; `taskdyno list` lists all patterns.
    #[arg(long, value_name = "KIND")]
    pattern: Option<String>,
    /// Set a parameter of the pattern, such as `width=1000`. Can be given more than once.
    #[arg(
        long = "set",
        value_name = "NAME=VALUE",
        requires = "pattern",
        conflicts_with = "file"
    )]
    parameters: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum InfoFormat {
    /// Readable text.
    Text,
    /// One JSON object; FORMAT.md describes its keys.
    Json,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ExportFormat {
    /// WfFormat 1.5 of WfCommons (JSON).
    Wfformat,
    /// The DOT language of Graphviz.
    Dot,
    /// The format of the Standard Task Graph Set, with whole numbers and without names.
    Stg,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ImportFormat {
    /// WfFormat 1.0 to 1.6 of WfCommons (JSON).
    Wfformat,
    /// The DOT language of Graphviz.
    Dot,
    /// The format of the Standard Task Graph Set.
    Stg,
}

impl ImportFormat {
    fn get(self) -> GraphFormat {
        match self {
            Self::Wfformat => GraphFormat::WfFormat,
            Self::Dot => GraphFormat::Dot,
            Self::Stg => GraphFormat::Stg,
        }
    }
}

pub(super) fn main(registry: &Registry, arguments: &GraphArguments) -> CommandResult {
    match &arguments.command {
        GraphCommand::Info { source, format } => info(registry, source, *format),
        GraphCommand::Export {
            source,
            format,
            out,
        } => export(registry, source, *format, out.as_deref()),
    }
}

fn info(registry: &Registry, source: &GraphSource, format: InfoFormat) -> CommandResult {
    let info = match &source.file {
        Some(path) => {
            let file = read(path, source)?;
            Info::new(&file.graph, file.durations.as_deref(), file.unit)
        }
        None => {
            let graph = pattern_graph(registry, source)?;
            Info::new(&graph, graph.durations_ns(), Unit::Seconds)
        }
    };
    let text = match format {
        InfoFormat::Json => serde_json::to_string_pretty(&info).expect("plain data") + "\n",
        InfoFormat::Text => info.text(),
    };
    say(&text)?;
    Ok(OK)
}

fn export(
    registry: &Registry,
    source: &GraphSource,
    format: ExportFormat,
    out: Option<&Path>,
) -> CommandResult {
    let format = match format {
        ExportFormat::Wfformat => GraphFormat::WfFormat,
        ExportFormat::Dot => GraphFormat::Dot,
        ExportFormat::Stg => GraphFormat::Stg,
    };
    let (name, graph) = match &source.file {
        Some(path) => {
            let stem = path.file_stem().unwrap_or_default();
            let graph = read(path, source)?;
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
        Err(ExportError::Io(error)) => {
            Err(Exit::failed(complaint!("cannot write {place}: {error}")))
        }
        Err(error) => Err(Exit::usage(complaint!("{error}"))),
    }
}

fn written(
    format: GraphFormat,
    name: &str,
    graph: &Imported,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut out = BufWriter::new(out);
    export::write(format, name, graph, &mut out)?;
    Ok(out.flush()?)
}

/// Makes a pattern's graph exportable, with task numbers as names.
fn numbered(graph: TaskGraph) -> Imported {
    Imported {
        names: graph.tasks().map(|task| task.to_string()).collect(),
        durations: graph.durations_ns().map(<[u64]>::to_vec),
        graph,
        unit: Unit::Seconds,
        notes: Vec::new(),
        depends_on_sign: None,
    }
}

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Reads the graph at `path` with the settings of the command line, and prints the notes about it.
fn read(path: &Path, source: &GraphSource) -> Result<Imported, Exit> {
    let given = source.from.map(ImportFormat::get);
    let is_input = path == Path::new(STANDARD_INPUT);
    let name = match is_input {
        true => "standard input".into(),
        false => path.display().to_string(),
    };
    let loaded = match given {
        Some(format) if is_input => {
            import::load_stream(&name, std::io::stdin().lock()).map(|bytes| (format, bytes))
        }
        Some(format) => import::load_any(path).map(|bytes| (format, bytes)),
        None if is_input => {
            let help = "add `--from wfformat`, `--from stg` or `--from dot`";
            return Err(Exit::usage(complaint!(
                help = help,
                "the format of standard input is unknown"
            )));
        }
        None => import::load(path),
    };
    let read = loaded.and_then(|(format, bytes)| import::parse(format, &name, &bytes));
    let file = read.map_err(Exit::usage)?;
    for note in &file.notes {
        tell(&format!("note: {name}: {note}"));
    }
    if source.reverse {
        return Ok(file.reversed());
    }
    if let Some(sign) = &file.depends_on_sign {
        tell(&format!(
            "note: {name}: {sign}: if its edges point from a task to the tasks that it depends on, add `--reverse`"
        ));
    }
    Ok(file)
}

/// Builds the graph of the pattern on the command line, with the same checks as in a workload file.
fn pattern_graph(registry: &Registry, source: &GraphSource) -> Result<TaskGraph, Exit> {
    let mut pattern = json!({ "kind": source.pattern });
    for one in &source.parameters {
        let (name, value) = one.split_once('=').ok_or_else(|| {
            Exit::usage(complaint!(
                help = "write it like `--set width=1000`",
                "expected a parameter as NAME=VALUE, got `{one}`"
            ))
        })?;
        if name == "kind" {
            let message = "`kind` is not a parameter: `--pattern` sets it";
            let help = format!("use `--pattern {value}`");
            return Err(Exit::usage(complaint!(help = help, "{message}")));
        }
        pattern[name] = match value.parse::<serde_json::Number>() {
            Ok(number) => Json::Number(number),
            Err(_) => value.into(),
        };
    }
    let definition = json!({ "pattern": pattern, "kernel": { "kind": "empty" } });
    let definition = Definition::from_json(&definition, registry);
    let definition = definition.map_err(|error| {
        let help = "`taskdyno list` lists all patterns, and FORMAT.md describes their parameters";
        Exit::usage(complaint!(help = help, "{error}"))
    })?;
    let graph = definition.build_graph();
    graph.map_err(|error| Exit::failed(complaint!("cannot build the graph: {error}")))
}
