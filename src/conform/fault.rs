//! What a check finds wrong, and what keeps it from finding anything.

use std::io;

use crate::diagnostic::Diagnostic;
use crate::text;

/// Something that a child does wrong, and the shortest exchange that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it did.
    pub(crate) found: String,
    /// What to do about it.
    pub(crate) help: String,
    /// The lines sent (`> `) and received (`< `) in one process, shortened, and the end of its standard error.
    pub(crate) exchange: Vec<String>,
}

/// The longest line that is shown, in characters: long enough for a request to prepare.
const MOST_SHOWN: usize = 700;
/// The most characters of a greeting that is not what the fault is about.
const MOST_OF_GREETING: usize = 80;
/// How many lines are shown of the begin of a long exchange, and how many of its end.
const SHOWN_LINES: (usize, usize) = (3, 6);

impl Fault {
    pub(super) fn new(found: String, help: String, log: &[String], last_words: &str) -> Self {
        let (first, last) = SHOWN_LINES;
        let most = |index: usize, line: &str| match line.starts_with("< {\"greeting\"") {
            true if index + 1 < log.len() => MOST_OF_GREETING,
            _ => MOST_SHOWN,
        };
        let lines = log.iter().enumerate();
        let mut exchange: Vec<String> = lines
            .map(|(index, line)| shortened(line, most(index, line)))
            .collect();
        let surplus = exchange.len().saturating_sub(first + last);
        if surplus > 1 {
            let note = format!("  ({surplus} lines are left out)");
            exchange.splice(first..first + surplus, [note]);
        }
        if !last_words.is_empty() {
            exchange.push("its standard error ends with:".into());
            exchange.extend(last_words.lines().map(|line| shortened(line, MOST_SHOWN)));
        }
        Self {
            found,
            help,
            exchange,
        }
    }
}

/// The line without its middle, if it has more than `most` characters.
fn shortened(line: &str, most: usize) -> String {
    let line = text::line(line);
    let count = line.chars().count();
    if count <= most {
        return line;
    }
    let half = most / 2;
    let start: String = line.chars().take(half).collect();
    let end: String = line.chars().skip(count - half).collect();
    format!("{start} ... {end}")
}

/// Why a check ended early.
#[derive(Debug)]
pub(super) enum Setback {
    /// The child is wrong.
    Fault(Box<Fault>),
    /// The check could not be made.
    Stopped(ConformError),
}

/// Why a child could not be tested. This says nothing about the child.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ConformError {
    /// The user has interrupted.
    #[error("the test was interrupted")]
    Cancelled,
    /// It could not be started.
    #[error("cannot run {program}: {error}")]
    Start {
        /// The program.
        program: String,
        /// The error of the system.
        error: io::Error,
    },
    /// It could not be watched.
    #[error("cannot watch the child: {0}")]
    Watch(io::Error),
    /// A graph or a kernel for it could not be made.
    #[error("cannot make what the child has to run: {0}")]
    Make(io::Error),
    /// It has no such backend.
    #[error("the child has no backend `{name}`; it has: {}", known.join(", "))]
    NoBackend {
        /// The name on the command line.
        name: String,
        /// The names in the greeting.
        known: Vec<String>,
    },
    /// This program knows none of its kernels.
    #[error("this program knows none of the kernels that the child claims: {claimed}")]
    NoKernel {
        /// The kernels in the greeting.
        claimed: String,
    },
}

impl ConformError {
    /// Whether the command line is wrong.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Start { .. } | Self::NoBackend { .. })
    }
}

impl Diagnostic for ConformError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Start { .. } => {
                "give the command as in a shell, after `--`: `taskdyno conform -- python3 child.py`"
            }
            Self::NoKernel { .. } => {
                "`taskdyno list` lists the kernels; a child names them in `kernels`, as `NAME` or `NAME/PARAMETER=VALUE`"
            }
            Self::Cancelled | Self::Watch(_) | Self::Make(_) | Self::NoBackend { .. } => {
                return None;
            }
        };
        Some(help.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_exchange_is_shortened_in_the_middle() {
        let log: Vec<String> = (0..20).map(|line| format!("< {line}")).collect();
        let fault = Fault::new("x".into(), "y".into(), &log, "");
        assert_eq!(fault.exchange.len(), 10);
        assert_eq!(
            fault.exchange[2..5],
            ["< 2", "  (11 lines are left out)", "< 14"]
        );
        let fault = Fault::new("x".into(), "y".into(), &log[..10], "");
        assert_eq!(
            fault.exchange.len(),
            10,
            "a note would not be shorter than the line"
        );
    }

    #[test]
    fn a_greeting_is_long_only_if_it_is_the_last_line() {
        let greeting = format!("< {{\"greeting\":\"{}\"}}", "x".repeat(200));
        let shown = |log: &[String]| Fault::new("x".into(), "y".into(), log, "").exchange[0].len();
        assert_eq!(shown(std::slice::from_ref(&greeting)), greeting.len());
        assert!(shown(&[greeting, "> {}".into()]) < MOST_OF_GREETING + 10);
    }

    #[test]
    fn a_long_line_keeps_its_ends() {
        let line = format!("> a{}z", "µ".repeat(5000));
        let fault = Fault::new("x".into(), "y".into(), &[line], "oh\nno");
        let shown = &fault.exchange[0];
        assert!(
            shown.starts_with("> aµ") && shown.ends_with("µz"),
            "{shown}"
        );
        assert!(shown.chars().count() < MOST_SHOWN + 10);
        assert_eq!(
            fault.exchange[1..],
            ["its standard error ends with:", "oh", "no"]
        );
    }
}
