//! Writes results to standard output or a file, and to the summary of a GitHub job.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::out::say_styled;
use super::{Exit, FAILED, INCONCLUSIVE, OK, REGRESSED, complaint, tell};
use crate::compare::{Comparison, NotComparable, Outcome, Side, few};
use crate::report::format::format;
use crate::report::{FORMATS, MARKDOWN, styled_verdicts, write};

/// The output format of verdicts, and their exit code.
#[derive(clap::Args)]
pub(super) struct Show {
    /// Choose the output format: a table, JSON with all figures, or the format of another tool.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "table",
        value_parser = ["table", "json", "markdown", "junit", "bmf", "github-action-benchmark", "openmetrics", "csv"],
        env = "TASKDYNO_FORMAT"
    )]
    format: String,
    /// Exit with code 4 if the verdict on any case is inconclusive.
    #[arg(long, env = "TASKDYNO_FAIL_ON_INCONCLUSIVE")]
    fail_on_inconclusive: bool,
}

impl Show {
    /// Whether the result is shown as a table.
    pub(super) fn is_table(&self) -> bool {
        self.format == "table"
    }

    /// Whether the result is shown as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.format == "json"
    }

    /// Shows these comparisons, and returns the exit code of the worst. With `out`, writes the result to that file and
    /// prints the table to standard output. With `quiet`, prints no table.
    pub(super) fn comparisons(
        &self,
        comparisons: &[Comparison],
        out: Option<&Path>,
        quiet: bool,
    ) -> super::CommandResult {
        let text = match self.format.as_str() {
            "table" => table(comparisons),
            "json" => json(comparisons)?,
            name => named(name)?.comparisons(comparisons),
        };
        if out.is_some() && !quiet {
            print(&table(comparisons))?;
        }
        match out {
            Some(_) => put(&text, out)?,
            None if quiet && self.is_table() => {}
            None => print(&text)?,
        }
        summarise(|| MARKDOWN.comparisons(comparisons));
        if quiet {
            comparisons.iter().for_each(tell_failures);
        }
        Ok(self.exit_code(comparisons))
    }

    fn exit_code(&self, comparisons: &[Comparison]) -> u8 {
        match worst(comparisons) {
            Some(Outcome::Inconclusive) if self.fail_on_inconclusive => INCONCLUSIVE,
            outcome => exit_code(outcome),
        }
    }
}

/// Prints comparisons as a table, or only their failures with `quiet`, and returns the exit code of the worst.
pub(super) fn show_table(comparisons: &[Comparison], quiet: bool) -> super::CommandResult {
    match quiet {
        true => comparisons.iter().for_each(tell_failures),
        false => print(&table(comparisons))?,
    }
    summarise(|| MARKDOWN.comparisons(comparisons));
    Ok(exit_code(worst(comparisons)))
}

/// Prints cases that failed or that only one side has, which the exit code alone does not name.
fn tell_failures(comparison: &Comparison) {
    let lacking = |side, is_refused| {
        let all = comparison.missing.iter();
        let lacking = all.filter(|one| one.side == side && comparison.refuses(one) == is_refused);
        let sound = lacking.filter(|one| side == Side::Head || one.error.is_none());
        sound.map(|one| one.id.clone()).collect::<Vec<_>>()
    };
    let failed = comparison.cases.iter().filter(|case| case.error.is_some());
    let failed = failed.map(|case| case.case.id());
    let new = comparison
        .missing
        .iter()
        .filter(|new| new.side == Side::Base);
    let new = new
        .filter(|new| new.error.is_some())
        .map(|new| new.id.clone());
    let failed: Vec<String> = failed.chain(new).collect();
    let (base, head) = (&comparison.base.name, &comparison.head.name);
    for (ids, what) in [
        (
            lacking(Side::Head, true),
            format!("of {base} are missing in {head}"),
        ),
        (
            lacking(Side::Head, false),
            format!("of {base} are missing in {head}, which is allowed"),
        ),
        (
            lacking(Side::Base, true),
            format!("of {head} are new, which is not allowed"),
        ),
        (lacking(Side::Base, false), format!("of {head} are new")),
    ] {
        if !ids.is_empty() {
            tell(&format!("{} cases {what}: {}", ids.len(), few(&ids)));
        }
    }
    if !failed.is_empty() {
        let count = failed.len();
        tell(&format!(
            "{count} cases of {head} against {base} failed: {}",
            few(&failed)
        ));
    }
}

/// Prints `text`. A broken pipe is not an error, because the exit code must still give the verdict.
fn print(text: &str) -> Result<(), Exit> {
    match put(text, None) {
        Err(Exit::BrokenPipe) => Ok(()),
        printed => printed,
    }
}

fn worst(comparisons: &[Comparison]) -> Option<Outcome> {
    comparisons.iter().map(Comparison::outcome).min()
}

fn exit_code(outcome: Option<Outcome>) -> u8 {
    match outcome {
        Some(Outcome::Failed) => FAILED,
        Some(Outcome::Regressed) => REGRESSED,
        Some(Outcome::Inconclusive | Outcome::Fine) | None => OK,
    }
}

fn table(comparisons: &[Comparison]) -> String {
    comparisons.iter().map(styled_verdicts).collect()
}

/// One comparison per line, so that a file can contain several.
fn json(comparisons: &[Comparison]) -> Result<String, Exit> {
    let lines = comparisons.iter().map(|comparison| {
        serde_json::to_string(comparison)
            .map(|line| line + "\n")
            .map_err(|error| Exit::failed(complaint!("cannot write a comparison as JSON: {error}")))
    });
    lines.collect()
}

/// The format with this name. It is a usage error if there is none.
pub(super) fn named(name: &str) -> Result<&'static dyn crate::report::Format, Exit> {
    format(name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        Exit::usage(complaint!(
            "no format `{name}`; known formats: {}",
            names.join(", ")
        ))
    })
}

/// Writes `text` to `out`, or to standard output.
pub(super) fn put(text: &str, out: Option<&Path>) -> Result<(), Exit> {
    match out {
        None => say_styled(text)?,
        // Files get no terminal styles.
        Some(path) => write(
            path,
            anstream::adapter::strip_str(text).to_string().as_bytes(),
        )
        .map_err(Exit::failed)?,
    }
    Ok(())
}

/// Appends Markdown to the job summary if the program runs in a GitHub job. Otherwise does nothing.
pub(super) fn summarise(markdown: impl FnOnce() -> String) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let text = markdown();
    let file = OpenOptions::new().create(true).append(true).open(&path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        // The result is also shown elsewhere, so this is only a warning.
        tell(&format!(
            "cannot append to the job summary {}: {error}",
            Path::new(&path).display()
        ));
    }
}

/// The error for a comparison that is not possible, with its reasons.
pub(super) fn not_comparable(NotComparable(reasons): NotComparable, help: &str) -> Exit {
    Exit::not_comparable(complaint!(help = help.to_owned(), "{}", reasons.join("\n")))
}
