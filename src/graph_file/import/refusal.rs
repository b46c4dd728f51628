//! Describes what is wrong in a graph file: the place, the task, and what to do.

use std::fmt;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Excerpt, Mark};

/// Why a text is not a valid graph.
#[derive(Debug)]
pub(super) struct Refusal {
    message: String,
    help: String,
    /// The wrong bytes of the text, if known.
    span: Option<Range<usize>>,
}

impl Refusal {
    /// A refusal without a place. `help` says what to do.
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            span: None,
        }
    }

    /// Points at `part`, if it is a slice of `text`.
    pub(super) fn at(mut self, text: &str, part: &str) -> Self {
        self.span = offset_in(text, part).map(|start| start..start + part.len());
        self
    }

    /// Points at a byte.
    pub(super) fn at_byte(mut self, offset: usize) -> Self {
        self.span = Some(offset..offset + 1);
        self
    }
}

/// The offset of `part` in `text`, or `None` if it is not a slice of it. Names with escapes are not, because they
/// are copies without the escapes.
pub(super) fn offset_in(text: &str, part: &str) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    (offset + part.len() <= text.len()).then_some(offset)
}

/// [`offset_in`] in the type of a draft: a file that can be read has fewer than 2^32 bytes.
pub(super) fn start_in(text: &str, part: &str) -> Option<u32> {
    offset_in(text, part).and_then(|offset| offset.try_into().ok())
}

/// The line number of `part`, for messages: " (line 3)", or an empty string if it is unknown.
pub(super) fn in_line(text: &str, part: &str) -> String {
    match offset_in(text, part) {
        Some(offset) => format!(" (line {})", line_number(text, offset)),
        None => String::new(),
    }
}

/// The number, from 1, of the line that contains this byte.
pub(super) fn line_number(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// `text` in quotes, escaped, and shortened if it is too long for a message.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Why a file could not be read as a task graph. It names the file, the line and the task, says what was expected
/// and what to do, and shows the line.
#[derive(Debug)]
pub struct ImportError {
    /// The file, the line if known, and the column if the line is long.
    place: String,
    message: String,
    help: String,
    excerpt: Option<Box<Excerpt>>,
}

impl ImportError {
    pub(super) fn new(file: &str, text: &str, refusal: Refusal) -> Self {
        let excerpt = refusal.span.map(|span| Box::new(around(file, text, &span)));
        let place = match excerpt.as_deref() {
            Some(excerpt) => place(file, excerpt),
            None => file.to_owned(),
        };
        Self {
            place,
            message: refusal.message,
            help: refusal.help,
            excerpt,
        }
    }

    /// What to do about the error.
    pub fn help(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ImportError {}

impl Diagnostic for ImportError {
    fn help(&self) -> Option<String> {
        Some(self.help.clone())
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_deref()
    }
}

/// The file and the line, and in a long line the column.
fn place(file: &str, excerpt: &Excerpt) -> String {
    let position = excerpt.marks().first().map(|mark| excerpt.position(mark));
    match position {
        Some((line, column)) if excerpt.is_cut() => format!("{file}:{line}:{column}"),
        _ => format!("{file}:{}", excerpt.line()),
    }
}

/// The line at which an error points, or the part of it around the place if the line is long: a JSON file may be one
/// line of 100 MB.
fn around(file: &str, text: &str, span: &Range<usize>) -> Excerpt {
    /// The most bytes shown on either side of the place.
    const MARGIN: usize = 80;
    // If something is missing at the end, point after the last letter.
    let last = text.trim_end().len().saturating_sub(1);
    let start = text.floor_char_boundary(span.start.min(last));
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..]
        .find('\n')
        .map_or(text.len(), |len| start + len);
    let from = text.ceil_char_boundary(line_start.max(start.saturating_sub(MARGIN)));
    let to = text.floor_char_boundary(line_end.min(start + MARGIN));
    let mark = Mark {
        span: start - from..span.end.clamp(start, to) - from,
        label: "here".into(),
    };
    let column = 1 + text[line_start..from].chars().count();
    Excerpt::new(file, &text[from..to], vec![mark]).starting_at(line_number(text, start), column)
}
