//! File operations that survive a crash.
//!
//! A rename, a creation or a removal is safe only when its folder is on disk. A file renamed over another one is
//! safe only if its content was on disk before. All such steps are taken here, so that a test can check their order.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

pub(crate) mod cache;
mod lock;

pub(crate) use lock::FileLock;

/// Creates an empty file at `path`, to be written and then renamed. An existing file is emptied.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    note("create", path);
    Ok(file)
}

/// Opens the file at `path` for reading and appending. Creates it if it does not exist.
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    if is_new {
        note("create", path);
        sync_folder_of(path)?;
    }
    Ok(file)
}

/// Creates a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(path)?;
    missing.into_iter().rev().try_for_each(sync_folder_of)
}

/// Returns when everything written to `file`, which is at `path`, is on disk.
pub(crate) fn sync(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    note("sync", path);
    Ok(())
}

/// Renames a file within its folder, and replaces the file at `to`.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    note("rename", to);
    sync_folder_of(to)
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    note("remove", path);
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    note("sync folder of", path);
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot do it, and a folder may be writable but not readable. Nothing more can be done
        // there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(test))]
fn note(_step: &str, _path: &Path) {}

#[cfg(test)]
pub(crate) use tests::{note, steps_of};

#[cfg(test)]
mod tests;
