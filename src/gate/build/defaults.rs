//! What a gate compares if the command line does not say it: the working tree with the commit where it left the main
//! branch.

use std::path::{Path, PathBuf};

use super::error::ProgramError;
use super::snapshot::snapshot;
use super::{Found, Meanwhile, Repository, Revision};
use crate::compare::few;
use crate::foreign::git::{Git, GitError};

/// The main branch is the first of these that exists.
const MAIN_BRANCHES: [&str; 3] = [
    "refs/remotes/origin/HEAD",
    "refs/heads/main",
    "refs/heads/master",
];

/// Copies the working tree as it is, with changes that are not committed, and names these. The folder `left_out`, in
/// which the gate writes, is not part of it, and neither are files that git ignores.
///
/// # Errors
///
/// If git fails, with the remedy.
pub(crate) fn working_tree(
    left_out: &Path,
    meanwhile: &mut Meanwhile<'_>,
) -> Result<Found, ProgramError> {
    let no_tree = |error| ProgramError::no_default("--head", error);
    let git = Git::at(Path::new("."), meanwhile.is_cancelled);
    let repository = Repository::around(&git).map_err(no_tree)?;
    let git = Git::at(&repository.top, meanwhile.is_cancelled);
    let snapshot = snapshot(&git, below(left_out, &repository.top)).map_err(no_tree)?;
    for submodule in &snapshot.changed_submodules {
        (meanwhile.tell)(&format!(
            "changes in the submodule `{submodule}` are not judged; commit them there first"
        ));
    }
    if !snapshot.changed.is_empty() {
        (meanwhile.tell)(&format!(
            "the working tree is judged with its uncommitted changes: {}",
            few(&snapshot.changed)
        ));
    }
    Ok(Found::Revision(Revision {
        repository,
        name: "working tree".into(),
        commit: snapshot.commit.clone(),
        snapshot: Some(snapshot),
    }))
}

/// The folder relative to the root of the repository; `None` if it is not inside or does not exist.
fn below(folder: &Path, top: &Path) -> Option<PathBuf> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let below = folder.strip_prefix(top).ok()?;
    (!below.as_os_str().is_empty()).then(|| below.into())
}

/// Finds the commit where `head` left the main branch. For a program, this is the commit where the current branch did.
///
/// # Errors
///
/// If there is no such commit, or this clone does not have it, with the remedy.
pub(crate) fn merge_base(
    head: &Found,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Found, ProgramError> {
    let no_base = |error| ProgramError::no_default("--base", error);
    let git = Git::at(Path::new("."), is_cancelled);
    let repository = Repository::around(&git).map_err(no_base)?;
    let is_shallow = git.ask(["rev-parse", "--is-shallow-repository"]);
    let is_shallow = is_shallow.map_err(no_base)? == "true";
    let Some(main) = main_branch(&git).map_err(no_base)? else {
        return Err(match is_shallow {
            true => ProgramError::Shallow,
            false => ProgramError::NoMainBranch,
        });
    };
    let commit = match head {
        Found::Revision(revision) => revision.commit.as_str(),
        Found::Program(_) => "HEAD",
    };
    match git.ask(["merge-base", main.as_str(), commit]) {
        Ok(hash) => Ok(Found::Revision(Revision {
            repository,
            name: format!("merge base with {main}"),
            commit: hash.to_string_lossy().into_owned(),
            snapshot: None,
        })),
        // Git says nothing if there is none.
        Err(GitError::Refused { words, .. }) if words.is_empty() => Err(match is_shallow {
            true => ProgramError::Shallow,
            false => ProgramError::NoMergeBase(main),
        }),
        Err(error) => Err(no_base(error)),
    }
}

/// The short name of the main branch; `None` if there is none.
fn main_branch(git: &Git<'_>) -> Result<Option<String>, GitError> {
    for name in MAIN_BRANCHES {
        // It lists no branch that names another which does not exist, as `origin/HEAD` may, and says nothing about it.
        let listed = git.ask(["for-each-ref", "--format=%(refname)", name])?;
        if listed.to_string_lossy().lines().any(|line| line == name) {
            let short = git.ask(["rev-parse", "--abbrev-ref", name])?;
            return Ok(Some(short.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}
