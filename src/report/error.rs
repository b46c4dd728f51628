//! Why a report could not be written.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ReportError {
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The error that the system returned.
        error: io::Error,
    },
    /// A picture cannot be drawn.
    #[error("cannot draw the picture `{picture}`: {message}")]
    Undrawable {
        /// The name of the picture.
        picture: String,
        /// The error of the drawing library.
        message: String,
    },
}

impl ReportError {
    pub(super) fn undrawable(picture: &str, error: impl Display) -> Self {
        Self::Undrawable {
            picture: picture.into(),
            message: error.to_string(),
        }
    }
}

impl Diagnostic for ReportError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unwritable { .. } => {
                "check that the disk has free space and that you may write to the folder, or choose another folder with --out"
            }
            Self::Undrawable { .. } => {
                "this is a bug in taskdyno, not a problem with the records: please report it"
            }
        };
        Some(help.into())
    }
}
