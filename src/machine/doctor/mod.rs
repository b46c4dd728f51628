//! What makes a machine unfit for measuring, and what to do about it.
//!
//! What is known is gathered once, as text (`facts`); each rule then looks at its part of it and gives
//! a piece of advice or none (`rule`).

use std::fmt::Write;
use std::time::Duration;

mod facts;
mod rule;
mod unknown;

use crate::system::Root;
use facts::Facts;

/// Something that makes measurements here worse than they could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What was found.
    pub what: String,
    /// Why it matters to what is measured.
    pub why: String,
    /// What to do: one line, a command where there is one.
    pub remedy: String,
    /// How bad it is.
    pub severity: Severity,
}

/// How bad it is to measure in spite of an [`Advice`]. Ordered from least to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Severity {
    /// The figures hold, within limits that one should know.
    Note,
    /// What bears on the figures could not be found out.
    Unknown,
    /// The figures are noisier than they need to be.
    Warning,
    /// The figures say nothing about what was to be measured.
    Unfit,
}

impl Severity {
    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Unfit => "unfit",
        }
    }
}

/// How long the machine is watched for the work of others: 30 ticks of 10 ms a core.
const WATCH: Duration = Duration::from_millis(300);

/// Looks at this machine, which takes about 300 ms. Worst comes first; empty if there is nothing to say.
pub(crate) fn examine() -> Vec<Advice> {
    advise(&Facts::gather(&Root::default(), WATCH))
}

/// What all rules say to these facts, worst first.
fn advise(facts: &Facts) -> Vec<Advice> {
    let mut advice = rule::all(facts);
    advice.extend(unknown::unknown(facts));
    advice.sort_by_key(|advice| std::cmp::Reverse(advice.severity));
    advice
}

/// The advice as plain text: what, why it matters, what to do. Without advice, one line that says the
/// machine is fit.
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
            "Whether this machine is fit for measuring cannot be told: see what could not be found out.\n"
        }
        Some(Severity::Warning) => "Measurements here are noisier than they need to be.\n",
        Some(Severity::Unfit) => "This machine is not fit for measuring as it is.\n",
    }
}

#[cfg(test)]
mod tests;
