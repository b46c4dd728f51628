//! Formats of reports: one file per exporter, and one line per exporter in [`EXPORTERS`].

use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::model::Report;
use crate::record::write_whole;

mod html;
mod png;
mod svg;

pub(crate) use html::{HTML, write_page};
pub(crate) use png::PNG;
pub(crate) use svg::SVG;

/// All exporters.
pub(crate) const EXPORTERS: &[&dyn Exporter] = &[&HTML, &SVG, &PNG];

/// Writes a report in one format.
pub(crate) trait Exporter: Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// What the format is for, in one line.
    fn why(&self) -> &'static str;

    /// Writes the report into the folder `out`, which is created if it does not exist. Returns the files that were
    /// written; there may be none for a report without results.
    ///
    /// # Errors
    ///
    /// If a picture cannot be drawn or a file cannot be written. Each existing file is then either replaced as a whole
    /// or unchanged.
    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError>;
}

/// The folder for pictures within the folder of the report.
const PICTURES: &str = "pictures";

/// Writes the whole file, or leaves it unchanged.
///
/// # Errors
///
/// If it cannot be written. The message names the file.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    write_whole(path, content).map_err(|error| ReportError::Unwritable {
        path: path.into(),
        error,
    })
}

#[cfg(test)]
mod tests;
