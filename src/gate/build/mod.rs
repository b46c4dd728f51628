//! Finds the program for a name on the command line, which is a file or a revision.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::checkout::check_out;
use self::outside::Outside;
use self::snapshot::Snapshot;
use self::store::{BuildStore, Kept};
use crate::backend::Backend;
use crate::case::ChildProgram;
use crate::compare::Build;
use crate::external::External;
use crate::foreign::git::{Git, GitError};
use crate::gate::Arm;
use crate::machine::host;
use crate::record::Commit;

mod cargo;
mod checkout;
mod defaults;
mod error;
mod outside;
mod snapshot;
mod store;

pub(crate) use defaults::{merge_base, working_tree};
pub(crate) use error::ProgramError;

/// Which binary of a revision to build, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// The package, if the workspace has several.
    pub package: Option<String>,
    /// The binary, if the package has several.
    pub bin: Option<String>,
    /// The features to switch on, separated by commas.
    pub features: Option<String>,
    /// The profile of cargo; `None` for `release`.
    pub profile: Option<String>,
    /// The flags of the compiler, in place of those of the environment and of cargo's configuration.
    pub rustflags: Option<String>,
}

impl Target {
    /// The name of a revision that is built in this way.
    fn named(&self, name: String) -> String {
        let words = [
            ("features", &self.features),
            ("profile", &self.profile),
            ("rustflags", &self.rustflags),
        ];
        let words = words.into_iter().filter_map(|(word, value)| {
            let value = value.as_ref()?;
            Some(format!("{word} {value}"))
        });
        match words.collect::<Vec<_>>() {
            none if none.is_empty() => name,
            words => format!("{name} with {}", words.join(", ")),
        }
    }
}

/// A program that can be run.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// Its description.
    pub build: Build,
    /// Its path.
    pub program: PathBuf,
    /// The backends that it measures by starting their programs, if these are what a gate compares.
    pub externals: Vec<&'static External>,
    /// Prevents it from being removed.
    _kept: Option<Arc<Kept>>,
}

impl Resolved {
    /// One version of a foreign runtime: the backends in the file of this name, which `program` starts. `commit` is that
    /// of the folder of the file, if known.
    pub(crate) fn version(
        program: &Path,
        name: String,
        commit: Option<Commit>,
        externals: Vec<&'static External>,
    ) -> Self {
        Self {
            build: Build {
                name,
                dirty: commit.as_ref().is_some_and(|commit| commit.dirty),
                commit: commit.map(|commit| commit.hash),
                sha256: None,
            },
            program: program.into(),
            externals,
            _kept: None,
        }
    }

    /// How it runs the cases of this backend. `own` is how it runs its own.
    pub(crate) fn arm(&self, own: &Arm, backend: &str) -> Arm {
        let mut externals = self.externals.iter();
        match externals.find(|one| one.name() == backend) {
            Some(external) => Arm {
                child: ChildProgram::of_external(external),
                ..own.clone()
            },
            None => own.clone(),
        }
    }
}

/// What a name refers to.
pub(crate) enum Found {
    /// A program that exists.
    Program(Resolved),
    /// A revision that has to be built.
    Revision(Revision),
}

/// A commit of the repository around the current folder.
pub(crate) struct Revision {
    repository: Repository,
    name: String,
    commit: String,
    /// If the commit is a copy of the working tree: what it copies.
    snapshot: Option<Snapshot>,
}

/// Callbacks while a revision is looked up and built.
pub(crate) struct Meanwhile<'a> {
    /// Called with a message about progress, or with a warning.
    pub tell: &'a mut dyn FnMut(&str),
    /// Whether to give up. Programs that were started are then killed.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

/// Finds what `name` refers to: an executable file, or else a git revision of the repository around the current folder.
/// Git is killed when `is_cancelled` becomes true.
///
/// # Errors
///
/// If it is neither, or git fails, with the remedy.
pub(crate) fn find(name: &str, is_cancelled: &dyn Fn() -> bool) -> Result<Found, ProgramError> {
    let file = Path::new(name);
    if file.is_file() {
        return from_file(name, file).map(Found::Program);
    }
    let revision = match Revision::find(name, &Git::at(Path::new("."), is_cancelled)) {
        Err(GitError::NoCheckout(_)) => None,
        found => found.map_err(|error| ProgramError::Untold {
            name: name.into(),
            error,
        })?,
    };
    let found = revision.map(Found::Revision);
    found.ok_or_else(|| ProgramError::Unknown(name.into()))
}

impl Found {
    /// Returns the program. A revision is built in a separate checkout outside the repository,
    /// which is kept for later gates.
    ///
    /// # Errors
    ///
    /// Why there is no program, with the remedy.
    pub(crate) fn program(
        self,
        target: &Target,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Resolved, ProgramError> {
        match self {
            Self::Program(resolved) => Ok(resolved),
            Self::Revision(revision) => revision.build(target, meanwhile),
        }
    }

    /// Whether both are revisions with the same files.
    pub(crate) fn is_equal(&self, other: &Self, is_cancelled: &dyn Fn() -> bool) -> bool {
        let (Self::Revision(one), Self::Revision(other)) = (self, other) else {
            return false;
        };
        let git = Git::at(&one.repository.top, is_cancelled);
        let tree =
            |one: &Revision| git.ask(["rev-parse".into(), format!("{}^{{tree}}", one.commit)]);
        // If git fails here, it fails again where the revisions are checked out.
        matches!((tree(one), tree(other)), (Ok(one), Ok(other)) if one == other)
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Program(resolved) => &resolved.build.name,
            Self::Revision(revision) => &revision.name,
        }
    }
}

impl Revision {
    /// The revision of this name; `None` if there is none.
    fn find(name: &str, git: &Git<'_>) -> Result<Option<Self>, GitError> {
        let repository = Repository::around(git)?;
        let commit = git.commit(name)?;
        Ok(commit.map(|commit| Self {
            repository,
            name: name.into(),
            commit,
            snapshot: None,
        }))
    }

    fn build(
        self,
        target: &Target,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Resolved, ProgramError> {
        if self.snapshot.is_none() {
            self.warn_of_changes(meanwhile);
        }
        let (known_commit, dirty) = self.origin();
        let Self {
            repository,
            name,
            commit,
            snapshot,
        } = self;
        let store = BuildStore::open(&repository.top, meanwhile)?;
        let kept = match snapshot {
            None => store.keep(&commit)?,
            Some(_) => store.keep_working_tree()?,
        };
        store.prune(&repository.top, meanwhile.is_cancelled);
        let outside = Outside::of(&repository.top, &kept.folder().join("tree"));
        outside.link()?;
        let short = known_commit.as_ref().map(|hash| &hash[..10]);
        (meanwhile.tell)(&format!(
            "building `{name}`{} in {}",
            short.map_or(String::new(), |short| format!(" ({short})")),
            kept.folder().display()
        ));
        let mark = kept.folder().join("complete");
        check_out(&repository.top, &outside.place, &mark, &commit, meanwhile)?;
        outside.name_configuration(&name, meanwhile);
        let built = cargo::build(
            &cargo::Order {
                name: &name,
                target,
                checkout: &outside.place,
                folder: &outside.place.join(&repository.prefix),
                target_folder: &kept.target_folder(&outside, target)?,
            },
            meanwhile.is_cancelled,
        )?;
        let sha256 = sha256(&built)?;
        Ok(Resolved {
            program: kept.program(&built, &sha256)?,
            build: Build {
                name: target.named(name),
                commit: known_commit,
                dirty,
                sha256: Some(sha256),
            },
            externals: Vec::new(),
            _kept: Some(Arc::new(kept)),
        })
    }

    /// The commit that others know, and whether the build differs from it. Nobody else knows the copy of a working tree.
    fn origin(&self) -> (Option<String>, bool) {
        match &self.snapshot {
            None => (Some(self.commit.clone()), false),
            Some(snapshot) => (snapshot.parent.clone(), !snapshot.changed.is_empty()),
        }
    }

    /// Warns that changes in the working tree are not part of a revision.
    fn warn_of_changes(&self, meanwhile: &mut Meanwhile<'_>) {
        let Self { name, commit, .. } = self;
        let git = Git::at(&self.repository.top, meanwhile.is_cancelled);
        match host::commit(&git) {
            Ok(Some(here)) if here.dirty && here.hash == *commit => (meanwhile.tell)(&format!(
                "`{name}` is built as it was committed, without the changes in the working tree; to judge \
                 those, leave out --head"
            )),
            Ok(_) => {}
            Err(error) => (meanwhile.tell)(&format!(
                "git cannot check whether the working tree has changes: {error}"
            )),
        }
    }
}

fn from_file(name: &str, file: &Path) -> Result<Resolved, ProgramError> {
    let unreadable = |error: io::Error| ProgramError::unreadable(file, error);
    let mode = fs::metadata(file).map_err(unreadable)?.permissions().mode();
    if mode & 0o111 == 0 {
        return Err(ProgramError::NotExecutable(name.into()));
    }
    let program = fs::canonicalize(file).map_err(unreadable)?;
    Ok(Resolved {
        build: Build {
            name: name.into(),
            commit: None,
            dirty: false,
            sha256: Some(sha256(&program)?),
        },
        program,
        externals: Vec::new(),
        _kept: None,
    })
}

/// SHA-256 of a file, 64 hexadecimal digits.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn sha256(file: &Path) -> Result<String, ProgramError> {
    let digest = digest(file).map_err(|error| ProgramError::unreadable(file, error))?;
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads the file in parts, because a program may be larger than the memory of a small container.
fn digest(file: &Path) -> io::Result<[u8; 32]> {
    let mut program = File::open(file)?;
    let mut sha256 = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match program.read(&mut part)? {
            0 => return Ok(sha256.finalize().into()),
            count => sha256.update(&part[..count]),
        }
    }
}

/// A git repository with a working tree.
struct Repository {
    /// The path without symbolic links.
    top: PathBuf,
    /// The current folder, relative to `top`.
    prefix: PathBuf,
}

impl Repository {
    fn around(git: &Git<'_>) -> Result<Self, GitError> {
        let ask = |what: &str| git.ask(["rev-parse", what]).map(PathBuf::from);
        let top = ask("--show-toplevel")?;
        Ok(Self {
            top: fs::canonicalize(&top).unwrap_or(top),
            prefix: ask("--show-prefix")?,
        })
    }
}

#[cfg(test)]
mod tests;
