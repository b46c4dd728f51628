//! Why there is no program for a name.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::foreign::ForeignError;
use crate::foreign::git::GitError;

/// Why there is no program for a name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProgramError {
    /// Nothing has this name.
    #[error("`{0}` is neither a file nor a revision of the git repository here")]
    Unknown(String),
    /// No file has this name, and git does not answer.
    #[error("`{name}` is not a file, and git cannot check whether it is a revision: {error}")]
    Untold {
        /// What was asked for.
        name: String,
        /// What git said.
        error: GitError,
    },
    /// The command line names no build, and git cannot say what the default is.
    #[error("there is no {flag}, and git does not give the default: {error}")]
    NoDefault {
        /// The flag that is missing.
        flag: &'static str,
        /// What git said.
        error: GitError,
    },
    /// The command line names no base, and there is no main branch.
    #[error(
        "there is no --base, and no main branch: neither `origin/HEAD` nor `main` nor `master` exists"
    )]
    NoMainBranch,
    /// The command line names no base, and the head has nothing to do with the main branch.
    #[error("there is no --base, and the head has no common commit with `{0}`")]
    NoMergeBase(String),
    /// The command line names no base, and this clone does not have it.
    #[error(
        "there is no --base, and this clone is shallow: it lacks the commit where the head left the main branch"
    )]
    Shallow,
    /// A program cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// The program.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is no program.
    #[error("{0} is not executable")]
    NotExecutable(String),
    /// A revision is built outside its repository.
    #[error("a revision must be built outside {}, but every cache folder is inside it", .0.display())]
    NoCache(PathBuf),
    /// A file or a folder in the cache cannot be written.
    #[error("cannot write to {}: {error}", path.display())]
    Unwritable {
        /// The file or the folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The user interrupted while another gate had the cache.
    #[error("interrupted while waiting for another gate that builds")]
    InterruptedInLine,
    /// Git makes no checkout of the revision.
    #[error("cannot check out {commit} in {}: {error}", folder.display())]
    CheckOut {
        /// The commit of the revision.
        commit: String,
        /// Where the checkout belongs.
        folder: PathBuf,
        /// What git said.
        error: GitError,
    },
    /// Git does not say which submodules the revision has.
    #[error("cannot list the submodules: {0}")]
    Submodules(GitError),
    /// The revision does not have the folder that the command was started in.
    #[error("`{name}` does not contain the folder `{}`", folder.display())]
    NoFolder {
        /// What was asked for.
        name: String,
        /// The folder, below the top of the repository.
        folder: PathBuf,
    },
    /// Cargo did not end by itself.
    #[error(transparent)]
    Cargo(ForeignError),
    /// Cargo failed.
    #[error("cargo could not build `{0}`")]
    NotBuilt(String),
    /// The package has no binary.
    #[error("`{0}` has no binary")]
    NoBinary(String),
    /// The package has several binaries.
    #[error("`{name}` has several binaries: {}", binaries.join(", "))]
    SeveralBinaries {
        /// What was asked for.
        name: String,
        /// The names of the binaries.
        binaries: Vec<String>,
    },
}

impl ProgramError {
    pub(super) fn no_default(flag: &'static str, error: GitError) -> Self {
        Self::NoDefault { flag, error }
    }

    pub(super) fn unreadable(file: &Path, error: io::Error) -> Self {
        let file = file.into();
        Self::Unreadable { file, error }
    }

    pub(super) fn unwritable(path: &Path, error: io::Error) -> Self {
        let path = path.into();
        Self::Unwritable { path, error }
    }
}

impl Diagnostic for ProgramError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unknown(_) => {
                "name the file of a built program, or a commit, tag or branch; a shallow clone does not have all of \
                 them: fetch it first, in GitHub's checkout with `fetch-depth: 0`"
            }
            Self::Untold { error, .. } => {
                return Some(format!(
                    "{}; or name the file of a built program",
                    error.advice()
                ));
            }
            Self::NoDefault { flag, error } => {
                return Some(format!(
                    "{}; or name a program or a revision with {flag}",
                    error.advice()
                ));
            }
            Self::NoMainBranch => {
                "name the base with --base; `git remote set-head origin --auto` asks origin for its main branch"
            }
            Self::NoMergeBase(_) => "name a program or a revision with --base",
            Self::Shallow => {
                "fetch the whole history: in GitHub's checkout with `fetch-depth: 0`, in GitLab with `GIT_DEPTH: \"0\"`, \
                 elsewhere with `git fetch --unshallow`; or name the base with --base"
            }
            Self::NotExecutable(name) => {
                return Some(format!("make it executable: chmod +x {name}"));
            }
            Self::NoCache(_) => "set XDG_CACHE_HOME to a folder elsewhere",
            Self::Unwritable { .. } => {
                "XDG_CACHE_HOME chooses the folder that revisions are built in"
            }
            Self::CheckOut { error, .. } | Self::Submodules(error) => return Some(error.advice()),
            Self::NoFolder { .. } => "start `gate` in a folder that both revisions have",
            Self::Cargo(ForeignError::Start { .. }) => {
                "check that Rust is installed and cargo is in PATH"
            }
            Self::NotBuilt(_) => {
                "cargo's own words are above; --package and --bin choose what is built, and a program that was built \
                 elsewhere can be named in place of a revision"
            }
            Self::NoBinary(_) => "choose a package with a binary: --package NAME",
            Self::SeveralBinaries { .. } => "choose one: --bin NAME",
            Self::Unreadable { .. }
            | Self::Interrupted
            | Self::InterruptedInLine
            | Self::Cargo(_) => return None,
        };
        Some(help.into())
    }
}
