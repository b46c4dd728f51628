//! Writes files that are never visible half written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::disk;

/// Writes `content` to a temporary file beside `path` and renames it, so that the file is either replaced as a whole or
/// not changed. Creates the folder if necessary.
///
/// # Errors
///
/// If it cannot be written. No temporary file is left behind.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        disk::create_folder(folder)?;
    }
    write_whole_with(path, |file| file.write_all(content))
}

/// Like [`write_whole`], for content that is written in parts, into a folder that exists.
///
/// # Errors
///
/// If it cannot be written, or `write` fails. No temporary file is left behind.
pub(crate) fn write_whole_with<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    // Renaming over a device or a pipe would replace it with a file.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return write(&mut File::create(path)?);
    }
    // If the path is a link, replace the file that it points to.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let aside = path.with_added_extension(format!("{}.tmp", std::process::id()));
    write_aside(&path, &aside, write).inspect_err(|_| {
        // The temporary file may not exist. Report the first error only.
        let _ = disk::remove(&aside);
    })
}

fn write_aside<E: From<io::Error>>(
    path: &Path,
    aside: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let mut file = disk::create(aside)?;
    write(&mut file)?;
    // Sync before renaming. Otherwise the name could refer to an empty file after a crash.
    disk::sync(&file, aside)?;
    Ok(disk::rename(aside, path)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_failed_write_does_not_change_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write_whole(&path, b"old").unwrap();
        let failed = write_whole_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn missing_folders_are_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/x");
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"new");
    }

    #[test]
    fn the_content_is_on_disk_before_the_name_and_the_name_before_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let steps = disk::steps_of(|| write_whole(&path, b"new").unwrap());
        let expected = [
            "create x.PID.tmp",
            "sync x.PID.tmp",
            "rename x",
            "sync folder of x",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        write_whole(&file, b"old").unwrap();
        symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn devices_and_pipes_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let _listener = UnixListener::bind(&path).unwrap();
        // A socket cannot be opened.
        assert!(write_whole(&path, b"new").is_err());
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    }
}
