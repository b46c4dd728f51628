//! Errors with help and with an excerpt of a file. `cmd` prints them.

use std::error::Error;
use std::ops::Range;

use crate::text;

/// An error for people. Its message says what is wrong, where, and what was expected.
pub trait Diagnostic: Error {
    /// What to do next; `None` if the message already says it.
    fn help(&self) -> Option<String> {
        None
    }

    /// The part of a file that the error is about; `None` if it is not about the text of a file.
    fn excerpt(&self) -> Option<&Excerpt> {
        None
    }

    /// The errors that it consists of, or that caused it; empty if there are none.
    fn parts(&self) -> Vec<&dyn Diagnostic> {
        Vec::new()
    }
}

/// A place in an [`Excerpt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The byte range in the excerpt. It begins and ends between two characters.
    pub span: Range<usize>,
    /// What to say about this place.
    pub label: String,
}

/// Whole lines of a file, or a part of one line, with marks at the places of an error.
#[derive(Debug, Clone)]
pub struct Excerpt {
    file: String,
    text: String,
    marks: Vec<Mark>,
    line: usize,
    column: usize,
}

impl Excerpt {
    /// The beginning of a file, with these marks in it. Marks are cut off at the end of `text`.
    pub(crate) fn new(file: &str, text: &str, mut marks: Vec<Mark>) -> Self {
        for Mark { span, .. } in &mut marks {
            let start = text.floor_char_boundary(span.start);
            *span = start..text.ceil_char_boundary(span.end.max(start));
        }
        Self {
            file: text::line(file),
            text: text::excerpt(text),
            marks,
            line: 1,
            column: 1,
        }
    }

    /// The same text, starting at this line and column of the file, both from 1.
    pub(crate) fn starting_at(self, line: usize, column: usize) -> Self {
        Self {
            line,
            column,
            ..self
        }
    }

    /// The name of the file, as one line.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text, without control characters that affect a terminal.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The marked places in the text.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Whether the text starts in the middle of a line.
    pub(crate) fn is_cut(&self) -> bool {
        self.column > 1
    }

    /// The line number, from 1, of the first line of the text in the file.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The line and column in the file at which `mark` begins, both from 1. Columns are characters.
    pub fn position(&self, mark: &Mark) -> (usize, usize) {
        let before = &self.text[..mark.span.start];
        match before.rsplit_once('\n') {
            None => (self.line, self.column + before.chars().count()),
            Some((lines, last)) => (
                self.line + 1 + lines.matches('\n').count(),
                1 + last.chars().count(),
            ),
        }
    }
}

/// The name in `known` that is most similar to `name`; `None` if none is similar enough to be a typing error.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // With 0.7 or less, words that merely share letters match too, which misleads more than it helps.
    const CLOSE: f64 = 0.75;
    let scored = known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    scored
        .filter(|(score, _)| *score > CLOSE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The beginning of a help text: ``did you mean `empty`? `` for the [`nearest`] name, or an empty string for `None`.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default()
}

/// Everything that an error says, with one item per line, for tests.
#[cfg(test)]
pub(crate) fn told(error: &dyn Diagnostic) -> String {
    let mut text = error.to_string();
    let excerpts = error.excerpt().into_iter();
    for (excerpt, mark) in excerpts.flat_map(|one| one.marks().iter().map(move |mark| (one, mark)))
    {
        let (line, column) = excerpt.position(mark);
        let marked = &excerpt.text()[mark.span.clone()];
        text += &format!(
            "\n  {}:{line}:{column}: {marked:?} {}",
            excerpt.file(),
            mark.label
        );
    }
    if let Some(help) = error.help() {
        text += &format!("\n  help: {help}");
    }
    for part in error.parts() {
        text += "\n";
        text += &told(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(span: Range<usize>) -> Mark {
        let label = "here".into();
        Mark { span, label }
    }

    fn positions(excerpt: &Excerpt) -> Vec<(usize, usize)> {
        let marks = excerpt.marks().iter();
        marks.map(|mark| excerpt.position(mark)).collect()
    }

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let marks = [0..1, 3..4, 4..5].map(mark).to_vec();
        let excerpt = Excerpt::new("x", "µa\nb", marks);
        assert_eq!(positions(&excerpt), [(1, 1), (1, 3), (2, 1)]);
        assert_eq!(
            positions(&excerpt.starting_at(7, 10)),
            [(7, 10), (7, 12), (8, 1)]
        );
    }

    #[test]
    fn a_place_lies_within_the_text_and_between_characters() {
        let marks = [1..1, 1..2, 9..12, 2..99].map(mark).to_vec();
        let excerpt = Excerpt::new("x", "µ\u{1b}b", marks);
        let spans: Vec<_> = excerpt
            .marks()
            .iter()
            .map(|mark| mark.span.clone())
            .collect();
        assert_eq!(spans, [0..2, 0..2, 4..4, 2..4]);
        assert_eq!(excerpt.text(), "µ?b");
    }
}
