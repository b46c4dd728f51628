//! `list`: lists everything that can be selected.

use std::path::PathBuf;

use serde::Serialize;

use super::externals::Externals;
use super::{CommandResult, Exit, OK, say};
use crate::backend::Backend;
use crate::external::External;
use crate::parameter::{DefaultValue, Parameter};
use crate::registry::Registry;
use crate::report::{EXPORTERS, FORMATS};
use crate::workload::{self, Workload};

/// The arguments of `list`.
#[derive(clap::Args)]
pub(super) struct ListArguments {
    /// Add workload files, or all workload files in a folder.
    ///
    /// Can be given more than once.
    #[arg(long, value_name = "PATH", env = "TASKDYNO_WORKLOADS")]
    workloads: Vec<PathBuf>,
    #[command(flatten)]
    externals: Externals,
    /// Choose the output format.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "TASKDYNO_LIST_FORMAT"
    )]
    format: ListFormat,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ListFormat {
    /// Readable text.
    Text,
    /// A JSON array of objects with `kind`, `name` and `why`; backends have a `family` too, and what has options or
    /// parameters has `parameters`.
    Json,
}

#[derive(Serialize)]
struct ListEntry {
    kind: &'static str,
    name: String,
    /// What a backend runs its tasks on.
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'static str>,
    why: String,
    /// The options of a backend, or the parameters of a pattern or kernel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<ListParameter>,
}

/// A parameter, in words.
#[derive(Serialize)]
struct ListParameter {
    name: &'static str,
    /// What it sets.
    why: &'static str,
    /// Which values are valid.
    expected: String,
    /// The value without one; null if it must be given.
    default: Option<String>,
}

impl ListParameter {
    fn all(parameters: &[Parameter]) -> Vec<Self> {
        let one = |parameter: &Parameter| Self {
            name: parameter.name,
            why: parameter.why,
            expected: parameter.expected(),
            default: parameter.default.map(|default| match default {
                DefaultValue::Count(count) => count.to_string(),
                DefaultValue::Text(text) => text.into(),
            }),
        };
        parameters.iter().map(one).collect()
    }

    /// A line of text.
    fn line(&self) -> String {
        let default = match &self.default {
            Some(default) => format!("; default {default}"),
            None => String::new(),
        };
        format!("{} = {}{default}: {}", self.name, self.expected, self.why)
    }
}

impl ListEntry {
    fn new(kind: &'static str, name: &str, why: &str) -> Self {
        Self {
            kind,
            name: name.into(),
            family: None,
            why: why.into(),
            parameters: Vec::new(),
        }
    }

    /// The same, with these parameters.
    fn with(self, parameters: &[Parameter]) -> Self {
        Self {
            parameters: ListParameter::all(parameters),
            ..self
        }
    }

    fn backend(backend: &dyn Backend, registry: &Registry) -> Self {
        let note = match registry.external(backend.name()) {
            Some(external) => note(external),
            None => own_note(backend),
        };
        let why = match note {
            Some(note) => format!("{} ({note})", backend.why()),
            None => backend.why().into(),
        };
        Self {
            family: Some(backend.family().name()),
            ..Self::new("backend", backend.name(), &why).with(backend.options())
        }
    }
}

pub(super) fn main(registry: &Registry, arguments: &ListArguments) -> CommandResult {
    let registry = arguments
        .externals
        .registry(registry, &arguments.workloads)?;
    let entries = entries(&registry, &arguments.workloads)?;
    let text = match arguments.format {
        ListFormat::Json => serde_json::to_string_pretty(&entries).expect("plain data") + "\n",
        ListFormat::Text => text(&entries),
    };
    say(&text)?;
    Ok(OK)
}

fn entries(registry: &Registry, added: &[PathBuf]) -> Result<Vec<ListEntry>, Exit> {
    let workloads = workload::builtin_and(added, registry).map_err(Exit::usage)?;
    let mut entries = Vec::new();
    for backend in &registry.backends {
        entries.push(ListEntry::backend(*backend, registry));
    }
    for workload in &workloads {
        let why = format!("{}{}", workload.why, note_on(workload));
        entries.push(ListEntry::new("workload", &workload.name, &why));
    }
    for pattern in &registry.patterns {
        let entry = ListEntry::new("pattern", pattern.name(), pattern.why());
        entries.push(entry.with(pattern.parameters()));
    }
    for kernel in &registry.kernels {
        let entry = ListEntry::new("kernel", kernel.name(), kernel.why());
        entries.push(entry.with(kernel.parameters()));
    }
    for exporter in EXPORTERS {
        entries.push(ListEntry::new("exporter", exporter.name(), exporter.why()));
    }
    for format in FORMATS {
        entries.push(ListEntry::new("format", format.name(), format.why()));
    }
    Ok(entries)
}

/// When a workload runs and with how many workers, unless it runs like all others.
fn note_on(workload: &Workload) -> String {
    let named = workload
        .only_if_named
        .then(|| "runs only if it is named".to_owned());
    let counts = workload.worker_counts.as_ref();
    let workers = counts.map(|counts| format!("workers = {counts}"));
    let notes: Vec<String> = named.into_iter().chain(workers).collect();
    match notes.is_empty() {
        true => String::new(),
        false => format!(" ({})", notes.join("; ")),
    }
}

/// When a backend of this program runs, unless it runs like all others.
fn own_note(backend: &dyn Backend) -> Option<String> {
    if let Err(refusal) = backend.check_system() {
        return Some(format!("not available: {refusal}"));
    }
    let named = (!backend.is_default()).then(|| "runs only if it is named".to_owned());
    let no_recursion = (!backend.runs_recursion())
        .then(|| format!("no recursive programs: {}", backend.why_no_recursion()));
    let notes: Vec<String> = named.into_iter().chain(no_recursion).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// When an external backend runs, unless it runs like all others.
fn note(external: &External) -> Option<String> {
    if let Some(obstacle) = external.obstacle() {
        return Some(format!("not available: {obstacle}"));
    }
    Some(match external.default_workloads()? {
        [] => "runs only if it is named".into(),
        names => format!("runs only on {}, unless it is named", names.join(" and ")),
    })
}

fn text(entries: &[ListEntry]) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    let mut kind = "";
    for entry in entries {
        if entry.kind != kind {
            if !kind.is_empty() {
                text.push('\n');
            }
            kind = entry.kind;
            text += &format!("{kind}s\n");
        }
        let family = entry.family.map(|family| format!("{family:9}  "));
        let family = family.unwrap_or_default();
        text += &format!("  {:width$}  {family}{}\n", entry.name, entry.why);
        for parameter in &entry.parameters {
            text += &format!("  {:width$}    {}\n", "", parameter.line());
        }
    }
    text
}

#[cfg(test)]
mod tests;
