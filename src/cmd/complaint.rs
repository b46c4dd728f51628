//! Errors of commands.

use std::error::Error;
use std::fmt;

use crate::diagnostic::Diagnostic;

/// An error about the command line, or about a file that a command cannot use.
#[derive(Debug)]
pub(super) struct Complaint {
    /// What is wrong, where, and what was expected.
    pub(super) message: String,
    /// What to do next.
    pub(super) help: Option<String>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Complaint {}

impl Diagnostic for Complaint {
    fn help(&self) -> Option<String> {
        self.help.clone()
    }
}

/// Makes a [`Complaint`] with a message as for `format!`, and optional help before it: `complaint!(help = "...",
/// "...")`.
macro_rules! complaint {
    (help = $help:expr, $($message:tt)+) => {
        $crate::cmd::complaint::Complaint {
            message: format!($($message)+),
            help: Some($help.into()),
        }
    };
    ($($message:tt)+) => {
        $crate::cmd::complaint::Complaint {
            message: format!($($message)+),
            help: None,
        }
    };
}

pub(super) use complaint;
