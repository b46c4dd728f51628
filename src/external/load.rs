//! Reads files of backends, and checks that names are unique.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::existing::Existing;
use super::key::BACKEND;
use super::parse::{ParsedBackend, parse};
use super::{External, Files, kept};
use crate::toml_file::{FileKind, LoadError, Mistake, SourceFile, read_file};

/// The name of the file of backends in a folder of workloads.
pub(super) const FILE_NAME: &str = "backends.toml";

/// A key that every workload file has.
const KEY_OF_WORKLOADS: &str = "kernel";

/// Whether this is the name of a file of backends in a folder of workload files.
pub(crate) fn has_name_of_backends(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new(FILE_NAME))
}

/// Whether this file has backends rather than a workload: its keys decide, and its name if they do not say or cannot be
/// read. A pipe is not read, because it can be read only once.
pub(crate) fn is_file_of_backends(path: &Path) -> bool {
    let text = match path.is_file() {
        true => read_file(path, &KIND).map(|source| source.text).ok(),
        false => None,
    };
    let has_key = |key: &str| {
        let table = DeTable::parse(text.as_deref()?).ok()?;
        Some(table.get_ref().contains_key(key))
    };
    match (has_key(BACKEND.name), has_key(KEY_OF_WORKLOADS)) {
        (Some(true), _) => true,
        (_, Some(true)) => false,
        _ => has_name_of_backends(path),
    }
}

/// The file of backends that a path of workload files leads to: the path itself, or the file in its folder; `None` if
/// there is none.
pub(crate) fn file_beside(workloads: &Path) -> Option<PathBuf> {
    if workloads.is_dir() {
        let inside = workloads.join(FILE_NAME);
        return inside.is_file().then_some(inside);
    }
    is_file_of_backends(workloads).then(|| workloads.into())
}
const KIND: FileKind = FileKind {
    one: "a file of backends",
    expected: "expected a file of backends, such as `backends.toml`",
    folder_help: "name the file of backends in it",
};

/// Reads the backends in these files, in the given order.
///
/// # Errors
///
/// All mistakes in all of them, as one error.
pub(crate) fn load(
    paths: &[PathBuf],
    known: &Existing<'_>,
) -> Result<Vec<&'static External>, LoadError> {
    let sources = paths.iter().map(|path| read(path));
    let found = externals(sources, known, |source| {
        // The folder of `backends.toml` is empty, which no program can be started in.
        let folder = source.folder.clone().unwrap_or_default();
        Files::Folder(PathBuf::from(".").join(folder))
    })?;
    let found = found.into_iter();
    Ok(found.map(|one| kept(Box::new(one))).collect())
}

fn read(path: &Path) -> Result<SourceFile, Mistake> {
    // To open a pipe is to wait until somebody writes into it.
    if fs::metadata(path).is_ok_and(|data| data.file_type().is_fifo()) {
        return Err(Mistake::new(
            format!("`{}` is a pipe, not a file", path.display()),
            "write the backends to a file: their programs are started in its folder",
        ));
    }
    read_file(path, &KIND)
}

/// Parses `sources` into backends, in the same order. `files` says where the files are that the commands of a source
/// name.
pub(super) fn externals(
    sources: impl IntoIterator<Item = Result<SourceFile, Mistake>>,
    known: &Existing<'_>,
    files: impl Fn(&SourceFile) -> Files,
) -> Result<Vec<External>, LoadError> {
    let mut externals = Vec::new();
    let mut mistakes = Vec::new();
    let own = known
        .names
        .iter()
        .map(|name| (*name, "this program".into()));
    let mut owner_of_name: BTreeMap<&str, String> = own.collect();
    for source in sources {
        let parsed = source.map_err(|mistake| vec![mistake]).and_then(|source| {
            let placed = |mistake: Mistake| mistake.in_file(&source.name, &source.text);
            let parsed = parse(&source, known, || files(&source));
            let parsed =
                parsed.map_err(|found| found.into_iter().map(placed).collect::<Vec<_>>())?;
            Ok((parsed, source))
        });
        match parsed {
            Err(found) => mistakes.extend(found),
            Ok((parsed, source)) => {
                for one in parsed {
                    mistakes.extend(name_taken(&one, &source, &mut owner_of_name));
                    externals.push(one.external);
                }
            }
        }
    }
    LoadError::check("files of backends", mistakes)?;
    Ok(externals)
}

/// The mistake that another backend already has this name, if any.
fn name_taken(
    parsed: &ParsedBackend,
    source: &SourceFile,
    owner_of_name: &mut BTreeMap<&str, String>,
) -> Option<Mistake> {
    let name = parsed.external.name;
    let owner = owner_of_name.insert(name, format!("`{}`", source.name))?;
    let mistake = Mistake::new(
        format!("the name `{name}` is already taken: {owner} has a backend of this name"),
        "records are identified by the name of their backend: give this one another name",
    );
    let placed = mistake.at(parsed.name_span.clone(), "taken");
    Some(placed.in_file(&source.name, &source.text))
}
