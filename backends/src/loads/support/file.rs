//! Files without a name, the memory that their bytes are read into, and where those bytes came from.

use std::cell::RefCell;
use std::fs::File;
use std::io;

use rustix::fs::{CWD, Mode, OFlags, fstatfs, openat};

use crate::system::{Root, proc};

/// The unit in which files are read and written: the page of the smallest kind, to which direct IO is aligned on every
/// common device.
pub(in crate::loads) const PAGE_BYTES: usize = 4096;

/// Lends `page_count` pages of memory, aligned as direct IO needs it. The calling thread keeps them for the next task, and
/// their content is what the task before left.
pub(in crate::loads) fn with_pages<T>(page_count: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BYTES.with_borrow_mut(|bytes| {
        let byte_count = page_count * PAGE_BYTES;
        let with_space_to_align = byte_count + PAGE_BYTES;
        if bytes.len() < with_space_to_align {
            bytes.resize(with_space_to_align, 0);
        }
        let start = bytes.as_ptr().align_offset(PAGE_BYTES);
        work(&mut bytes[start..start + byte_count])
    })
}

/// A file for reading and writing in the folder for temporary files. It has no name, so it vanishes with the last
/// process that has it open.
///
/// # Errors
///
/// If the system refuses it; the error names the folder.
pub(in crate::loads) fn temporary_file() -> io::Result<File> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let opened = openat(CWD, &folder, flags, Mode::RUSR | Mode::WUSR);
    opened.map(File::from).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(
            error.kind(),
            format!(
                "cannot create a file without a name in {}: {error}; set TMPDIR to a folder on a file system \
                 that has such files, for example ext4, xfs, btrfs or tmpfs",
                folder.display()
            ),
        )
    })
}

/// The name of the file system of `file`.
pub(in crate::loads) fn file_system(file: &File) -> io::Result<String> {
    let magic = fstatfs(file)?.f_type as u32;
    // From `linux/magic.h`. The driver of ext4 also serves ext2 and ext3, which have the same number.
    let known = match magic {
        0xEF53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683E => "btrfs",
        0xF2F5_2010 => "f2fs",
        0x2FC1_2FC1 => "zfs",
        0xCA45_1A4E => "bcachefs",
        0x794C_7630 => "overlayfs",
        0x0102_1994 => "tmpfs",
        0x8584_58F6 => "ramfs",
        0x6969 => "nfs",
        0x6573_5546 => "fuse",
        0x0102_1997 => "9p",
        _ => return Ok(format!("file_system_0x{magic:08x}")),
    };
    Ok(known.into())
}

/// The bytes that the calling thread has made the system read from devices so far; `None` if the system does not say.
pub(in crate::loads) fn bytes_from_device() -> Option<u64> {
    let text = Root::default().read("/proc/thread-self/io")?;
    proc::number(&text, "read_bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_has_no_name_and_a_file_system() {
        use std::os::unix::fs::MetadataExt;
        let file = temporary_file().unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        assert_ne!(file_system(&file).unwrap(), "");
    }

    #[test]
    fn files_in_memory_are_recognised() {
        let memory = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        assert_eq!(file_system(&File::from(memory)).unwrap(), "tmpfs");
    }

    #[test]
    fn lent_pages_are_aligned_and_as_many_as_asked_for() {
        for count in [3, 1, 2] {
            with_pages(count, |bytes| {
                assert_eq!(bytes.len(), count * PAGE_BYTES);
                assert_eq!(bytes.as_ptr().align_offset(PAGE_BYTES), 0);
            });
        }
    }
}
