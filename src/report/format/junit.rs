//! JUnit XML as cargo-nextest writes it: one test suite per comparison, one test case per case. A regression is a
//! failure. Inconclusive and new cases are skipped.

use std::fmt::Write;

use super::Format;
use crate::compare::{Comparison, Verdict};
use crate::record::Record;
use crate::report::verdict::{CaseLine, LineKind, fitness, lines, title};
use crate::text::xml;

/// The format `junit`.
pub(super) struct Junit;

impl Format for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn why(&self) -> &'static str {
        "the test views of GitLab, Jenkins and others: a regression is a failed test"
    }

    fn comparisons(&self, comparisons: &[Comparison]) -> String {
        let suites: Vec<Vec<CaseLine>> = comparisons.iter().map(lines).collect();
        let all = || suites.iter().flatten();
        let time: f64 = comparisons.iter().map(seconds).sum();
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "<testsuites name=\"taskdyno\" {} time=\"{time:.3}\">",
            counts(all())
        );
        for (comparison, lines) in comparisons.iter().zip(&suites) {
            suite(&mut text, comparison, lines);
        }
        text + "</testsuites>\n"
    }

    fn records(&self, _: &[Record]) -> Option<String> {
        None
    }
}

fn seconds(comparison: &Comparison) -> f64 {
    comparison.elapsed_ns as f64 / 1e9
}

fn counts<'a>(lines: impl Iterator<Item = &'a CaseLine> + Clone) -> String {
    let count = |holds: fn(LineKind) -> bool| lines.clone().filter(|line| holds(line.kind)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        count(|_| true),
        count(|kind| kind == LineKind::Verdict(Verdict::Regressed)),
        count(LineKind::fails),
        count(is_skipped),
    )
}

/// Whether it is neither passed nor failed.
fn is_skipped(kind: LineKind) -> bool {
    kind.is_reported_only() || kind == LineKind::Verdict(Verdict::Inconclusive)
}

fn suite(text: &mut String, comparison: &Comparison, lines: &[CaseLine]) {
    let _ = writeln!(
        text,
        "  <testsuite name=\"{}\" {} timestamp=\"{}\" time=\"{:.3}\">",
        xml(&title(comparison)),
        counts(lines.iter()),
        xml(&comparison.started_at),
        seconds(comparison)
    );
    for line in lines {
        test_case(text, comparison, line);
    }
    let remarks = fitness(comparison).join("\n");
    let _ = writeln!(text, "    <system-out>{}</system-out>", xml(&remarks));
    text.push_str("  </testsuite>\n");
}

fn test_case(text: &mut String, comparison: &Comparison, line: &CaseLine) {
    let compared = comparison.cases.iter();
    let found = compared.clone().find(|case| case.case.id() == line.id);
    let time = found.map_or(0.0, |case| case.elapsed_ns as f64 / 1e9);
    let class = line.id.split('/').next().unwrap_or_default();
    let _ = write!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{time:.3}\"",
        xml(class),
        xml(&line.id)
    );
    let message = format!("{} ({}) {}", line.change(), line.interval, line.note);
    let message = xml(message.trim());
    let _ = match line.kind {
        LineKind::Verdict(Verdict::Regressed) => writeln!(
            text,
            ">\n      <failure type=\"regressed\" message=\"{message}\"/>\n    </testcase>"
        ),
        kind if kind.fails() => writeln!(
            text,
            ">\n      <error type=\"{}\" message=\"{}\"/>\n    </testcase>",
            line.kind.name(),
            xml(&line.note)
        ),
        kind if is_skipped(kind) => writeln!(
            text,
            ">\n      <skipped message=\"{message}\"/>\n    </testcase>"
        ),
        _ => writeln!(text, "/>"),
    };
}
