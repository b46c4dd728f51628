//! A repository to build revisions of, and what a gate says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const MANIFEST: &str =
    "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

/// A program that prints how it was built. This is not a valid reply to a gate.
pub(crate) const MAIN: &str = "#![allow(unexpected_cfgs)]\nfn main() {\n    println!(\"slow={} checked={}\", cfg!(slow), \
                    cfg!(debug_assertions));\n}\n";

pub(crate) const SLOW: &str = "[build]\nrustflags = [\"--cfg\", \"slow\"]\n";

/// A repository with a package, and the cache in which its revisions are built.
pub(crate) struct Repository {
    pub(crate) bench: TempDir,
    pub(crate) top: PathBuf,
}

impl Repository {
    /// Creates a repository with one commit.
    pub(crate) fn new() -> Self {
        let bench = TempDir::new().unwrap();
        // This folder is above the repository and not above the cache.
        let top = bench.path().join("above/repository");
        let repository = Self { bench, top };
        fs::create_dir_all(&repository.top).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.write("Cargo.toml", MANIFEST);
        repository.write("src/main.rs", MAIN);
        repository.write(".gitignore", "target\nCargo.lock\n");
        repository.commit();
        repository
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bench.path().join(name)
    }

    /// Writes a file at a path relative to the root.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.top, arguments)
    }

    /// Commits all files, and returns the hash.
    pub(crate) fn commit(&self) -> String {
        commit(&self.top)
    }

    /// Adds a submodule at this path, with a file `word` that holds `first`, and returns the repository it comes from.
    pub(crate) fn add_submodule(&self, path: &str) -> PathBuf {
        let other = self.path("other");
        fs::create_dir(&other).unwrap();
        git(&other, &["init", "--quiet"]);
        fs::write(other.join("word"), "first").unwrap();
        commit(&other);
        let from = other.display().to_string();
        self.git(&["submodule", "--quiet", "add", &from, path]);
        other
    }

    /// A gate that compares this program with a revision.
    pub(crate) fn gate(&self, revision: &str) -> Command {
        self.gate_of(revision, env!("CARGO_BIN_EXE_taskdyno"))
    }

    pub(crate) fn gate_of(&self, base: &str, head: &str) -> Command {
        let mut command = self.bare_gate();
        command.args(["--base", base, "--head", head]);
        command
    }

    /// A gate of what it finds by itself.
    pub(crate) fn bare_gate(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
        command.current_dir(&self.top);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            // The variables of the cargo that runs the tests must not affect the cargo that the gate runs.
            let foreign = ["TASKDYNO_", "CARGO", "RUST"];
            let kept = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_AUTO_INSTALL"];
            if foreign.iter().any(|start| name.starts_with(start)) && !kept.contains(&&*name) {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.env("CARGO_NET_OFFLINE", "true");
        command.env("TASKDYNO_OUT", self.path("out"));
        command.arg("gate");
        command
    }

    /// Returns the output of a gate of a revision, which quotes the program.
    pub(crate) fn says(&self, revision: &str) -> String {
        built(&mut self.gate(revision))
    }

    /// The folder of a commit in the cache.
    pub(crate) fn kept(&self, commit: &str) -> PathBuf {
        let cache = self.path("cache/taskdyno/gate");
        let mut stores = fs::read_dir(cache).unwrap();
        let store = stores.next().unwrap().unwrap().path();
        store.join("commits").join(commit)
    }
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=a", "-c", "user.email=a@b.c"])
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", flat(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn commit(folder: &Path) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "change"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// The whole output in one line.
pub(crate) fn flat(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the output of a gate whose base was built and has no cases.
pub(crate) fn built(gate: &mut Command) -> String {
    let output = gate.output().unwrap();
    let said = flat(&output);
    assert!(said.contains("cannot list the cases of"), "{said}");
    assert_eq!(output.status.code(), Some(5), "{said}");
    said
}

pub(crate) fn script(path: &Path, lines: &str) {
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
