//! `check`: checks workload files without running them.

use std::path::PathBuf;

use super::{CommandResult, Exit, OK, say, tell_notes};
use crate::registry::Registry;
use crate::workload;

/// The arguments of `check`.
#[derive(clap::Args)]
pub(super) struct CheckArguments {
    /// Check these workload files, or all workload files in these folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(super) fn main(registry: &Registry, arguments: &CheckArguments) -> CommandResult {
    let workloads = workload::load(&arguments.paths, registry).map_err(Exit::usage)?;
    tell_notes(&workloads);
    for workload in &workloads {
        say(&format!("{}: {}\n", workload.name, workload.why))?;
        for variant in &workload.variants {
            let size = variant.definition.graph_size();
            let label = match variant.label.as_str() {
                "" => "(no variants)",
                label => label,
            };
            let (tasks, edges) = (size.task_count, size.edge_count);
            say(&format!("  {label}: {tasks} tasks, {edges} edges\n"))?;
        }
    }
    Ok(OK)
}
