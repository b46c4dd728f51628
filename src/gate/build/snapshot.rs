//! Copies a working tree into a commit that is on no branch.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process;

use crate::foreign::git::{Git, GitError};

/// The copy of a working tree.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// The commit that holds the copy.
    pub(super) commit: String,
    /// The commit that is checked out; `None` if there is none yet.
    pub(super) parent: Option<String>,
    /// The files that differ from it.
    pub(super) changed: Vec<String>,
    /// The submodules whose own files differ from their commits. A commit cannot hold these changes.
    pub(super) changed_submodules: Vec<String>,
}

/// Copies the working tree in which git runs, except `left_out`. This changes neither the index nor a branch: the copy is
/// made with an index of its own.
pub(super) fn snapshot(git: &Git<'_>, left_out: Option<PathBuf>) -> Result<Snapshot, GitError> {
    let parent = git.commit("HEAD")?;
    let index = Index::copied(git)?;
    let own = git.with_index(&index.0);
    let mut add: Vec<OsString> = ["add", "--all", "--", "."].map(OsString::from).into();
    if let Some(folder) = left_out {
        let mut pattern = OsString::from(":(exclude,literal)");
        pattern.push(folder);
        add.push(pattern);
    }
    own.work(add)?;
    let tree = own.ask(["write-tree"])?;
    let commit = commit_of(&own, &tree, parent.as_deref())?;
    Ok(Snapshot {
        changed: changed(git, parent.as_deref(), &commit)?,
        changed_submodules: changed_submodules(git)?,
        commit,
        parent,
    })
}

fn commit_of(git: &Git<'_>, tree: &OsStr, parent: Option<&str>) -> Result<String, GitError> {
    // Git makes no commit without a name, and the user may have none.
    let author = ["-c", "user.name=taskdyno", "-c", "user.email=taskdyno"];
    let words = author
        .into_iter()
        .chain(["commit-tree", "-m", "working tree"]);
    let mut words: Vec<&OsStr> = words.map(OsStr::new).collect();
    if let Some(parent) = parent {
        words.extend(["-p", parent].map(OsStr::new));
    }
    words.push(tree);
    Ok(git.ask(words)?.to_string_lossy().into_owned())
}

/// The files that differ between two commits; without `parent`, all files.
fn changed(git: &Git<'_>, parent: Option<&str>, commit: &str) -> Result<Vec<String>, GitError> {
    let names = match parent {
        Some(parent) => git.ask(["diff-tree", "-r", "-z", "--name-only", parent, commit])?,
        None => git.ask(["ls-tree", "-r", "-z", "--name-only", commit])?,
    };
    let names = names.to_string_lossy();
    let names = names.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

fn changed_submodules(git: &Git<'_>) -> Result<Vec<String>, GitError> {
    let status = ["status", "--porcelain=v2", "-z", "--ignore-submodules=none"];
    let status = git.ask(status)?;
    let status = status.to_string_lossy();
    // The format is `1 XY SUB`, five other words, and the path. SUB is `S` and three letters, of which `M` stands for
    // changed files and `U` for new ones.
    let submodule = |entry: &str| {
        let mut words = entry.strip_prefix("1 ")?.splitn(8, ' ');
        let state = words.nth(1)?;
        let is_changed = state.starts_with('S') && state.contains(['M', 'U']);
        is_changed.then(|| words.nth(5).map(str::to_owned))?
    };
    Ok(status.split('\0').filter_map(submodule).collect())
}

/// A copy of the index of a working tree, in the folder of the repository. It is removed when it is dropped.
struct Index(PathBuf);

impl Index {
    fn copied(git: &Git<'_>) -> Result<Self, GitError> {
        let folder = PathBuf::from(git.ask(["rev-parse", "--absolute-git-dir"])?);
        let index = Self(folder.join(format!("taskdyno-index-{}", process::id())));
        // With a copy, git reads only the files that have changed since.
        match fs::copy(folder.join("index"), &index.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::Index {
                path: index.0.clone(),
                error,
            }),
            _ => Ok(index),
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // Git leaves its lock behind if it is killed. Each fails if there is no such file.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_file(self.0.with_added_extension("lock"));
    }
}
