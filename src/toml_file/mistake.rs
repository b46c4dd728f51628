//! Mistakes in files, each with its place, what was expected, and what to do.

use std::fmt;
use std::mem;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Excerpt, Mark};

/// One mistake.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Mistake {
    message: String,
    help: String,
    /// Places in the file, before the file is known.
    marks: Vec<Mark>,
    excerpt: Option<Box<Excerpt>>,
    /// The error in another file that this file names, if any.
    cause: Option<Box<dyn Diagnostic>>,
}

impl Mistake {
    /// A mistake without a place. `help` says what to do.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            marks: Vec::new(),
            excerpt: None,
            cause: None,
        }
    }

    /// Adds a place in the file.
    pub(crate) fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        let label = label.into();
        self.marks.push(Mark { span, label });
        self
    }

    /// Adds the error in another file that this file names.
    pub(crate) fn because_of(mut self, cause: impl Diagnostic + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// The first place, as a byte offset in the file; 0 if there is none.
    pub(crate) fn offset(&self) -> usize {
        self.marks.first().map_or(0, |mark| mark.span.start)
    }

    /// Sets the file that the places are in. A mistake without a place shows no excerpt, so its message gets the name
    /// of the file.
    pub(crate) fn in_file(mut self, name: &str, content: &str) -> Self {
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
        self.cause.as_deref().into_iter().collect()
    }
}

/// All mistakes in some files.
#[derive(Debug)]
pub struct LoadError {
    /// The kind of the files.
    what: &'static str,
    /// At least one.
    mistakes: Vec<Mistake>,
}

/// The largest number of mistakes to show. More would scroll the first ones away, and these often cause the others.
const SHOWN_MAX: usize = 20;

impl LoadError {
    /// Fails with these mistakes in files of this kind, if there are any.
    pub(crate) fn check(what: &'static str, mistakes: Vec<Mistake>) -> Result<(), Self> {
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(Self { what, mistakes }),
        }
    }

    /// The mistake, if there is exactly one.
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
        write!(f, "{count} mistakes in {}", self.what)?;
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

/// `text` in quotes, escaped, and shortened if it is too long for a message.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
