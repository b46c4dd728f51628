//! Makes files above a repository apply to its checkout: the configuration of cargo, a toolchain, a workspace, and
//! packages that it refers to by path.
//!
//! A checkout in the cache must use all of these, but nothing of the repository except its own commit. The folders
//! above the repository are therefore recreated above the checkout, with a symbolic link for each entry. Cargo and
//! rustup then find the same files as in the repository, with the same precedence and the same relative paths. `cargo
//! --config` would instead override the environment and the commit's own configuration. Folders that are also above the
//! cache need no links.
//!
//! ```text
//! /srv/code/.cargo/config.toml     applies to      /srv/code/project
//! CACHE/…/tree/srv/code/.cargo  ─► links to it, and applies to      CACHE/…/tree/srv/code/project
//! ```

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Meanwhile;
use super::error::ProgramError;

/// The files that cargo and rustup look for in every folder above a package.
const CONFIGURATION: [&str; 5] = [
    ".cargo/config",
    ".cargo/config.toml",
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
];

/// The folders above a repository, and above its checkout.
pub(super) struct Outside {
    /// The folder of the checkout.
    pub(super) place: PathBuf,
    /// Each folder above the repository that is not above the cache, outermost first, with its counterpart above the
    /// checkout.
    folders: Vec<(PathBuf, PathBuf)>,
    /// The repository.
    top: PathBuf,
}

impl Outside {
    /// Finds the folders above the repository at `top`, for a checkout below `tree`.
    pub(super) fn of(top: &Path, tree: &Path) -> Self {
        let shared = top.ancestors().find(|folder| tree.starts_with(folder));
        let shared = shared.unwrap_or(Path::new("/"));
        let again = |folder: &Path| tree.join(folder.strip_prefix(shared).unwrap_or(folder));
        let above = top.ancestors().skip(1).take_while(|one| *one != shared);
        let mut folders: Vec<_> = above.map(|one| (one.into(), again(one))).collect();
        folders.reverse();
        Self {
            place: again(top),
            folders,
            top: top.into(),
        }
    }

    /// Creates the links and removes those of the last time.
    pub(super) fn link(&self) -> Result<(), ProgramError> {
        let parent = self.place.parent().unwrap_or(&self.place);
        fs::create_dir_all(parent).map_err(|error| ProgramError::unwritable(parent, error))?;
        for (folder, again) in &self.folders {
            self.link_all(folder, again)
                .map_err(|error| ProgramError::unwritable(again, error))?;
        }
        Ok(())
    }

    fn link_all(&self, folder: &Path, again: &Path) -> io::Result<()> {
        for entry in fs::read_dir(again)? {
            let entry = entry?;
            if entry.file_type()?.is_symlink() {
                fs::remove_file(entry.path())?;
            }
        }
        // A folder that may be traversed but not listed has nothing to link.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if !self.top.starts_with(&path) && !is_cargo_home(&path) {
                symlink(&path, again.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Reports which files from outside apply to the build of `name`.
    pub(super) fn name_configuration(&self, name: &str, meanwhile: &mut Meanwhile<'_>) {
        let files = self.configuration();
        let files = files.iter().map(|file| file.display().to_string());
        let files: Vec<_> = files.collect();
        if !files.is_empty() {
            (meanwhile.tell)(&format!(
                "files above the repository apply to `{name}` too: {}",
                files.join(", ")
            ));
        }
    }

    /// The files above the checkout that cargo and rustup read, innermost first.
    fn configuration(&self) -> Vec<PathBuf> {
        let folders = self.place.ancestors().skip(1);
        let files = folders.flat_map(|folder| CONFIGURATION.map(|name| folder.join(name)));
        let files =
            files.filter(|file| file.is_file() && !file.parent().is_some_and(is_cargo_home));
        files
            .filter_map(|file| fs::canonicalize(file).ok())
            .collect()
    }

    /// The text of all configuration from outside, including cargo's home.
    pub(super) fn configuration_text(&self) -> Vec<u8> {
        let home = cargo_home().into_iter();
        let home = home.flat_map(|home| ["config", "config.toml"].map(|name| home.join(name)));
        let mut text = Vec::new();
        for file in self.configuration().into_iter().chain(home) {
            // Cargo reports a file that cannot be read.
            text.extend(fs::read(file).unwrap_or_default());
        }
        text
    }
}

/// Cargo always reads the configuration in its home. A link to it would make cargo read it twice.
fn is_cargo_home(folder: &Path) -> bool {
    let is_home = |home: PathBuf| fs::canonicalize(folder).is_ok_and(|folder| folder == home);
    cargo_home().is_some_and(is_home)
}

fn cargo_home() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = set.or_else(|| Some(env::home_dir()?.join(".cargo")));
    fs::canonicalize(home?).ok()
}
