//! From what was asked for, a file or a revision, to a program.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use miette::miette;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::compare::Build;
use crate::measure::host;

/// Which binary of a revision is meant.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The package, if the workspace has several.
    pub package: Option<String>,
    /// The binary, if the package has several.
    pub bin: Option<String>,
}

/// A program that can be run.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What it is.
    pub build: Build,
    /// Where it is.
    pub program: PathBuf,
}

/// What a name stands for.
pub enum Found {
    /// A program that is there.
    Program(Resolved),
    /// A revision that has to be built.
    Revision(Revision),
}

/// A commit of the repository around the current folder.
pub struct Revision {
    repository: Repository,
    name: String,
    commit: String,
}

/// Finds what `name` stands for: an executable file, or else a git revision of the repository around the
/// current folder.
///
/// # Errors
///
/// That it is neither, and what to do.
pub fn find(name: &str) -> miette::Result<Found> {
    let file = Path::new(name);
    if file.is_file() {
        return from_file(name, file).map(Found::Program);
    }
    let repository = Repository::around(Path::new("."));
    let commit = repository.as_ref().and_then(|one| one.commit(name));
    let (Some(repository), Some(commit)) = (repository, commit) else {
        return Err(miette!(
            help = "name the file of a built program, or a commit, tag or branch; a shallow clone does not \
                    have all of them: fetch it first, in GitHub's checkout with `fetch-depth: 0`",
            "`{name}` is neither a file nor a revision of the git repository here"
        ));
    };
    Ok(Found::Revision(Revision {
        repository,
        name: name.into(),
        commit,
    }))
}

impl Found {
    /// The program. Revisions are built in the release profile, in a worktree that is removed afterwards, and
    /// kept under `target/taskdyno-gate/` for the next time. `tell` is told what takes long.
    ///
    /// # Errors
    ///
    /// Why there is none, and what to do.
    pub fn program(self, target: &Target, tell: &mut dyn FnMut(&str)) -> miette::Result<Resolved> {
        let Revision {
            repository,
            name,
            commit,
        } = match self {
            Self::Program(resolved) => return Ok(resolved),
            Self::Revision(revision) => revision,
        };
        warn_of_changes(&name, &commit, &repository, tell);
        let program = repository.program(&commit, &name, target, tell)?;
        Ok(Resolved {
            build: Build {
                name,
                commit: Some(commit),
                // Built from a checkout of its own.
                dirty: false,
                sha256: Some(sha256(&program)?),
            },
            program,
        })
    }
}

fn from_file(name: &str, file: &Path) -> miette::Result<Resolved> {
    let unreadable = |error: std::io::Error| miette!("cannot read {name}: {error}");
    let mode = fs::metadata(file).map_err(unreadable)?.permissions().mode();
    if mode & 0o111 == 0 {
        return Err(miette!(
            help = format!("make it executable: chmod +x {name}"),
            "{name} is a file that cannot be run"
        ));
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
    })
}

/// SHA-256 of a file, 64 hexadecimal digits.
///
/// # Errors
///
/// When it cannot be read.
pub fn sha256(file: &Path) -> miette::Result<String> {
    let bytes =
        fs::read(file).map_err(|error| miette!("cannot read {}: {error}", file.display()))?;
    let digest = Sha256::digest(&bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What is in the working tree and in no commit is not what a revision is built from.
fn warn_of_changes(name: &str, commit: &str, repository: &Repository, tell: &mut dyn FnMut(&str)) {
    let here = host::commit(&repository.top);
    if here.is_some_and(|here| here.dirty && here.hash == commit) {
        tell(&format!(
            "`{name}` is built as it was committed, without the changes in the working tree; to judge \
             those, build them and name the program"
        ));
    }
}

/// A git repository with a working tree.
struct Repository {
    top: PathBuf,
    /// The current folder below `top`.
    prefix: PathBuf,
}

impl Repository {
    fn around(folder: &Path) -> Option<Self> {
        let top = git(folder, &["rev-parse", "--show-toplevel"]).ok()?;
        let prefix = git(folder, &["rev-parse", "--show-prefix"]).ok()?;
        Some(Self {
            top: top.into(),
            prefix: prefix.into(),
        })
    }

    /// The full hash of a revision.
    fn commit(&self, name: &str) -> Option<String> {
        let revision = format!("{name}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &revision,
        ];
        git(&self.top, &arguments).ok()
    }

    /// A word for all that a program of one commit is made of: two that differ in it are not the same program.
    fn made_of(&self, target: &Target) -> String {
        let flags = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"].map(std::env::var_os);
        let parts = format!("{target:?} {:?} {flags:?} {}", self.prefix, compiler());
        let digest = Sha256::digest(parts);
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Removes the checkouts of builds that were interrupted. The lock of the store must be held.
    fn remove_left_behind(&self, store: &Path) {
        // What cannot be listed cannot be removed either, and harms nothing but the space it takes.
        for folder in fs::read_dir(store).into_iter().flatten().flatten() {
            let path = folder.path().join("source");
            if path.exists() {
                Worktree {
                    top: self.top.clone(),
                    path,
                }
                .remove();
            }
        }
    }

    /// The program of this commit: kept from before, or built now.
    fn program(
        &self,
        commit: &str,
        name: &str,
        target: &Target,
        tell: &mut dyn FnMut(&str),
    ) -> miette::Result<PathBuf> {
        let store = self.top.join("target/taskdyno-gate");
        let folder = store.join(commit);
        let kept = folder.join(format!("program-{}", self.made_of(target)));
        let failed =
            |error: std::io::Error| miette!("cannot write to {}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        // Another gate may be building the same; held until this function returns.
        let lock = File::create(store.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if kept.is_file() {
            return Ok(kept);
        }
        self.remove_left_behind(&store);
        tell(&format!("building `{name}` ({})", &commit[..10]));
        let worktree = Worktree::add(&self.top, folder.join("source"), commit)?;
        let built = cargo_build(
            &worktree.path.join(&self.prefix),
            &store.join("build"),
            target,
            name,
        )?;
        // Copied aside and renamed: a copy that was cut off is never taken for the program.
        let aside = folder.join("copying");
        fs::copy(&built, &aside).map_err(failed)?;
        fs::rename(&aside, &kept).map_err(failed)?;
        Ok(kept)
    }
}

/// The compiler's own words about itself; empty if there is none, which building then tells.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default()
}

/// A checkout beside the working tree, gone when it is dropped.
struct Worktree {
    top: PathBuf,
    path: PathBuf,
}

impl Worktree {
    fn add(top: &Path, path: PathBuf, commit: &str) -> miette::Result<Self> {
        let worktree = Self {
            top: top.into(),
            path,
        };
        let shown = worktree.path.display().to_string();
        git(top, &["worktree", "add", "--detach", &shown, commit]).map_err(|said| {
            miette!(
                help = "`git worktree prune` forgets worktrees that are gone; then try again",
                "cannot check out {commit} in {shown}: {said}"
            )
        })?;
        Ok(worktree)
    }

    fn remove(&self) {
        let shown = self.path.display().to_string();
        // Fails where there is none, and then there is nothing to remove.
        let _ = git(
            &self.top,
            &["worktree", "remove", "--force", "--force", &shown],
        );
        let _ = fs::remove_dir_all(&self.path);
        let _ = git(&self.top, &["worktree", "prune"]);
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Builds in `folder` and returns the program that was meant.
fn cargo_build(
    folder: &Path,
    target_folder: &Path,
    target: &Target,
    name: &str,
) -> miette::Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(folder)
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
        ])
        .arg("--target-dir")
        .arg(target_folder);
    for (flag, value) in [("--package", &target.package), ("--bin", &target.bin)] {
        if let Some(value) = value {
            command.args([flag, value]);
        }
    }
    // What cargo has to say goes to our own standard error as it comes.
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| miette!(help = "is Rust installed?", "cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(miette!(
            help = "cargo's own words are above; --package and --bin choose what is built, and a program \
                    that was built elsewhere can be named in place of a revision",
            "cargo could not build `{name}`"
        ));
    }
    let mut programs = executables(&String::from_utf8_lossy(&output.stdout));
    match (programs.pop(), programs.is_empty()) {
        (Some(program), true) => Ok(program),
        (None, _) => Err(miette!(
            help = "choose a package with a binary: --package NAME",
            "`{name}` has no binary to run"
        )),
        (Some(last), false) => {
            programs.push(last);
            let names = programs.iter().filter_map(|path| path.file_name());
            let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
            Err(miette!(
                help = "choose one: --bin NAME",
                "`{name}` has several binaries: {}",
                names.join(", ")
            ))
        }
    }
}

/// The executables that cargo says it made.
fn executables(messages: &str) -> Vec<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let messages = messages.lines().map(serde_json::from_str);
    let messages = messages.filter_map(|message: Result<Message, _>| message.ok());
    messages.filter_map(|message| message.executable).collect()
}

/// What `git` answers, or what it complains of.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        // Set within a git hook, where they would stand for another folder than ours.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}
