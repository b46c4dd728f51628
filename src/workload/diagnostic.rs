//! What is wrong in a workload file, with the place, what was expected, and what to do.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use miette::{LabeledSpan, NamedSource};

use crate::graph_file::import::ImportError;
use crate::text;

/// One thing that is wrong.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub(super) struct Mistake {
    message: String,
    #[source_code]
    file: Option<Arc<NamedSource<String>>>,
    #[label(collection)]
    labels: Vec<LabeledSpan>,
    #[help]
    help: String,
    /// What is wrong in another file that this one names, if that is what it is.
    #[related]
    causes: Vec<ImportError>,
}

impl Mistake {
    /// A mistake at no place yet. `help` says what to do about it.
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            file: None,
            labels: Vec::new(),
            help: help.into(),
            causes: Vec::new(),
        }
    }

    /// Points at a place in the file.
    pub(super) fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        let label = Some(label.into());
        self.labels
            .push(LabeledSpan::new(label, span.start, span.len()));
        self
    }

    /// Shows what is wrong in a graph file that this file names.
    pub(super) fn because_of(mut self, cause: ImportError) -> Self {
        self.causes.push(cause);
        self
    }

    /// The first place it points at, in bytes from the beginning of the file.
    pub(super) fn offset(&self) -> usize {
        self.labels.first().map_or(0, LabeledSpan::offset)
    }

    /// Says which file the places are in. Where there is no place, nothing of the file is shown with its name, and the
    /// message has to say it.
    pub(super) fn in_file(mut self, name: &str, content: &str) -> Self {
        if self.labels.is_empty() && !self.message.contains(name) {
            self.message = format!("`{name}`: {}", self.message);
        }
        self.file = Some(Arc::new(NamedSource::new(
            text::line(name),
            text::excerpt(content),
        )));
        self
    }
}

/// Several mistakes.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
struct Mistakes {
    message: String,
    #[related]
    shown: Vec<Mistake>,
}

/// How many mistakes are shown at once. More scroll the first ones away, which often cause the others.
const SHOWN_MAX: usize = 20;

/// All `mistakes` as one report, or `None` if there are none.
pub(super) fn report(mut mistakes: Vec<Mistake>) -> Option<miette::Report> {
    let count = mistakes.len();
    if count <= 1 {
        return mistakes.pop().map(miette::Report::new);
    }
    let mut message = format!("{count} mistakes in workload files");
    if count > SHOWN_MAX {
        write!(message, "; the first {SHOWN_MAX} are").expect("writing to a string does not fail");
        mistakes.truncate(SHOWN_MAX);
    }
    let shown = mistakes;
    Some(miette::Report::new(Mistakes { message, shown }))
}

/// `text` in quotes, escaped, and cut where it is too long for a message.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// `did you mean "empty"? ` if a nearest name is known, or nothing.
pub(super) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default()
}
