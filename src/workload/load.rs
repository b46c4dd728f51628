//! Reads workload files from paths and folders, and parses them into workloads with unique names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::Workload;
use super::parse::{Parsed, parse};
use crate::external::{has_name_of_backends, is_file_of_backends};
use crate::registry::Registry;
use crate::system::memory::usable_memory_bytes;
use crate::toml_file::{FileKind, LoadError, Mistake, SourceFile, read_file, source, unreadable};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/workloads");

const FILES: FileKind = FileKind {
    one: "a workload file",
    expected: "expected a workload file (`*.toml`) or a folder of them",
    folder_help: "it has the extension of a workload file: rename it, or give its own path to read the files in it",
};

/// The text of a file, or why it could not be read.
pub(super) type SourceFiles = Vec<Result<SourceFile, Mistake>>;

/// The built-in files: those of taskdyno, sorted by name, then those that the program adds.
pub(super) fn builtin(registry: &Registry) -> SourceFiles {
    let mut files: Vec<_> = BUILTIN.files().collect();
    // Without the extension, so that a name comes before those that it begins.
    files.sort_by_key(|file| file.path().file_stem());
    let sources = files.into_iter().map(|file| {
        let name = Path::new("workloads").join(file.path());
        source(&name, None, file.contents().to_vec())
    });
    let added = registry.workloads.iter();
    let added = added.map(|(name, file)| source(Path::new(name), None, file.as_bytes().to_vec()));
    sources.chain(added).collect()
}

/// The files in `paths`, and those in the folders in `paths`.
pub(super) fn read(paths: &[PathBuf]) -> SourceFiles {
    let mut sources = SourceFiles::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        match files(path) {
            Ok(files) => {
                // A file may be given both by itself and with its folder. It is read once.
                let unseen = files
                    .iter()
                    .filter(|file| fs::canonicalize(file).map_or(true, |real| seen.insert(real)));
                sources.extend(unseen.map(|file| read_file(file, &FILES)));
            }
            Err(mistake) => sources.push(Err(mistake)),
        }
    }
    sources
}

/// `path` itself, or the workload files in it if it is a folder; empty if there is only a file of backends.
fn files(path: &Path) -> Result<Vec<PathBuf>, Mistake> {
    if !path.is_dir() {
        return Ok(match is_file_of_backends(path) {
            true => Vec::new(),
            false => vec![path.into()],
        });
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(path, &error, &FILES))?;
    let paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    let has_backends = paths.iter().any(|path| has_name_of_backends(path));
    let mut files: Vec<_> = paths.into_iter().filter(|path| is_workload(path)).collect();
    if files.is_empty() && !has_backends {
        return Err(Mistake::new(
            format!("no workload file in the folder `{}`", path.display()),
            "expected at least one file with the extension `.toml`; subfolders are not searched: name \
             the folder that contains the files",
        ));
    }
    files.sort();
    Ok(files)
}

/// Whether the name is that of a workload file. Names that begin with a dot are skipped, because editors use them for
/// temporary files, and so is the file of backends.
fn is_workload(path: &Path) -> bool {
    let is_hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let is_skipped = is_hidden || has_name_of_backends(path);
    !is_skipped && path.extension() == Some(OsStr::new("toml"))
}

/// Parses `sources` into workloads, in the same order.
pub(super) fn workloads(
    sources: SourceFiles,
    registry: &Registry,
) -> Result<Vec<Workload>, LoadError> {
    workloads_within(sources, registry, usable_memory_bytes())
}

/// Like [`workloads`], on a machine with this much memory.
pub(super) fn workloads_within(
    sources: SourceFiles,
    registry: &Registry,
    memory_bytes: u64,
) -> Result<Vec<Workload>, LoadError> {
    let mut workloads = Vec::new();
    let mut mistakes = Vec::new();
    let mut file_of_name = BTreeMap::new();
    for source in sources {
        let source = match source {
            Ok(source) => source,
            Err(mistake) => {
                mistakes.push(mistake);
                continue;
            }
        };
        match parse(&source, registry, memory_bytes) {
            Ok(parsed) => {
                mistakes.extend(name_taken(&parsed, &source, &mut file_of_name));
                workloads.push(parsed.workload);
            }
            Err(found) => {
                let placed = found.into_iter();
                mistakes.extend(placed.map(|mistake| mistake.in_file(&source.name, &source.text)));
            }
        }
    }
    LoadError::check("workload files", mistakes)?;
    Ok(workloads)
}

/// The mistake that another workload already has this name, if any.
fn name_taken(
    parsed: &Parsed,
    source: &SourceFile,
    file_of_name: &mut BTreeMap<String, String>,
) -> Option<Mistake> {
    let name = &parsed.workload.name;
    let other = file_of_name.insert(name.clone(), source.name.clone())?;
    let mistake = Mistake::new(
        format!(
            "two workloads are named \"{name}\": one in `{other}`, one in `{}`",
            source.name
        ),
        "records are identified by the name of their workload: rename one of the two",
    );
    let placed = mistake.at(parsed.name_span.clone(), format!("also in `{other}`"));
    Some(placed.in_file(&source.name, &source.text))
}
