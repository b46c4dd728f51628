//! One writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The right to write a file, which only one process at a time has.
///
/// It is a lock of the Linux kernel (flock(2)) on a file beside the written file, and lasts until its holder ends,
/// however that happens. Programs that the holder starts do not inherit it. The lock file names the holder, which
/// removes it at the end. After a crash the file stays, and the next holder takes it over.
#[derive(Debug)]
pub(crate) struct FileLock {
    /// Locked until it is closed.
    _file: File,
    path: PathBuf,
}

/// The most bytes that are read of the holder's description.
const MOST_BYTES: u64 = 300;

impl FileLock {
    /// Takes the lock of the file at `path`. The file need not exist, but its folder must.
    ///
    /// # Errors
    ///
    /// If another process has the lock, which the message names ([`io::ErrorKind::ResourceBusy`]), or if the lock
    /// file cannot be created.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let path = path.with_added_extension("lock");
        let place =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(place)?;
            if let Some(lock) = Self::try_take(file, &path)? {
                return Ok(lock);
            }
        }
    }

    /// Locks `file`. Returns `None` if `file` is no longer the one at `path`: its holder removes it, and a process
    /// that opened it before that would lock a file that no other process can find.
    fn try_take(mut file: File, path: &Path) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(&mut file)),
            // A file system without locks cannot exclude others.
            Err(TryLockError::Error(error)) if has_no_locks(&error) => {}
            Err(TryLockError::Error(error)) => {
                let message = format!("cannot lock {}: {error}", path.display());
                return Err(io::Error::new(error.kind(), message));
            }
        }
        let ours = file.metadata()?;
        let is_there = fs::metadata(path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
        if !is_there {
            return Ok(None);
        }
        file.set_len(0)?;
        file.write_all(holder().as_bytes())?;
        let path = path.into();
        Ok(Some(Self { _file: file, path }))
    }
}

/// Whether the file system has no locks, or no lock manager, such as a network without its lock daemon.
fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Removed before it is unlocked, because later it may belong to another process. If it stays, the next
        // holder takes it over.
        let _ = fs::remove_file(&self.path);
    }
}

/// The description of this process for other processes.
fn holder() -> String {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    format!("process {} (`{}`)\n", std::process::id(), words.join(" "))
}

fn taken(file: &mut File) -> io::Error {
    let mut words = Vec::new();
    // A process that has just locked it may not have written its description yet.
    let is_signed = file
        .take(MOST_BYTES)
        .read_to_end(&mut words)
        .is_ok_and(|count| count > 0);
    let words = String::from_utf8_lossy(&words);
    let holder = if is_signed {
        words.trim()
    } else {
        "another process"
    };
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        format!("{holder} is writing this file"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock_file(path: &Path) -> PathBuf {
        path.with_added_extension("lock")
    }

    #[test]
    fn the_second_writer_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let first = FileLock::of(&path).unwrap();
        let error = FileLock::of(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        let holder = format!("process {} (`", std::process::id());
        assert!(error.to_string().starts_with(&holder), "{error}");
        // Another file has its own lock.
        FileLock::of(&folder.path().join("other.jsonl")).unwrap();
        drop(first);
        FileLock::of(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_dead_holder_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        fs::write(lock_file(&path), "process 1 (`a long command line`)\n").unwrap();
        let lock = FileLock::of(&path).unwrap();
        assert_eq!(fs::read_to_string(lock_file(&path)).unwrap(), holder());
        drop(lock);
        assert!(!lock_file(&path).exists());
    }

    #[test]
    fn a_lock_that_its_holder_removed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let first = FileLock::of(&path).unwrap();
        let opened = File::open(lock_file(&path)).unwrap();
        drop(first);
        let gone = FileLock::try_take(opened.try_clone().unwrap(), &lock_file(&path));
        assert!(gone.unwrap().is_none());
        let _second = FileLock::of(&path).unwrap();
        assert!(
            FileLock::try_take(opened, &lock_file(&path))
                .unwrap()
                .is_none()
        );
    }
}
