use std::path::{Path, PathBuf};

use super::{Exporter, write};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::page::{Page, document};

/// The whole report as one self-contained HTML page, `report.html`.
pub(crate) const HTML: Html = Html;

/// The exporter behind [`HTML`].
#[derive(Debug)]
pub(crate) struct Html;

impl Exporter for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn why(&self) -> &'static str {
        "the whole report as one page that opens from disk and needs no network"
    }

    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
        Ok(vec![write_page(&Page::of_report(report), out)?])
    }
}

/// Writes `report.html` into the folder `out`, and returns its path.
///
/// # Errors
///
/// If it cannot be written.
pub(crate) fn write_page(page: &Page, out: &Path) -> Result<PathBuf, ReportError> {
    let path = out.join("report.html");
    write(&path, document(page).as_bytes())?;
    Ok(path)
}
