//! `check`: checks workload files and files of backends without running them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::externals::Externals;
use super::select::{none_applicable, reasons};
use super::{CommandResult, Exit, OK, say, tell, tell_notes, workers};
use crate::backend::Backend;
use crate::external::is_file_of_backends;
use crate::filter::CaseFilter;
use crate::matrix::{self, Binding, Selection};
use crate::registry::Registry;
use crate::units::counted;
use crate::workload::{self, Workload};

/// The arguments of `check`.
#[derive(clap::Args)]
pub(super) struct CheckArguments {
    /// Check these workload files and files of backends, or all workload files and `backends.toml` in these folders. The
    /// keys of a file decide what it is.
    #[arg(required_unless_present = "files", value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    externals: Externals,
}

pub(super) fn main(registry: &Registry, arguments: &CheckArguments) -> CommandResult {
    let paths = &arguments.paths;
    paths.iter().for_each(|path| tell_kind(path));
    let workloads = workload::load(paths, registry).map_err(Exit::usage)?;
    tell_notes(&workloads);
    let builtin = workload::builtin_and(&[], registry).map_err(Exit::usage)?;
    let all = builtin.iter().chain(&workloads);
    let names = all.map(|workload| workload.name.clone()).collect();
    let externals = &arguments.externals;
    let registry = &externals.registry_for(registry, paths, Some(&names))?;
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
            let (tasks, edges) = (
                counted(tasks as usize, "task"),
                counted(edges as usize, "edge"),
            );
            say(&format!("  {label}: {tasks}, {edges}\n"))?;
        }
        check_runs_somewhere(registry, workload)?;
    }
    for external in registry.externals.iter().filter(|one| !one.is_peer()) {
        let (name, family, why) = (external.name(), external.family().name(), external.why());
        let command = external.command().join(" ");
        say(&format!("{name}: {why}\n  {family}: {command}\n"))?;
    }
    Ok(OK)
}

/// Says which cases of `workload` cannot run on the backends of this program with its numbers of workers.
///
/// # Errors
///
/// If none can.
fn check_runs_somewhere(registry: &Registry, workload: &Workload) -> Result<(), Exit> {
    let is_own = |backend: &&'static dyn Backend| {
        backend.is_default() && registry.external(backend.name()).is_none()
    };
    let selection = Selection {
        filter: CaseFilter::exactly(workload.name.clone()),
        backends: registry.backends.iter().copied().filter(is_own).collect(),
        externals: Vec::new(),
        is_named: false,
        worker_counts: workers::choice(Vec::new(), false),
        continuation: None,
        pin: Binding::Nobody,
        options: BTreeMap::new(),
    };
    let cases = matrix::cases(std::slice::from_ref(workload), &selection);
    let reasons = reasons(&cases.not_applicable);
    if cases.planned.is_empty() && !reasons.is_empty() {
        return Err(none_applicable(&reasons));
    }
    reasons
        .iter()
        .for_each(|reason| tell(&format!("{}: {reason}", workload.name)));
    Ok(())
}

/// Says what kind of file this is taken for, if it is one.
fn tell_kind(path: &Path) {
    if path.is_dir() {
        return;
    }
    let kind = match is_file_of_backends(path) {
        true => "a file of backends",
        false => "a workload file",
    };
    tell(&format!("note: `{}` is checked as {kind}", path.display()));
}
