//! Finds programs as the system does.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Whether `program` can be started from `folder`: a path that leads to a program, or a name of one in `PATH`.
pub(super) fn is_program(program: &str, folder: &Path) -> bool {
    let search = env::var_os("PATH").unwrap_or_default();
    is_program_in(program, folder, &search)
}

/// Whether there is a program of this name in `PATH`.
pub(crate) fn is_in_path(name: &str) -> bool {
    is_program(name, Path::new(""))
}

fn is_program_in(program: &str, folder: &Path, search: &OsStr) -> bool {
    if program.contains('/') {
        return is_executable(&folder.join(program));
    }
    env::split_paths(search).any(|place| is_executable(&place.join(program)))
}

fn is_executable(path: &Path) -> bool {
    let is_for_anyone = |mode: u32| mode & 0o111 != 0;
    fs::metadata(path).is_ok_and(|data| data.is_file() && is_for_anyone(data.permissions().mode()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_program_is_a_path_or_a_name_in_the_search_path() {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("tool");
        fs::write(&program, "").unwrap();
        let is_found = || {
            let by_path = is_program_in("./tool", folder.path(), OsStr::new(""));
            let by_name = is_program_in("tool", Path::new(""), folder.path().as_os_str());
            assert_eq!(by_path, by_name);
            by_path
        };
        assert!(!is_found(), "it is not executable");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_found());
        // A name is not searched for in the folder.
        assert!(!is_program_in("tool", folder.path(), OsStr::new("")));
        assert!(!is_program_in("./", folder.path(), OsStr::new("")));
    }
}
