//! Asks the `git` program.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{ForeignError, Limits, run};

/// An answer usually takes milliseconds, but longer for a large working tree on a slow disk.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// More than the status of any working tree.
const ANSWER_BYTES: usize = 64 << 20;
/// Variables that are set within a git hook, where they refer to a different folder.
pub(crate) const HOOK_VARIABLES: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// The `git` program in a folder.
#[derive(Clone)]
pub(crate) struct Git<'a> {
    folder: PathBuf,
    /// Whether the folder is the repository itself, without a working tree.
    is_repository: bool,
    /// The file of the index, if it is not that of the folder.
    index: Option<PathBuf>,
    is_cancelled: &'a dyn Fn() -> bool,
}

/// Why git gives no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum GitError {
    /// The folder is not in a checkout.
    #[error("{} is not in a git checkout", .0.display())]
    NoCheckout(PathBuf),
    /// The program does not exist.
    #[error("there is no `git` program on the PATH")]
    Missing,
    /// Git refused, and said why.
    #[error("git says: {words}")]
    Refused {
        /// What git said; empty if it said nothing.
        words: String,
        /// The folder in which git ran.
        folder: PathBuf,
    },
    /// The index of a working tree cannot be copied.
    #[error("cannot copy the index to {}: {error}", path.display())]
    Index {
        /// The file of the copy.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Git could not be started, or did not end by itself.
    #[error(transparent)]
    Failed(#[from] ForeignError),
}

impl GitError {
    /// What to do about the error.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::NoCheckout(_) => "go to a checkout".into(),
            Self::Missing => "install git, or put it on the PATH".into(),
            Self::Refused { words, folder } if words.contains("safe.directory") => {
                let top = checkout_around(folder).unwrap_or_else(|| folder.clone());
                let top = top.display();
                format!("if you trust its owner: git config --global --add safe.directory '{top}'")
            }
            Self::Index { .. } => "free some disk space, or make the repository writable".into(),
            Self::Refused { .. } | Self::Failed(_) => "see what `git status` says there".into(),
        }
    }
}

impl<'a> Git<'a> {
    /// Runs git in `folder`. Git is killed when `is_cancelled` returns `true`.
    pub(crate) fn at(folder: &Path, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        Self {
            folder: folder.into(),
            is_repository: false,
            index: None,
            is_cancelled,
        }
    }

    /// Runs git on the repository in `folder`, which holds its objects. The working tree may no longer exist.
    pub(crate) fn of_repository(folder: &Path, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        Self {
            is_repository: true,
            ..Self::at(folder, is_cancelled)
        }
    }

    /// The same with this file as the index.
    pub(crate) fn with_index(&self, index: &Path) -> Self {
        Self {
            index: Some(index.into()),
            ..self.clone()
        }
    }

    /// The output of a git command, without its last line end.
    ///
    /// # Errors
    ///
    /// If git gives no answer.
    pub(crate) fn ask<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<OsString, GitError> {
        let mut answer = self.run(arguments, Some(ANSWER_TIME))?;
        if answer.last() == Some(&b'\n') {
            answer.pop();
        }
        Ok(OsString::from_vec(answer))
    }

    /// Runs a git command without a time limit.
    ///
    /// # Errors
    ///
    /// If git did not do it.
    pub(crate) fn work<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<(), GitError> {
        self.run(arguments, None).map(drop)
    }

    /// The full hash of the commit that `name` refers to; `None` if there is no such commit.
    ///
    /// # Errors
    ///
    /// If git cannot say.
    pub(crate) fn commit(&self, name: &str) -> Result<Option<String>, GitError> {
        // It would be read as an option, and git before 2.30 has no way to end the options.
        if name.starts_with('-') {
            return Ok(None);
        }
        let revision = format!("{name}^{{commit}}");
        let quiet = ["rev-parse", "--verify", "--quiet"];
        match self.ask(quiet.into_iter().chain([revision.as_str()])) {
            Ok(hash) => Ok(Some(hash.to_string_lossy().into_owned())),
            Err(GitError::Refused { words, .. }) if words.is_empty() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        time: Option<Duration>,
    ) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder);
        if self.is_repository {
            // Otherwise git would use the working tree that the repository names.
            command.args(["--git-dir=.", "--work-tree=."]);
        }
        // This program must not run the user's hooks.
        command.args(["-c", "core.hooksPath=/dev/null"]);
        command.args(arguments);
        for variable in HOOK_VARIABLES {
            command.env_remove(variable);
        }
        if let Some(index) = &self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        // Its messages are compared, so they must be in one language.
        command.env("LC_ALL", "C");
        // A query must not write: another git may have locked the index.
        command.env("GIT_OPTIONAL_LOCKS", "0");
        command.env("GIT_TERMINAL_PROMPT", "0");
        let limits = Limits {
            time,
            output_bytes: ANSWER_BYTES,
            is_cancelled: self.is_cancelled,
        };
        let finished = run(&mut command, &limits).map_err(|error| self.not_started(error))?;
        match finished.status.success() {
            true => Ok(finished.output),
            false => Err(self.refused(finished.last_words)),
        }
    }

    /// Outside a checkout, a missing git program does not matter.
    fn not_started(&self, error: ForeignError) -> GitError {
        match &error {
            ForeignError::Start { error: cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
                match checkout_around(&self.folder) {
                    Some(_) => GitError::Missing,
                    None => GitError::NoCheckout(self.folder.clone()),
                }
            }
            _ => error.into(),
        }
    }

    fn refused(&self, words: String) -> GitError {
        // If the repository of a checkout is gone, git says the same without the parenthesis.
        if words.contains("not a git repository (or any") {
            return GitError::NoCheckout(self.folder.clone());
        }
        GitError::Refused {
            words: words.split_whitespace().collect::<Vec<_>>().join(" "),
            folder: self.folder.clone(),
        }
    }
}

/// The nearest folder, from `folder` upwards, that looks like a checkout.
fn checkout_around(folder: &Path) -> Option<PathBuf> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let mut around = folder.ancestors();
    around
        .find(|one| one.join(".git").exists())
        .map(PathBuf::from)
}
