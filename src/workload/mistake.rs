//! What is wrong in a workload file, with the place, what was expected, and what to do.

use std::fmt;
use std::mem;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Excerpt, Mark};
use crate::graph_file::import::ImportError;

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Mistake {
    message: String,
    help: String,
    /// Places in the file, as long as it is not known which file that is.
    marks: Vec<Mark>,
    excerpt: Option<Box<Excerpt>>,
    /// What is wrong in another file that this one names, if that is what it is.
    cause: Option<Box<ImportError>>,
}

impl Mistake {
    /// A mistake at no place yet. `help` says what to do about it.
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            marks: Vec::new(),
            excerpt: None,
            cause: None,
        }
    }

    /// Points at a place in the file.
    pub(super) fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        let label = label.into();
        self.marks.push(Mark { span, label });
        self
    }

    /// Shows what is wrong in a graph file that this file names.
    pub(super) fn because_of(mut self, cause: ImportError) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// The first place it points at, in bytes from the beginning of the file.
    pub(super) fn offset(&self) -> usize {
        self.marks.first().map_or(0, |mark| mark.span.start)
    }

    /// Says which file the places are in. Where there is no place, nothing of the file is shown with its name, and the
    /// message has to say it.
    pub(super) fn in_file(mut self, name: &str, content: &str) -> Self {
        if self.marks.is_empty() {
            if !self.message.contains(name) {
                self.message = format!("`{name}`: {}", self.message);
            }
            return self;
        }
        let marks = mem::take(&mut self.marks);
        self.excerpt = Some(Box::new(Excerpt::new(name, content, marks)));
        self
    }
}

impl Diagnostic for Mistake {
    fn help(&self) -> Option<String> {
        Some(self.help.clone())
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_deref()
    }

    fn parts(&self) -> Vec<&dyn Diagnostic> {
        let cause = self.cause.iter();
        cause.map(|cause| &**cause as &dyn Diagnostic).collect()
    }
}

/// Everything that is wrong in some workload files.
#[derive(Debug)]
pub struct LoadError {
    /// At least one.
    mistakes: Vec<Mistake>,
}

/// How many mistakes are shown at once. More scroll the first ones away, which often cause the others.
const SHOWN_MAX: usize = 20;

impl LoadError {
    /// Fails with `mistakes` if there are any.
    pub(super) fn check(mistakes: Vec<Mistake>) -> Result<(), Self> {
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(Self { mistakes }),
        }
    }

    /// The mistake, if there is only one.
    fn only(&self) -> Option<&Mistake> {
        match &self.mistakes[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(only) = self.only() {
            return only.fmt(f);
        }
        let count = self.mistakes.len();
        write!(f, "{count} mistakes in workload files")?;
        match count > SHOWN_MAX {
            true => write!(f, "; the first {SHOWN_MAX} are"),
            false => Ok(()),
        }
    }
}

impl std::error::Error for LoadError {}

impl Diagnostic for LoadError {
    fn help(&self) -> Option<String> {
        self.only()?.help()
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        self.only()?.excerpt()
    }

    fn parts(&self) -> Vec<&dyn Diagnostic> {
        if let Some(only) = self.only() {
            return only.parts();
        }
        let shown = self.mistakes.iter().take(SHOWN_MAX);
        shown.map(|mistake| mistake as &dyn Diagnostic).collect()
    }
}

/// `text` in quotes, escaped, and cut where it is too long for a message.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
