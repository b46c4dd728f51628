//! Report formats: one file an exporter, one line in [`EXPORTERS`].

use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::model::Report;
use crate::record::write_whole;

mod html;
mod png;
mod svg;

pub(crate) use html::HTML;
pub(crate) use png::PNG;
pub(crate) use svg::SVG;

/// The formats that every build has.
pub(crate) const EXPORTERS: &[&dyn Exporter] = &[&HTML, &SVG, &PNG];

/// A format that a report can be written in.
pub(crate) trait Exporter: Sync {
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
    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError>;
}

/// The folder of the pictures within that of the report.
const PICTURES: &str = "pictures";

/// Writes the file as a whole, or leaves it as it was.
///
/// # Errors
///
/// When it cannot be written; the message names the file.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    write_whole(path, content).map_err(|error| ReportError::Unwritable {
        path: path.into(),
        error,
    })
}

#[cfg(test)]
mod tests;
