//! Files that nobody ever reads half of.

use std::fs;
use std::io;
use std::path::Path;

/// Writes `content` beside the file at `path` and renames it, so that the file is replaced as a whole or left
/// as it was. Its folder is made if it is not there.
///
/// # Errors
///
/// When it cannot be written. Nothing is left behind then.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let aside = path.with_added_extension(format!("{}.tmp", std::process::id()));
    write_aside(path, &aside, content).inspect_err(|_| {
        // It may never have come to be; the first error is the one to tell.
        let _ = fs::remove_file(&aside);
    })
}

fn write_aside(path: &Path, aside: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(aside, content)?;
    fs::rename(aside, path)
}
