//! The flag `--external`: backends that other programs drive.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::{Exit, tell};
use crate::backend::Backend;
use crate::external::{self, Existing};
use crate::registry::Registry;

/// The files of external backends that the command line names.
#[derive(clap::Args, Clone)]
pub(super) struct Externals {
    /// Add the external backends of this file: programs that run tasks with a runtime of any language. Can be given
    /// more than once. A file `backends.toml` in a folder of `--workloads` is added too.
    #[arg(long = "external", value_name = "FILE", env = "TASKDYNO_EXTERNAL")]
    pub(super) files: Vec<PathBuf>,
}

impl Externals {
    /// `registry` with the backends of these files, of the files of backends in folders among `workloads`, and those
    /// that come with the program. Starts no program.
    pub(super) fn registry(
        &self,
        registry: &Registry,
        workloads: &[PathBuf],
    ) -> Result<Registry, Exit> {
        self.registry_for(registry, workloads, None)
    }

    /// As [`registry`](Self::registry). If the names of all workloads are given, the files may name no others.
    pub(super) fn registry_for(
        &self,
        registry: &Registry,
        workloads: &[PathBuf],
        names: Option<&BTreeSet<String>>,
    ) -> Result<Registry, Exit> {
        let beside = workloads
            .iter()
            .filter_map(|path| external::file_beside(path));
        let files = once_each(self.files.iter().cloned().chain(beside));
        let mut extended = with_files(registry, &files, names)?;
        add_peers(&mut extended)?;
        extended.check().map_err(Exit::usage)?;
        Ok(extended)
    }
}

/// `registry` with the backends of these files. If the names of all workloads are given, the files may name no others.
pub(super) fn with_files(
    registry: &Registry,
    files: &[PathBuf],
    workloads: Option<&BTreeSet<String>>,
) -> Result<Registry, Exit> {
    let names = names(registry);
    let known = Existing {
        names: &names,
        kernels: &registry.kernels,
        workloads,
    };
    let found = external::load(files, &known).map_err(Exit::usage)?;
    let mut extended = registry.clone();
    found.into_iter().for_each(|one| extended.add_external(one));
    Ok(extended)
}

/// Adds the backends that come with the program, except those whose name is taken: a file that the user named comes
/// first.
fn add_peers(registry: &mut Registry) -> Result<(), Exit> {
    let known = Existing {
        names: &[],
        kernels: &registry.kernels,
        workloads: None,
    };
    let peers = external::peers(&known).map_err(Exit::usage)?;
    if let Some(why) = peers.iter().find_map(|peer| peer.unwritable()) {
        tell(&format!(
            "note: the backends of CPython run only if they are named: {why}"
        ));
    }
    let taken = names(registry);
    for peer in peers {
        if !taken.contains(&peer.name()) {
            registry.add_external(peer);
        }
    }
    Ok(())
}

fn names(registry: &Registry) -> Vec<&'static str> {
    registry.backends.iter().map(|one| one.name()).collect()
}

/// Each file once, even if it is named twice.
fn once_each(files: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    files
        .filter(|file| fs::canonicalize(file).map_or(true, |real| seen.insert(real)))
        .collect()
}
