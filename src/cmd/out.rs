//! The one way to standard output and standard error. What names and messages hold cannot steer a terminal.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use clap::builder::StyledStr;
use miette::{Diagnostic, LabeledSpan, MietteHandler, MietteHandlerOpts, ReportHandler};
use miette::{Severity, SourceCode};

use super::Exit;
use crate::text;

/// The name of the program without a `Harness` of somebody's own around it.
pub(super) const TASKDYNO: &str = "taskdyno";

/// What the program calls itself in messages.
static NAME: OnceLock<String> = OnceLock::new();

/// From now on the commands in messages are those of a program of this name.
pub(super) fn set_program_name(name: String) {
    // Fails only if it was set before, and it is set nowhere else.
    let _ = NAME.set(name);
}

/// `text` with the commands in it, such as `` `taskdyno run` ``, under the name of the program.
pub(super) fn in_name(name: &str, text: &str) -> String {
    text.replace(&format!("`{TASKDYNO} "), &format!("`{name} "))
}

/// A message that steers nothing, in the name of the program.
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

/// Writes text with the styles of reports and verdicts to standard output, without them where there is no colour.
pub(super) fn say_styled(text: &str) -> Result<(), Exit> {
    Ok(anstream::stdout().write_all(text::styled(text).as_bytes())?)
}

/// Writes what another program reads to standard output: byte for byte, unless people read it.
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

/// Prints help or a version, in clap's words. What reads it may have gone.
pub(super) fn say_help(text: &StyledStr) {
    let _ = write!(anstream::stdout(), "{}", text.ansi());
}

/// Writes a line to standard error. What reads it may have gone: that must not end a run, and the exit code
/// still tells.
pub(super) fn tell(line: &str) {
    let _ = writeln!(anstream::stderr(), "{}", words(line));
}

/// Says why a command line is refused, in clap's words.
pub(super) fn tell_refusal(text: &str) {
    const ERROR: Style = AnsiColor::Red.on_default().bold();
    let text = text::visible(text);
    let _ = match text.strip_prefix("error:") {
        Some(rest) => write!(anstream::stderr(), "{ERROR}error:{ERROR:#}{rest}"),
        None => write!(anstream::stderr(), "{text}"),
    };
}

/// Says what went wrong, where no one can miss it.
pub(super) fn complain(error: &miette::Report, code: u8) -> u8 {
    // What `Handler` makes of it is styled, and safe.
    let _ = writeln!(anstream::stderr(), "{error:?}");
    code
}

/// From now on errors are shown with or without colour, and with nothing in them that steers a terminal.
pub(super) fn set_error_handler(is_colored: bool) {
    // Fails only if it was set before, and it is set nowhere else.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = MietteHandlerOpts::new().color(is_colored).unicode(true);
        Box::new(Handler(options.build()))
    }));
}

/// Shows errors as miette does, after their texts have been made visible.
struct Handler(MietteHandler);

impl ReportHandler for Handler {
    fn debug(&self, error: &dyn Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug(&Shown::new(error), f)
    }
}

/// An error whose texts are visible. Its excerpts of files are so already: they must keep their length.
#[derive(Debug)]
struct Shown<'a> {
    cause: Option<Cause>,
    code: Option<String>,
    help: Option<String>,
    labels: Option<Vec<LabeledSpan>>,
    message: String,
    related: Vec<Shown<'a>>,
    severity: Option<Severity>,
    source: Source<'a>,
}

impl<'a> Shown<'a> {
    fn new(error: &'a dyn Diagnostic) -> Self {
        let visible = |shown: Box<dyn fmt::Display + '_>| words(&shown.to_string());
        Self {
            cause: error.source().map(Cause::new),
            code: error.code().map(visible),
            help: error.help().map(visible),
            labels: error.labels().map(|labels| labels.map(label).collect()),
            message: words(&error.to_string()),
            related: error
                .related()
                .into_iter()
                .flatten()
                .map(Self::new)
                .collect(),
            severity: error.severity(),
            source: Source(error.source_code()),
        }
    }
}

fn label(label: LabeledSpan) -> LabeledSpan {
    let shown = label.label().map(text::visible);
    match label.primary() {
        true => LabeledSpan::new_primary_with_span(shown, *label.inner()),
        false => LabeledSpan::new_with_span(shown, *label.inner()),
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

impl Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.code.as_ref().map(|code| Box::new(code) as _)
    }

    fn severity(&self) -> Option<Severity> {
        self.severity
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.0
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.labels.as_ref()?;
        Some(Box::new(labels.iter().cloned()))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn Diagnostic> + 'b>> {
        let related = self.related.iter();
        Some(Box::new(related.map(|one| one as _)))
    }
}

/// What the places of an error are in.
struct Source<'a>(Option<&'a dyn SourceCode>);

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// What is behind an error, and behind that.
#[derive(Debug)]
struct Cause {
    message: String,
    cause: Option<Box<Cause>>,
}

impl Cause {
    fn new(error: &(dyn Error + 'static)) -> Self {
        Self {
            message: text::visible(&error.to_string()),
            cause: error.source().map(|cause| Box::new(Self::new(cause))),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
