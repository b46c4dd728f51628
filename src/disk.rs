//! Changes to files that have to outlive a crash.
//!
//! What is renamed, made or removed is safe only once its folder is on disk, and what is renamed over another file
//! only if its own content was there before. All such steps are taken here, so that a test can see their order.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

mod lock;

pub(crate) use lock::Lock;

/// A new, empty file at `path`, for what is written aside and renamed. One that is there is emptied.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    note("create", path);
    Ok(file)
}

/// The file at `path`, to be read and appended to. If it is not there, it is made.
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

/// Makes a folder, and those that it lies in.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(path)?;
    missing.into_iter().rev().try_for_each(sync_folder_of)
}

/// Returns once what was written to `file`, which lies at `path`, is on disk.
pub(crate) fn sync(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    note("sync", path);
    Ok(())
}

/// Renames a file within its folder. What is at `to` is replaced.
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
        // Some file systems cannot do it, and a folder may be one to write into but not to read: nothing more can
        // be asked for there.
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
