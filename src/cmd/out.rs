//! All output to standard output and standard error. It removes control characters from names and messages, so that
//! these cannot control the terminal.

use std::io::{self, IsTerminal, Write};
use std::iter::{once, repeat};
use std::sync::OnceLock;

use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use clap::builder::StyledStr;

use super::Exit;
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::text;

/// The name of the program, unless a user's own `Harness` sets another.
pub(super) const TASKDYNO: &str = "taskdyno";

/// The name of the program in messages.
static NAME: OnceLock<String> = OnceLock::new();

/// Sets the program name that commands in messages use. Only the first call has an effect.
pub(super) fn set_program_name(name: String) {
    // It fails only if the name was set before.
    let _ = NAME.set(name);
}

/// `text` with the program name `name` in all commands, such as `` `taskdyno run` ``.
pub(super) fn in_name(name: &str, text: &str) -> String {
    text.replace(&format!("`{TASKDYNO} "), &format!("`{name} "))
}

/// A message without control characters and with the name of the program.
fn words(message: &str) -> String {
    let message = text::visible(message);
    match NAME.get() {
        Some(name) => in_name(name, &message),
        None => message,
    }
}

/// Writes text without styles to standard output.
pub(super) fn say(text: &str) -> Result<(), Exit> {
    Ok(anstream::stdout().write_all(text::visible(text).as_bytes())?)
}

/// Writes text with the styles of reports and verdicts to standard output, without styles if colour is off.
pub(super) fn say_styled(text: &str) -> Result<(), Exit> {
    Ok(anstream::stdout().write_all(text::styled(text).as_bytes())?)
}

/// The width of the terminal in columns, or of the text if standard output is no terminal. At least 80.
pub(super) fn width() -> usize {
    const WITHOUT_TERMINAL: usize = 120;
    const LEAST: usize = 80;
    let size = rustix::termios::tcgetwinsize(io::stdout());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    // Some terminals say that they have no columns.
    match columns {
        0 => WITHOUT_TERMINAL,
        columns => columns.max(LEAST),
    }
}

/// Writes data for another program to standard output. The bytes are unchanged unless standard output is a terminal.
pub(super) fn pass_on<E>(
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<Result<(), E>, Exit> {
    let mut stdout = io::stdout().lock();
    if !stdout.is_terminal() {
        return Ok(write(&mut stdout));
    }
    let mut bytes = Vec::new();
    let written = write(&mut bytes);
    say(&String::from_utf8_lossy(&bytes))?;
    Ok(written)
}

/// Prints help or a version from clap. Ignores a write error, because the reader may be gone.
pub(super) fn say_help(text: &StyledStr) {
    let _ = write!(anstream::stdout(), "{}", text.ansi());
}

/// Writes a line to standard error. Ignores a write error: a missing reader must not end a run.
pub(super) fn tell(line: &str) {
    let _ = writeln!(anstream::stderr(), "{}", words(line));
}

/// Prints clap's error about the command line.
pub(super) fn tell_refusal(text: &str) {
    const ERROR: Style = AnsiColor::Red.on_default().bold();
    let text = text::visible(text);
    let _ = match text.strip_prefix("error:") {
        Some(rest) => write!(anstream::stderr(), "{ERROR}error:{ERROR:#}{rest}"),
        None => write!(anstream::stderr(), "{text}"),
    };
}

/// Prints an error to standard error, and returns `code`.
pub(super) fn complain(error: &dyn Diagnostic, code: u8) -> u8 {
    // The stream removes the styles if colour is off.
    let text = rendered(error, &Renderer::styled());
    let _ = writeln!(anstream::stderr(), "{text}");
    code
}

/// The error with its excerpt and help, followed by each of its parts in the same form.
fn rendered(error: &dyn Diagnostic, renderer: &Renderer) -> String {
    /// The width in columns, the same as that of clap's help. Longer lines of a file are cut.
    const WIDTH: usize = 100;
    let mut shown = Level::ERROR
        .primary_title(words(&error.to_string()))
        .elements(error.excerpt().map(snippet));
    if let Some(help) = error.help() {
        shown = shown.element(Level::HELP.message(words(&help)));
    }
    let mut text = renderer.clone().term_width(WIDTH).render(&[shown]);
    for part in error.parts() {
        text += "\n\n";
        text += &rendered(part, renderer);
    }
    text
}

/// The excerpt with its marks. The first mark is the place of the error, and the others give context.
fn snippet(excerpt: &Excerpt) -> Snippet<'_, Annotation<'_>> {
    let kinds = once(AnnotationKind::Primary).chain(repeat(AnnotationKind::Context));
    let marks = excerpt.marks().iter().zip(kinds);
    let annotations = marks.map(|(mark, kind)| {
        let label = text::visible(&mark.label);
        kind.span(mark.span.clone()).label(label)
    });
    // For a part of a line, the renderer would count columns from the start of the part, so no position is shown.
    let file = (!excerpt.is_cut()).then(|| excerpt.file());
    Snippet::source(excerpt.text())
        .line_start(excerpt.line())
        .path(file)
        .annotations(annotations)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fmt;
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::Mark;

    #[derive(Debug)]
    struct Wrong {
        message: &'static str,
        excerpt: Option<Excerpt>,
        parts: Vec<Wrong>,
    }

    impl fmt::Display for Wrong {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.message)
        }
    }

    impl Error for Wrong {}

    impl Diagnostic for Wrong {
        fn help(&self) -> Option<String> {
            Some("mend it\u{7}".into())
        }

        fn excerpt(&self) -> Option<&Excerpt> {
            self.excerpt.as_ref()
        }

        fn parts(&self) -> Vec<&dyn Diagnostic> {
            let parts = self.parts.iter();
            parts.map(|part| part as &dyn Diagnostic).collect()
        }
    }

    fn mark(span: Range<usize>) -> Mark {
        let label = "here".into();
        Mark { span, label }
    }

    fn excerpt(text: &str, span: Range<usize>) -> Excerpt {
        Excerpt::new("x.toml", text, vec![mark(span)])
    }

    fn wrong(excerpt: Option<Excerpt>) -> Wrong {
        Wrong {
            message: "it is wrong",
            excerpt,
            parts: Vec::new(),
        }
    }

    #[test]
    fn an_error_underlines_its_place() {
        let error = wrong(Some(excerpt("a = 1\nb = two\nc = 3\n", 10..13)));
        insta::assert_snapshot!(rendered(&error, &Renderer::plain()), @r"
        error: it is wrong
         --> x.toml:2:5
          |
        2 | b = two
          |     ^^^ here
          |
          = help: mend it\u0007
        ");
    }

    #[test]
    fn an_error_in_a_part_of_a_line_shows_no_wrong_column() {
        let cut = excerpt("b = two", 4..7).starting_at(3, 1000);
        insta::assert_snapshot!(rendered(&wrong(Some(cut)), &Renderer::plain()), @r"
        error: it is wrong
          |
        3 | b = two
          |     ^^^ here
          |
          = help: mend it\u0007
        ");
    }

    #[test]
    fn the_parts_of_an_error_follow_it() {
        let error = Wrong {
            message: "2 mistakes\u{1b}[31m",
            excerpt: None,
            parts: vec![wrong(None), wrong(Some(excerpt("two", 0..3)))],
        };
        insta::assert_snapshot!(rendered(&error, &Renderer::plain()), @r"
        error: 2 mistakes\u001b[31m
         |
         = help: mend it\u0007

        error: it is wrong
         |
         = help: mend it\u0007

        error: it is wrong
         --> x.toml:1:1
          |
        1 | two
          | ^^^ here
          |
          = help: mend it\u0007
        ");
    }

    proptest! {
        #[test]
        fn any_place_in_any_text_can_be_shown(
            text in "[a\tµ\u{1b}\r\n漢]{0,40}",
            spans in prop::collection::vec((0usize..60, 0usize..60), 0..4),
        ) {
            let marks = spans.into_iter().map(|(start, end)| mark(start..end));
            let error = wrong(Some(Excerpt::new("x.toml", &text, marks.collect())));
            let shown = rendered(&error, &Renderer::plain());
            prop_assert!(shown.starts_with("error: it is wrong"));
            let is_escape = |c: char| c == '\u{1b}';
            prop_assert!(!shown.contains(is_escape));
        }
    }
}
