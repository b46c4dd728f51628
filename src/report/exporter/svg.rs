use std::path::{Path, PathBuf};

use super::{Exporter, PICTURES, write};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::picture::{FontSource, pictures};

/// Each picture as an SVG that carries its font with it.
pub(crate) const SVG: Svg = Svg;

/// See [`SVG`].
#[derive(Debug)]
pub(crate) struct Svg;

impl Exporter for Svg {
    fn name(&self) -> &'static str {
        "svg"
    }

    fn why(&self) -> &'static str {
        "each picture by itself, sharp at any size, for documents and web pages"
    }

    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
        let mut written = Vec::new();
        for picture in pictures(report) {
            let path = out.join(PICTURES).join(format!("{}.svg", picture.name));
            write(&path, picture.svg(FontSource::Own)?.as_bytes())?;
            written.push(path);
        }
        Ok(written)
    }
}
