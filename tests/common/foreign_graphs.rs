//! The graphs of other projects, which are not part of this one.
//!
//! A test that needs them is marked `#[ignore = "needs TASKDYNO_GRAPHS"]`. So a run without them counts it as skipped,
//! and `--run-ignored all` runs it.

use std::path::PathBuf;

/// The folder that `TASKDYNO_GRAPHS` names. A relative path begins at the folder of the package, where its tests run.
///
/// # Panics
///
/// When it names no folder: a test without its input must not pass.
pub(crate) fn foreign_graphs() -> PathBuf {
    let folder = std::env::var_os("TASKDYNO_GRAPHS").map(PathBuf::from);
    folder.filter(|folder| folder.is_dir()).expect(
        "this test needs graphs of other projects: set TASKDYNO_GRAPHS to the folder that holds them",
    )
}
