//! Files that nobody ever reads half of.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::disk;

/// Writes `content` beside the file at `path` and renames it, so that the file is replaced as a whole or left
/// as it was. Its folder is made if it is not there.
///
/// # Errors
///
/// When it cannot be written. Nothing is left behind then.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        disk::create_folder(folder)?;
    }
    write_whole_with(path, |file| file.write_all(content))
}

/// [`write_whole`] for what is written bit by bit, into a folder that is there.
///
/// # Errors
///
/// When it cannot be written, or `write` fails. Nothing is left behind then.
pub fn write_whole_with<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    // To rename something to a device or a pipe would put a file in its place.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return write(&mut File::create(path)?);
    }
    // Of a link, the file that it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let aside = path.with_added_extension(format!("{}.tmp", std::process::id()));
    write_aside(&path, &aside, write).inspect_err(|_| {
        // It may never have come to be; the first error is the one to tell.
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
    // First, or after a crash the name could stand for a file without its content.
    disk::sync(&file, aside)?;
    Ok(disk::rename(aside, path)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_fails_in_the_middle_leaves_the_file_as_it_was() {
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
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        write_whole(&file, b"old").unwrap();
        symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let _listener = UnixListener::bind(&path).unwrap();
        // A socket cannot be opened.
        assert!(write_whole(&path, b"new").is_err());
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    }
}
