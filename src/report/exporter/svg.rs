use std::path::{Path, PathBuf};

use super::{Exporter, PICTURES, write};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::picture::pictures;

/// Each picture as an SVG with an embedded font.
pub(crate) const SVG: Svg = Svg;

/// The exporter behind [`SVG`].
#[derive(Debug)]
pub(crate) struct Svg;

impl Exporter for Svg {
    fn name(&self) -> &'static str {
        "svg"
    }

    fn why(&self) -> &'static str {
        "each picture as a file that is sharp at any size, for documents and web pages"
    }

    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
        let mut written = Vec::new();
        for picture in pictures(report) {
            let path = out.join(PICTURES).join(format!("{}.svg", picture.name));
            write(&path, picture.svg()?.as_bytes())?;
            written.push(path);
        }
        Ok(written)
    }
}
