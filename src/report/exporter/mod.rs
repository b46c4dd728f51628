//! Report formats: one file an exporter, one line in [`EXPORTERS`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use miette::{Report as Error, miette};

use super::model::Report;

mod html;
mod png;
mod svg;

pub use html::HTML;
pub use png::PNG;
pub use svg::SVG;

/// The formats that every build has.
pub const EXPORTERS: &[&dyn Exporter] = &[&HTML, &SVG, &PNG];

/// A format that a report can be written in.
pub trait Exporter: Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// What it is good for, in one line.
    fn why(&self) -> &'static str;

    /// Writes the report into the folder `out`, which is made if need be, and returns the files it wrote. A
    /// report without figures may have none.
    ///
    /// # Errors
    ///
    /// When a picture cannot be drawn or a file cannot be written. Files of earlier reports are then either
    /// replaced as a whole or left as they were.
    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, Error>;
}

/// The folder of the pictures within that of the report.
const PICTURES: &str = "pictures";

/// Writes beside the file and renames, so that nobody ever reads half of it.
///
/// # Errors
///
/// When it cannot be written; the message names the file.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let aside = path.with_added_extension(format!("{}.tmp", std::process::id()));
    write_aside(path, &aside, content).map_err(|error| {
        // It may never have come to be; the first error is the one to tell.
        let _ = fs::remove_file(&aside);
        miette!(
            help = "check that there is room on the disk and that the folder may be written to, or choose another with --out",
            "cannot write {}: {error}",
            path.display()
        )
    })
}

fn write_aside(path: &Path, aside: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(aside, content)?;
    fs::rename(aside, path)
}

#[cfg(test)]
mod test;
