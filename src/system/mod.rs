//! Facts about the machine and the container: what the kernel shows as files, below a root folder.
//!
//! The root folder is `/`. A test sets up the files of another machine in a folder of its own, and needs neither that
//! machine nor privileges.

use std::path::PathBuf;
use std::{fs, io};

use rustix::io::Errno;

pub(crate) mod cgroup;
pub(crate) mod limit;
pub(crate) mod memory;
pub(crate) mod oom;
pub(crate) mod proc;

/// Where the files of the kernel lie.
#[derive(Debug, Clone)]
pub(crate) struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self("/".into())
    }
}

impl Root {
    /// Where the file lies that is at `path`, from `/`, on the machine itself.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The text of a file, without white space around it; `None` where it is not there or cannot be read.
    /// Bytes that are not UTF-8 (any process may choose such a name) are replaced.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_string())
    }

    /// The names of what is in a folder, in no order; none where it is not there or cannot be read.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
        entries.flatten().filter_map(name).collect()
    }
}

/// The program that runs, even if its file has been replaced since.
pub(crate) const OWN_PROGRAM: &str = "/proc/self/exe";

/// Makes sure that this program can be started again: every case is a process of its own.
///
/// # Errors
///
/// When the kernel does not show it, as without `/proc`.
pub(crate) fn can_start_itself(root: &Root) -> io::Result<()> {
    fs::read_link(root.path(OWN_PROGRAM)).map(drop)
}

/// Why a process that was started cannot be watched by a descriptor.
pub(crate) fn no_process_descriptor(error: Errno) -> io::Error {
    match error {
        Errno::NOSYS => io::Error::new(
            io::ErrorKind::Unsupported,
            "the system call pidfd_open is not there: it takes Linux 5.4 or later (uname -r), and a sandbox that lets it \
             through",
        ),
        error => error.into(),
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use tempfile::TempDir;

    use super::*;

    /// The files of a made-up machine, which go away with this.
    pub(crate) struct Machine {
        _folder: TempDir,
        pub(crate) root: Root,
    }

    impl Machine {
        /// A machine with these files, each a path and a text.
        pub(crate) fn with(files: &[(&str, &str)]) -> Self {
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

        /// Writes a file, in place of the one that was there.
        pub(crate) fn write(&self, path: &str, text: &str) {
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
