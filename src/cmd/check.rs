//! `check`: checks workload files and files of backends without running them.

use std::path::PathBuf;

use super::externals::Externals;
use super::{CommandResult, Exit, OK, say, tell_notes};
use crate::backend::Backend;
use crate::registry::Registry;
use crate::workload;

/// The arguments of `check`.
#[derive(clap::Args)]
pub(super) struct CheckArguments {
    /// Check these workload files or `backends.toml` files, or all such files in these folders.
    #[arg(required_unless_present = "files", value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    externals: Externals,
}

pub(super) fn main(registry: &Registry, arguments: &CheckArguments) -> CommandResult {
    let registry = &arguments.externals.registry(registry, &arguments.paths)?;
    let workloads = workload::load(&arguments.paths, registry).map_err(Exit::usage)?;
    tell_notes(&workloads);
    for workload in &workloads {
        say(&format!("{}: {}\n", workload.name, workload.why))?;
        if let Some(counts) = &workload.worker_counts {
            say(&format!("  workers = {counts}\n"))?;
        }
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
    for external in registry.externals.iter().filter(|one| !one.is_peer()) {
        let (name, family, why) = (external.name(), external.family().name(), external.why());
        let command = external.command().join(" ");
        say(&format!("{name}: {why}\n  {family}: {command}\n"))?;
    }
    Ok(OK)
}
