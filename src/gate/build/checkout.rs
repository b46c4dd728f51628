//! Checks out a commit with its submodules in a separate folder.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Meanwhile;
use super::error::ProgramError;
use crate::foreign::git::{Git, GitError};

/// Checks out `commit` in `folder`. Repairs the checkout of an earlier gate, or creates a new one. The checkout is
/// kept, so that cargo rebuilds only what has changed. The file `mark` exists if the checkout is complete.
pub(super) fn check_out(
    top: &Path,
    folder: &Path,
    mark: &Path,
    commit: &str,
    meanwhile: &mut Meanwhile<'_>,
) -> Result<(), ProgramError> {
    let is_cancelled = meanwhile.is_cancelled;
    let git = Git::at(top, is_cancelled);
    let is_in_order = mark.exists() && is_put_in_order(folder, commit, is_cancelled);
    if is_cancelled() {
        return Err(ProgramError::Interrupted);
    }
    if !is_in_order {
        // Fails if there is none.
        let _ = fs::remove_file(mark);
        remove_checkout(&git, folder);
        add_worktree(&git, folder, commit).map_err(|error| ProgramError::CheckOut {
            commit: commit.into(),
            folder: folder.into(),
            error,
        })?;
        fs::write(mark, "").map_err(|error| ProgramError::unwritable(mark, error))?;
    }
    add_submodules(top, folder, meanwhile).map_err(ProgramError::Submodules)
}

/// Resets the checkout in `folder` to the files of `commit`. Returns whether this succeeded. Unchanged files keep their
/// modification times, because cargo uses them to find what has changed.
fn is_put_in_order(folder: &Path, commit: &str, is_cancelled: &dyn Fn() -> bool) -> bool {
    let git = Git::at(folder, is_cancelled);
    folder.join(".git").exists() && git.work(["reset", "--quiet", "--hard", commit]).is_ok()
}

/// Removes a checkout of a repository, and git's entry for it.
pub(super) fn remove_checkout(git: &Git<'_>, folder: &Path) {
    // Each command fails if there is nothing to remove. The second `--force` is for an interrupted checkout, which git
    // keeps locked.
    let words = ["worktree", "remove", "--force", "--force"].map(OsStr::new);
    let _ = git.work(words.into_iter().chain([folder.as_os_str()]));
    let _ = fs::remove_dir_all(folder);
    let _ = git.work(["worktree", "prune"]);
}

/// Checks out `commit` in `folder`, without a branch.
fn add_worktree(git: &Git<'_>, folder: &Path, commit: &str) -> Result<(), GitError> {
    // `--force` is needed if git knows the folder but somebody removed it.
    let words = ["worktree", "add", "--force", "--force", "--detach"].map(OsStr::new);
    git.work(
        words
            .into_iter()
            .chain([folder.as_os_str(), OsStr::new(commit)]),
    )
}

/// A submodule: a commit of another repository in a folder of the tree.
struct Submodule {
    path: PathBuf,
    commit: String,
}

/// Checks out the submodules of the checkout in `folder`, from the repositories in the clone at `top`, without using
/// the network. Reports which are missing.
fn add_submodules(
    top: &Path,
    folder: &Path,
    meanwhile: &mut Meanwhile<'_>,
) -> Result<(), GitError> {
    for submodule in submodules(folder, meanwhile.is_cancelled)? {
        let path = &submodule.path;
        match add_submodule(top, folder, &submodule, meanwhile.is_cancelled) {
            Ok(()) => add_submodules(&top.join(path), &folder.join(path), meanwhile)?,
            Err(why) => (meanwhile.tell)(&format!(
                "the submodule `{}` is missing in the build: {why}; `git submodule update --init --recursive` \
                 fetches what the working tree has, `git fetch` in the submodule the rest",
                path.display()
            )),
        }
    }
    Ok(())
}

/// Why a submodule is missing in a checkout.
#[derive(Debug, thiserror::Error)]
enum SubmoduleError {
    #[error("this clone does not have its repository")]
    NoRepository,
    #[error(transparent)]
    Git(#[from] GitError),
}

fn add_submodule(
    top: &Path,
    folder: &Path,
    Submodule { path, commit }: &Submodule,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(), SubmoduleError> {
    let place = folder.join(path);
    if is_put_in_order(&place, commit, is_cancelled) {
        return Ok(());
    }
    let repository = repository_of(top, folder, path, is_cancelled);
    let repository = repository.ok_or(SubmoduleError::NoRepository)?;
    let git = Git::of_repository(&repository, is_cancelled);
    remove_checkout(&git, &place);
    Ok(add_worktree(&git, &place, commit)?)
}

/// Lists the submodules of the tree that is checked out in `folder`.
fn submodules(folder: &Path, is_cancelled: &dyn Fn() -> bool) -> Result<Vec<Submodule>, GitError> {
    if !folder.join(".gitmodules").is_file() {
        return Ok(Vec::new());
    }
    let entries = Git::at(folder, is_cancelled).ask(["ls-files", "--stage", "-z"])?;
    let entries = entries.as_bytes().split(|byte| *byte == 0);
    // The format is MODE HASH STAGE, a tab, and the path.
    let submodule = |entry: &[u8]| {
        let tab = entry.iter().position(|byte| *byte == b'\t')?;
        let words = std::str::from_utf8(&entry[..tab]).ok()?;
        let commit = words.strip_prefix("160000 ")?.split(' ').next()?;
        Some(Submodule {
            path: OsStr::from_bytes(&entry[tab + 1..]).into(),
            commit: commit.into(),
        })
    };
    Ok(entries.filter_map(submodule).collect())
}

/// The repository of the submodule at `path`: that of the working tree, or the one that git keeps after the submodule
/// was removed from the working tree.
fn repository_of(
    top: &Path,
    folder: &Path,
    path: &Path,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<PathBuf> {
    let working = top.join(path);
    if working.join(".git").exists() {
        let answer = Git::at(&working, is_cancelled).ask(["rev-parse", "--absolute-git-dir"]);
        return answer.ok().map(PathBuf::from);
    }
    let paths = [
        "config",
        "--file",
        ".gitmodules",
        "--get-regexp",
        r"\.path$",
    ];
    let paths = Git::at(folder, is_cancelled).ask(paths).ok()?;
    let paths = paths.to_string_lossy();
    let named = paths.lines().filter_map(|line| line.split_once(' '));
    let name = named.into_iter().find(|(_, one)| Path::new(one) == path)?.0;
    let name = name.strip_prefix("submodule.")?.strip_suffix(".path")?;
    let common = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
    let common = Git::at(folder, is_cancelled).ask(common).ok()?;
    let kept = Path::new(&common).join("modules").join(name);
    kept.is_dir().then_some(kept)
}
