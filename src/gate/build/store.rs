//! Stores checkouts, their builds and their programs in the user's cache, outside every repository.
//!
//! ```text
//! ~/.cache/taskdyno/gate/NAME-HASH/        one repository
//!   lock                                   held while one of its revisions is built
//!   commits/COMMIT/hold                    held, shared, while a program of this commit is in use
//!   commits/COMMIT/tree/                   its checkout, beside what `outside` links
//!   commits/COMMIT/complete                there once the checkout is
//!   commits/COMMIT/program-SHA256          its programs
//!   commits/COMMIT/targets/HASH/           what cargo builds
//!   commits/working-tree/                  the same for the working tree
//! ```
//!
//! Every gate calls cargo, in a checkout that is kept. Cargo knows what a build depends on, and does nothing if nothing
//! has changed. Old entries are removed, so the cache stays small.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::checkout::remove_checkout;
use super::error::ProgramError;
use super::outside::Outside;
use super::{Meanwhile, Target, sha256};
use crate::disk::cache::{self, short_hash};
use crate::foreign::git::Git;
use crate::record::write_whole_with;

/// The number of commits to keep per repository: a base and some heads. Each has a target folder with all dependencies.
const MOST_COMMITS: usize = 4;
/// The name of the working tree among the commits.
const WORKING_TREE: &str = "working-tree";
/// The number of target folders to keep per commit. Each compiler wrapper needs its own.
const MOST_TARGETS: usize = 2;
/// The entries of a repository are removed if they were not used for this long.
const LONGEST_UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long to wait between two attempts to lock. Another gate may take minutes to build.
const RETRY: Duration = Duration::from_millis(100);

/// The entries of one repository. It is locked for other processes until it is dropped.
pub(super) struct BuildStore {
    folder: PathBuf,
    _lock: File,
}

impl BuildStore {
    /// Opens the store of the repository at `top`.
    pub(super) fn open(top: &Path, meanwhile: &mut Meanwhile<'_>) -> Result<Self, ProgramError> {
        let caches = cache::folders().into_iter();
        let caches = caches.map(|cache| real(&cache.join("taskdyno/gate")));
        let cache = caches.into_iter().find(|cache| !cache.starts_with(top));
        let cache = cache.ok_or_else(|| ProgramError::NoCache(top.into()))?;
        Self::within(&cache, top, meanwhile)
    }

    pub(super) fn within(
        cache: &Path,
        top: &Path,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Self, ProgramError> {
        let mut name = top.file_name().unwrap_or_default().to_owned();
        name.push(format!(
            "-{}",
            short_hash(top.as_os_str().as_encoded_bytes())
        ));
        let folder = cache.join(name);
        fs::create_dir_all(&folder).map_err(|error| ProgramError::unwritable(&folder, error))?;
        let lock = locked(&folder.join("lock"), meanwhile)?;
        remove_unused(cache, &folder);
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Returns the folder of a commit. It is not removed while the returned value exists.
    pub(super) fn keep(&self, commit: &str) -> Result<Kept, ProgramError> {
        let folder = self.folder.join("commits").join(commit);
        let path = folder.join("hold");
        let hold = || -> io::Result<File> {
            fs::create_dir_all(&folder)?;
            let hold = touched(&path)?;
            hold.lock_shared()?;
            Ok(hold)
        };
        let hold = hold().map_err(|error| ProgramError::unwritable(&path, error))?;
        Ok(Kept {
            folder,
            _hold: hold,
        })
    }

    /// Returns the folder of the working tree, as [`Self::keep`] does. Every copy of the working tree has the same folder,
    /// so that cargo rebuilds only what was edited since the last gate. Programs of earlier copies are removed, unless
    /// another gate may be running one.
    pub(super) fn keep_working_tree(&self) -> Result<Kept, ProgramError> {
        let folder = self.folder.join("commits").join(WORKING_TREE);
        if let Ok(hold) = File::open(folder.join("hold"))
            && hold.try_lock().is_ok()
        {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            for entry in entries {
                if entry.file_name().to_string_lossy().starts_with("program-") {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        self.keep(WORKING_TREE)
    }

    /// Removes the least recently used commits. Failures are ignored, because they only waste space.
    pub(super) fn prune(&self, top: &Path, is_cancelled: &dyn Fn() -> bool) {
        for folder in latest_first(&self.folder.join("commits"), "hold")
            .into_iter()
            .skip(MOST_COMMITS)
        {
            let Ok(hold) = File::open(folder.join("hold")) else {
                continue;
            };
            if hold.try_lock().is_ok() {
                let outside = Outside::of(top, &folder.join("tree"));
                remove_checkout(&Git::at(top, is_cancelled), &outside.place);
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }
}

/// The environment variables that name a compiler wrapper.
const WRAPPERS: [&str; 4] = [
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
];

/// The folder of a commit. It is not removed while this value exists.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    _hold: File,
}

impl Kept {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the target folder for the commit. Cargo assumes that a compiler wrapper changes nothing, so each
    /// wrapper, and each configuration that may name one, gets its own folder. So do compiler flags of one side, because
    /// cargo would build everything again for those of the other. Commits do not share a folder: cargo
    /// uses the same file names for packages with the same name and place in their workspaces. If a commit's sources
    /// are older, it would take the build of another commit for up to date.
    pub(super) fn target_folder(
        &self,
        outside: &Outside,
        target: &Target,
    ) -> Result<PathBuf, ProgramError> {
        let mut key = outside.configuration_text();
        key.extend(target.rustflags.iter().flat_map(|flags| flags.bytes()));
        for variable in WRAPPERS {
            key.extend(format!("{variable} {:?}\n", env::var_os(variable)).into_bytes());
        }
        let targets = self.folder.join("targets");
        let folder = targets.join(short_hash(&key));
        fs::create_dir_all(&folder)
            .and_then(|()| touched(&folder.join("used")))
            .map_err(|error| ProgramError::unwritable(&folder, error))?;
        for old in latest_first(&targets, "used")
            .into_iter()
            .skip(MOST_TARGETS)
        {
            let _ = fs::remove_dir_all(old);
        }
        Ok(folder)
    }

    /// Copies the `built` program to a name that no other build uses, and returns the path. The name contains the hash
    /// of its content, so that a running gate keeps its program when another gate builds the commit with other flags.
    pub(super) fn program(&self, built: &Path, hash: &str) -> Result<PathBuf, ProgramError> {
        let kept = self.folder.join(format!("program-{}", &hash[..16]));
        if kept.is_file() && sha256(&kept)? == hash {
            return Ok(kept);
        }
        // Copy to a temporary name first, so that an incomplete copy is never used.
        write_whole_with(&kept, |file| copy_program(built, file))
            .map_err(|error| ProgramError::unwritable(&kept, error))?;
        Ok(kept)
    }
}

fn copy_program(from: &Path, to: &mut File) -> io::Result<()> {
    let mut program = File::open(from)?;
    io::copy(&mut program, to)?;
    to.set_permissions(program.metadata()?.permissions())
}

/// The path without symbolic links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|one| {
        let real = fs::canonicalize(one).ok()?;
        Some(real.join(path.strip_prefix(one).ok()?))
    });
    known.unwrap_or_else(|| path.into())
}

/// Waits until no other process holds the lock at `path`, and takes it.
fn locked(path: &Path, meanwhile: &mut Meanwhile<'_>) -> Result<File, ProgramError> {
    let failed = |error: io::Error| ProgramError::unwritable(path, error);
    let lock = touched(path).map_err(failed)?;
    let mut is_told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if (meanwhile.is_cancelled)() => {
                return Err(ProgramError::InterruptedInLine);
            }
            Err(TryLockError::WouldBlock) => {
                if !is_told {
                    (meanwhile.tell)("waiting for another gate that builds in this repository");
                }
                is_told = true;
                thread::sleep(RETRY);
            }
        }
    }
}

/// Creates a file if necessary, and sets its modification time to now.
fn touched(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.set_modified(SystemTime::now())?;
    Ok(file)
}

/// The folders in `folder` that have a `mark`, most recently touched mark first.
fn latest_first(folder: &Path, mark: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let dated = entries.filter_map(|entry| {
        let path = entry.path();
        let touched = fs::metadata(path.join(mark)).ok()?.modified().ok()?;
        Some((touched, path))
    });
    let mut dated: Vec<_> = dated.collect();
    dated.sort_by(|a, b| b.cmp(a));
    dated.into_iter().map(|(_, path)| path).collect()
}

/// Removes the entries of other repositories that were not used for long. Git forgets the checkouts by itself.
fn remove_unused(cache: &Path, own: &Path) {
    for folder in latest_first(cache, "lock") {
        let lock = File::options().write(true).open(folder.join("lock"));
        let age = |lock: &File| {
            lock.metadata()
                .and_then(|data| data.modified())
                .ok()?
                .elapsed()
                .ok()
        };
        if let Ok(lock) = lock
            && folder != own
            && age(&lock).is_some_and(|age| age > LONGEST_UNUSED)
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}
