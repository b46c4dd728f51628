//! Workload files, which describe as data what to run.
//!
//! A file names a pattern and a kernel with their parameters. A list in place of a value is a *sweep*: it makes one
//! [`Variant`] per entry, and several lists multiply. Instead of `pattern`, a file may have `graphs`, a list of
//! patterns that run at the same time, or `graph`, a graph file of another tool.
//!
//! | module | its job |
//! |---|---|
//! | `load` | reads files and folders, and checks that names are unique |
//! | `parse` | parses the text of one file into a [`Workload`] |
//! | `top_key` | lists the top-level keys of a file |
//! | `pattern_keys` | parses the keys `pattern` and `graphs`: graphs from patterns |
//! | `graph_key` | parses the key `graph`: a graph from a graph file |
//! | `kind_table` | parses the tables with a `kind`, under `pattern` and `kernel`, with their sweeps |
//! | `pattern_or_kernel` | defines what patterns and kernels have in common |
//! | `limit` | limits the number of cases per file |
//! | `json` | converts patterns and kernels to JSON and back, with typed errors |
//! | `definition` | converts one variant to JSON and back, and builds its graph and kernel |
//! | `graph` | converts the graph of a variant to JSON and back, and builds it |
//! | `file_graph` | reads and scales a graph file, and identifies it by its content |
//! | `variants` | combines graphs, kernels and outputs into variants, and refuses invalid combinations |
//! | `optimum` | parses the certified optimum: the shortest possible run time |
//! | `size` | checks that a graph fits into ids and memory |
//! | `gate` | parses the key `gate`: the smallest change that a gate reports |
//! | `worker_counts` | parses the key `workers`: the numbers of workers to run with |

use std::path::PathBuf;
use std::time::Duration;

use crate::registry::Registry;
use crate::toml_file::LoadError;

mod definition;
mod file_graph;
mod gate;
mod graph;
mod graph_key;
mod json;
mod kind_table;
mod limit;
mod load;
mod optimum;
mod parse;
mod pattern_keys;
mod pattern_or_kernel;
mod size;
mod top_key;
mod variants;
mod worker_counts;

pub(crate) use definition::Definition;
pub(crate) use graph::BuildError;
pub(crate) use json::DefinitionError;
pub(crate) use optimum::CertifiedOptimum;
pub(crate) use worker_counts::WorkerCounts;

/// The checked contents of a workload file.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The name: lower case words joined by hyphens, unique among the workloads loaded together.
    pub name: String,
    /// The question that it answers, in one line.
    pub why: String,
    /// The time limit of one of its cases; `None` if the file has none.
    pub timeout: Option<Duration>,
    /// The time limit of one task on a worker process; `None` if the file has none.
    pub task_timeout: Option<Duration>,
    /// How often a task is retried after its worker process died; `None` if the file does not say.
    pub retries: Option<u32>,
    /// The shortest possible run time; `None` if the file does not certify it.
    pub certified_optimum: Option<CertifiedOptimum>,
    /// The threshold of a gate, as a fraction of the base's time; `None` if the file has none.
    pub gate_threshold: Option<f64>,
    /// Whether it runs only if a filter names it, because it takes long or has a special purpose.
    pub only_if_named: bool,
    /// The numbers of workers to run it with; `None` if the file does not say.
    pub worker_counts: Option<WorkerCounts>,
    /// How its graph differs from what its graph files say, or may be misunderstood, with one sentence per note.
    pub notes: Vec<String>,
    /// The variants; at least one, and more if something is swept.
    pub variants: Vec<Variant>,
}

/// One entry of a workload's sweep.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The swept parameters as `key=value`, joined by commas; empty if nothing is swept. It is unique within the
    /// workload.
    pub label: String,
    /// The definition of the variant.
    pub definition: Definition,
}

/// The built-in workloads, sorted by name, then those that `registry` adds.
///
/// # Errors
///
/// All mistakes in those that `registry` adds.
pub fn builtin(registry: &Registry) -> Result<Vec<Workload>, LoadError> {
    load::workloads(load::builtin(registry), registry)
}

/// Reads the workloads in these files and folders, in the given order. A folder stands for the `*.toml` files directly
/// in it, sorted by name. A file that is named twice is read once. The result is empty if `paths` is.
///
/// # Errors
///
/// All mistakes in all of them, as one error.
pub fn load(paths: &[PathBuf], registry: &Registry) -> Result<Vec<Workload>, LoadError> {
    load::workloads(load::read(paths), registry)
}

/// The workloads of [`builtin`] and [`load()`] together. All their names must be different.
///
/// # Errors
///
/// As for [`load()`].
pub fn builtin_and(paths: &[PathBuf], registry: &Registry) -> Result<Vec<Workload>, LoadError> {
    let mut sources = load::builtin(registry);
    sources.extend(load::read(paths));
    load::workloads(sources, registry)
}

#[cfg(test)]
mod tests;
