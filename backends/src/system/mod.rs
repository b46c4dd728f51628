//! Facts about the machine and the container, from the files of the Linux kernel below a root folder.
//!
//! The root folder is `/`. A test creates the files of another machine in its own folder, and needs neither that
//! machine nor privileges.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use rustix::io::Errno;

pub mod cgroup;
pub mod limit;
pub mod memory;
pub mod proc;

/// The folder that contains the kernel's files.
#[derive(Debug, Clone)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self("/".into())
    }
}

impl Root {
    /// Where to find the file that has `path`, from `/`, on the real machine.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The text of a file, without surrounding white space; `None` if it does not exist or cannot be read. Bytes
    /// that are not UTF-8 (any process may have such a name) are replaced.
    pub fn read(&self, path: &str) -> Option<String> {
        // The kernel says that its files are empty. Without room from the start, they would be read in tiny parts.
        let mut bytes = Vec::with_capacity(4096);
        File::open(self.path(path))
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_string())
    }

    /// The names in a folder, in no particular order; empty if it does not exist or cannot be read.
    pub fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
        entries.flatten().filter_map(name).collect()
    }
}

/// The running program, even if its file has since been replaced.
pub const OWN_PROGRAM: &str = "/proc/self/exe";

/// Checks that this program can be started again, because every case runs in its own process.
///
/// # Errors
///
/// If the kernel does not show the program, for example without `/proc`.
pub fn can_start_itself(root: &Root) -> io::Result<()> {
    fs::read_link(root.path(OWN_PROGRAM)).map(drop)
}

/// The error if a started process cannot be watched through a descriptor.
pub fn no_process_descriptor(error: Errno) -> io::Error {
    match error {
        Errno::NOSYS => io::Error::new(
            io::ErrorKind::Unsupported,
            "the system call pidfd_open is missing: it needs Linux 5.4 or later (uname -r), and a sandbox that allows \
             it",
        ),
        error => error.into(),
    }
}

/// Invented machines for tests.
#[cfg(feature = "fixture")]
pub mod fixture {
    use tempfile::TempDir;

    use super::*;

    /// The files of an invented machine, deleted when this is dropped.
    pub struct Machine {
        _folder: TempDir,
        /// The root folder of the machine.
        pub root: Root,
    }

    impl Machine {
        /// A machine with these files, each a path and its text.
        pub fn with(files: &[(&str, &str)]) -> Self {
            let folder = TempDir::new().unwrap();
            let root = Root(folder.path().into());
            let machine = Self {
                _folder: folder,
                root,
            };
            for (path, text) in files {
                machine.write(path, text);
            }
            machine
        }

        /// Writes a file, and replaces an existing one.
        pub fn write(&self, path: &str, text: &str) {
            let path = self.root.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::Machine;
    use super::*;

    #[test]
    fn a_kernel_that_is_too_old_is_told_as_such() {
        let message = no_process_descriptor(Errno::NOSYS).to_string();
        assert!(message.contains("Linux 5.4 or later"), "{message}");
        assert_eq!(
            no_process_descriptor(Errno::MFILE).raw_os_error(),
            Some(libc::EMFILE)
        );
    }

    #[test]
    fn files_are_read_below_the_root() {
        let machine = Machine::with(&[("/proc/loadavg", "0.5 1 1\n")]);
        let read = |path| machine.root.read(path);
        assert_eq!(read("/proc/loadavg").as_deref(), Some("0.5 1 1"));
        assert_eq!(read("/proc/cpuinfo"), None);
        assert_eq!(machine.root.names("/proc"), ["loadavg"]);
        assert!(machine.root.names("/sys").is_empty());
    }

    #[test]
    fn this_program_can_be_started_again_and_not_without_proc() {
        assert!(can_start_itself(&Root::default()).is_ok());
        assert!(can_start_itself(&Machine::with(&[]).root).is_err());
    }
}
