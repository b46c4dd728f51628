//! What makes a machine unfit for measuring, and what to do about it.
//!
//! The facts are gathered once, as text (`facts`). Each rule (`rule`) looks at some of the facts and gives one piece of
//! advice, or none. Facts that could not be found out are reported too (`unknown`).

use std::fmt::Write;
use std::time::Duration;

mod facts;
mod rule;
mod unknown;

use crate::system::Root;
use facts::Facts;

/// A problem that makes measurements on this machine less reliable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What was found.
    pub what: String,
    /// Why it affects measurements.
    pub why: String,
    /// What to do about it, in one line: a command if there is one.
    pub remedy: String,
    /// How serious it is.
    pub severity: Severity,
}

/// How serious an [`Advice`] is, from the least to the most serious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Severity {
    /// Results are valid, within limits that one should know.
    Note,
    /// Something that may affect results could not be found out.
    Unknown,
    /// Results are noisier than necessary.
    Warning,
    /// Results are meaningless.
    Unfit,
}

impl Severity {
    /// The severity as one word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Unfit => "unfit",
        }
    }
}

/// How long the CPU time of other programs is watched: 30 ticks of 10 ms per core.
const WATCH: Duration = Duration::from_millis(300);

/// Examines this machine, which takes about 300 ms. Returns the advice, the most serious first; empty if there is none.
pub(crate) fn examine() -> Vec<Advice> {
    advise(&Facts::gather(&Root::default(), WATCH))
}

/// What [`examine`] finds without watching the machine, one line each, the most serious first: how serious it is, and what
/// was found. For records, which have the CPU time of other programs from the time of each case.
pub(crate) fn findings() -> Vec<String> {
    let facts = Facts {
        watch: None,
        ..Facts::gather(&Root::default(), Duration::ZERO)
    };
    lines(&facts)
}

fn lines(facts: &Facts) -> Vec<String> {
    let mut known = rule::all(facts);
    known.sort_by_key(|advice| std::cmp::Reverse(advice.severity));
    let line = |advice: &Advice| format!("{}: {}", advice.severity.name(), advice.what);
    known.iter().map(line).collect()
}

/// The advice of all rules on these facts, the most serious first.
fn advise(facts: &Facts) -> Vec<Advice> {
    let mut advice = rule::all(facts);
    advice.extend(unknown::unknown(facts));
    advice.sort_by_key(|advice| std::cmp::Reverse(advice.severity));
    advice
}

/// The advice as plain text: what was found, why it matters, and what to do. The last line is a verdict. Without
/// advice, it says that the machine is fit.
pub(crate) fn render(advice: &[Advice]) -> String {
    let mut text = String::new();
    for advice in advice {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}: {}", advice.severity.name(), advice.what);
        let _ = writeln!(text, "  why: {}", advice.why);
        let _ = writeln!(text, "  do:  {}\n", advice.remedy);
    }
    text + verdict(advice.iter().map(|advice| advice.severity).max())
}

fn verdict(worst: Option<Severity>) -> &'static str {
    match worst {
        None => "This machine is fit for measuring.\n",
        Some(Severity::Note) => "This machine is fit for measuring, within the limits above.\n",
        Some(Severity::Unknown) => {
            "It is not known whether this machine is fit for measuring: see what could not be found out.\n"
        }
        Some(Severity::Warning) => "Measurements on this machine are noisier than necessary.\n",
        Some(Severity::Unfit) => "This machine is not fit for measuring in its current state.\n",
    }
}

#[cfg(test)]
mod tests;
