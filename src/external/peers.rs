//! The backends that come with the program, and their files: the runtimes of other languages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::existing::Existing;
use super::load::{FILE_NAME, externals};
use super::path::is_program;
use super::{External, Files, kept};
use crate::disk::cache;
use crate::record::write_whole;
use crate::toml_file::{LoadError, source};

static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/peers/python");

/// A folder of files in this program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peers {
    folder: &'static Dir<'static>,
    name: &'static str,
}

/// What the names of the backends begin with, and what those for [`FREE_THREADED`] begin with.
const PREFIXES: [&str; 2] = ["python-", "python-t-"];

/// Interpreters without a global lock, the best choice first: what the user has made the default, then the newest.
const FREE_THREADED: [&str; 3] = ["python3t", "python3.14t", "python3.13t"];

/// The only backend for a free-threaded interpreter that runs without being named: whether threads help is the question.
const IN_DEFAULT_RUN: &str = "python-t-thread-pool";

/// The backends that come with the program, once more for a free-threaded interpreter if one is there. Those that
/// cannot be started run only if they are named.
///
/// # Errors
///
/// All mistakes in their file.
pub(crate) fn peers(known: &Existing<'_>) -> Result<Vec<&'static External>, LoadError> {
    let peers = Peers {
        folder: &PYTHON,
        name: "python",
    };
    let text = peers.folder.get_file(FILE_NAME).map(|file| file.contents());
    let name = Path::new("peers").join(peers.name).join(FILE_NAME);
    let source = source(&name, None, text.unwrap_or_default().to_vec());
    let mut found = externals([source], known, |_| Files::Embedded(peers))?;
    let mut programs = FREE_THREADED.iter();
    if let Some(program) = programs.find(|program| is_program(program, Path::new(""))) {
        let more: Vec<External> = found
            .iter()
            .map(|one| free_threaded(one, program))
            .collect();
        found.extend(more);
    }
    for one in &mut found {
        if one.obstacle().is_some() {
            one.default_workloads = Some(Vec::new());
        }
    }
    let found = found.into_iter();
    Ok(found.map(|one| kept(Box::new(one))).collect())
}

/// The same backend, driven by this free-threaded interpreter.
fn free_threaded(backend: &External, program: &str) -> External {
    let [usual, prefix] = PREFIXES;
    let name = backend.name.replacen(usual, prefix, 1);
    let why = backend
        .why
        .replacen("CPython", "CPython without a global lock", 1);
    let rest = backend.command[1..].iter().cloned();
    let command = [program.into()]
        .into_iter()
        .chain(rest)
        .chain([prefix.into()]);
    let default_workloads = match name == IN_DEFAULT_RUN {
        true => backend.default_workloads.clone(),
        false => Some(Vec::new()),
    };
    External {
        name: kept(name.into_boxed_str()),
        why: kept(why.into_boxed_str()),
        command: command.collect(),
        default_workloads,
        ..backend.clone()
    }
}

impl Peers {
    /// A folder in the cache of this user with these files. It is written if it is not there.
    pub(super) fn unpacked(self) -> io::Result<PathBuf> {
        let mut cause = String::from("there is no cache folder");
        for cache in cache::folders() {
            match self.unpacked_below(&cache.join("taskdyno/peers")) {
                Ok(folder) => return Ok(folder),
                Err(error) => cause = error.to_string(),
            }
        }
        let message = format!(
            "no cache folder can be written to ({cause}): set XDG_CACHE_HOME to a folder that you may write to"
        );
        Err(io::Error::new(io::ErrorKind::NotFound, message))
    }

    /// The name of the folder has a hash of all files, so all its users write the same.
    fn unpacked_below(self, place: &Path) -> io::Result<PathBuf> {
        let mut files = Vec::new();
        collect(self.folder, &mut files);
        let mut all = Vec::new();
        for (path, content) in &files {
            let header = format!("{} {}\n", path.display(), content.len());
            all.extend_from_slice(header.as_bytes());
            all.extend_from_slice(content);
        }
        let folder = place.join(format!("{}-{}", self.name, cache::short_hash(&all)));
        for (path, content) in files {
            let path = folder.join(path);
            if fs::read(&path).is_ok_and(|there| there == content) {
                continue;
            }
            write_whole(&path, content).map_err(|error| {
                let message = format!("cannot write {}: {error}", path.display());
                io::Error::new(error.kind(), message)
            })?;
        }
        Ok(folder)
    }
}

/// Adds the files below `folder`, except what an interpreter has compiled in the sources of this program.
fn collect(folder: &'static Dir<'static>, files: &mut Vec<(&'static Path, &'static [u8])>) {
    if folder.path().ends_with("__pycache__") {
        return;
    }
    files.extend(folder.files().map(|file| (file.path(), file.contents())));
    folder.dirs().for_each(|below| collect(below, files));
    files.sort();
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn files_are_written_once_and_mended() {
        let cache = TempDir::new().unwrap();
        let peers = Peers {
            folder: &PYTHON,
            name: "python",
        };
        let folder = peers.unpacked_below(cache.path()).unwrap();
        let file = folder.join(FILE_NAME);
        let content = fs::read(&file).unwrap();
        assert_eq!(content, PYTHON.get_file(FILE_NAME).unwrap().contents());

        let written = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(peers.unpacked_below(cache.path()).unwrap(), folder);
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);

        fs::write(&file, "damaged").unwrap();
        peers.unpacked_below(cache.path()).unwrap();
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}
