//! Workload files: what is run, described once as data.
//!
//! A file names a pattern and a kernel with their parameters. A list in place of a value is a *sweep*: it
//! makes one [`Variant`] for each entry, and several lists multiply. In place of `pattern`, `graphs` names
//! several that run at once, and `graph` names a file of another tool.
//!
//! | module | its job |
//! |---|---|
//! | `load` | files and folders to text, names unique over all of them |
//! | `parse` | the text of one file to a [`Workload`] |
//! | `top_key` | the keys at the top of a file |
//! | `pattern_keys` | the keys `pattern` and `graphs`: the graph of a file, by its pattern |
//! | `graph_key` | the key `graph`: the graph of a file, which is in a file of its own |
//! | `kind_table` | the tables with a `kind`, under `pattern` and `kernel`, with their sweeps |
//! | `pattern_or_kernel` | what patterns and kernels have in common |
//! | `value` | one value as a parameter takes it, or what was meant by it |
//! | `limit` | how many cases a file may stand for |
//! | `json` | a pattern or a kernel as it stands in records, and what is wrong in them |
//! | `definition` | one variant: to JSON and back, to a graph and a kernel |
//! | `graph` | the graph of a variant: to JSON and back, and built |
//! | `file_graph` | a graph in a file: read, scaled, and known again by its content |
//! | `variants` | what graphs, kernels and outputs make together, and what they cannot |
//! | `optimum` | how long a run takes at best, where that is proved |
//! | `size` | whether a graph fits into ids and memory |
//! | `gate` | the `gate` of a file: what counts as a change |
//! | `mistake` | what is wrong, where, and what to do |

use std::path::PathBuf;
use std::time::Duration;

use crate::registry::Registry;

mod definition;
mod file_graph;
mod gate;
mod graph;
mod graph_key;
mod json;
mod kind_table;
mod limit;
mod load;
mod mistake;
mod optimum;
mod parse;
mod pattern_keys;
mod pattern_or_kernel;
mod size;
mod top_key;
mod value;
mod variants;

pub(crate) use definition::Definition;
pub(crate) use graph::BuildError;
pub(crate) use json::DefinitionError;
pub(crate) use mistake::LoadError;
pub(crate) use optimum::CertifiedOptimum;

/// A workload file, checked.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The name: lower case words joined by hyphens, unique among the workloads loaded together.
    pub name: String,
    /// What question it answers, in one line.
    pub why: String,
    /// How long one of its cases may take, if the file says so.
    pub timeout: Option<Duration>,
    /// How long a worker process may run one task, if the file says so.
    pub task_timeout: Option<Duration>,
    /// How often a task whose worker process died is tried again, if the file says so.
    pub retries: Option<u32>,
    /// How long a run takes at best, if the file certifies it.
    pub certified_optimum: Option<CertifiedOptimum>,
    /// The smallest change that a gate is to notice, as a part of the base's time, if the file says so.
    pub gate_threshold: Option<f64>,
    /// Whether it is run only where a filter names it: one that takes long, or serves one purpose.
    pub only_if_named: bool,
    /// What of its files was read in another way than they say, or may be meant in another way; a sentence each.
    pub notes: Vec<String>,
    /// What is run; at least one. More if something is swept.
    pub variants: Vec<Variant>,
}

/// One entry of a workload's sweep.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The swept parameters as `key=value`, joined by commas; empty if nothing is swept. Unique within the
    /// workload.
    pub label: String,
    /// What is run.
    pub definition: Definition,
}

/// The workloads that are part of the program: the built-in ones, sorted by name, then those that `registry` adds.
///
/// # Errors
///
/// Everything that is wrong in those that `registry` adds.
pub fn builtin(registry: &Registry) -> Result<Vec<Workload>, LoadError> {
    load::workloads(load::builtin(registry), registry)
}

/// The workloads in these files and folders, in the order given. A folder stands for the `*.toml` files
/// in it, sorted by name, without those in folders below it. A file that is named twice is read once; no
/// paths give no workloads.
///
/// # Errors
///
/// Everything that is wrong in all of them, as one report.
pub fn load(paths: &[PathBuf], registry: &Registry) -> Result<Vec<Workload>, LoadError> {
    load::workloads(load::read(paths), registry)
}

/// [`builtin`] and [`load()`] together: no two of all these workloads may have the same name.
///
/// # Errors
///
/// As [`load()`].
pub fn builtin_and(paths: &[PathBuf], registry: &Registry) -> Result<Vec<Workload>, LoadError> {
    let mut sources = load::builtin(registry);
    sources.extend(load::read(paths));
    load::workloads(sources, registry)
}

#[cfg(test)]
mod tests;
