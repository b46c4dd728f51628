use std::path::{Path, PathBuf};

use super::{Exporter, PICTURES, write};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::picture::pictures;

/// Each picture as a PNG, at twice the resolution of a screen.
pub(crate) const PNG: Png = Png;

/// See [`PNG`].
#[derive(Debug)]
pub(crate) struct Png;

impl Exporter for Png {
    fn name(&self) -> &'static str {
        "png"
    }

    fn why(&self) -> &'static str {
        "each picture by itself, for wherever SVG is not taken"
    }

    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
        let mut written = Vec::new();
        for picture in pictures(report) {
            let path = out.join(PICTURES).join(format!("{}.png", picture.name));
            write(&path, &picture.png()?)?;
            written.push(path);
        }
        Ok(written)
    }
}
