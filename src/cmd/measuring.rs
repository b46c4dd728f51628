//! What the commands that measure share.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

use miette::miette;

use super::progress::is_interrupted;
use super::report::write as write_report;
use super::{Exit, OK, Outcome, tell};
use crate::case::Surroundings;
use crate::foreign::git::Git;
use crate::measure::host;
use crate::record::{Commit, Record, RecordFile};
use crate::report::{Report, tables};

/// In which manner to measure.
#[derive(clap::Args)]
pub(super) struct Manner {
    /// Draws every order; by default another each time.
    #[arg(long, value_name = "N", env = "TASKDYNO_SEED")]
    pub(super) seed: Option<u64>,
    /// Print the ids of what would be measured, and run nothing.
    #[arg(long, env = "TASKDYNO_DRY_RUN")]
    pub(super) dry_run: bool,
    /// No progress and no table; errors are still told.
    #[arg(long, env = "TASKDYNO_QUIET")]
    pub(super) quiet: bool,
}

impl Manner {
    /// The seed that was given, or one that differs from time to time.
    pub(super) fn seed(&self) -> u64 {
        // Small enough to be typed again, and to survive programs that read JSON numbers as doubles.
        let fresh = || jiff::Timestamp::now().as_microsecond() as u64 & 0xFFFF_FFFF;
        self.seed.unwrap_or_else(fresh)
    }
}

/// Prints ids, one a line.
pub(super) fn print_ids(ids: impl IntoIterator<Item = impl Display>) -> Outcome {
    let mut out = anstream::stdout();
    for id in ids {
        writeln!(out, "{id}")?;
    }
    Ok(OK)
}

/// What every record says of this machine and this moment.
pub(super) fn surroundings() -> Surroundings<'static> {
    Surroundings {
        // The running program itself, even if its file has been replaced since.
        program: Path::new("/proc/self/exe"),
        host: host::host(),
        commit: commit_here(),
        run_start: Instant::now(),
    }
}

/// The commit of the current folder. If git cannot tell, so is the user, once.
fn commit_here() -> Option<Commit> {
    static TOLD: Once = Once::new();
    let commit = host::commit(&Git::at(Path::new("."), &is_interrupted));
    commit.unwrap_or_else(|error| {
        TOLD.call_once(|| {
            let advice = error.advice();
            tell(&format!("no commit is recorded: {error}; {advice}"));
        });
        None
    })
}

/// That this folder, or a file in it, cannot be written.
pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> Exit {
    Exit::Usage(miette!(
        help = "choose a folder that you may write to with --out DIR",
        "cannot write to {}: {error}",
        path.display()
    ))
}

/// Appends a record; `help` says what to do if that fails.
pub(super) fn append(file: &mut RecordFile, record: &Record, help: &str) -> Result<(), Exit> {
    file.append(record).map_err(|error| {
        Exit::Failed(miette!(
            help = help.to_owned(),
            "cannot write to {}: {error}; the records before it are safe",
            file.path().display()
        ))
    })
}

/// Writes the report into `out`, and prints its tables.
pub(super) fn show(records: &[Record], out: &Path, quiet: bool) -> Result<(), Exit> {
    if records.is_empty() {
        return Ok(());
    }
    let report = Report::new(records).map_err(Exit::Failed)?;
    let written = write_report(&report, out, true)?;
    if quiet {
        return Ok(());
    }
    let mut out = anstream::stdout();
    writeln!(out, "{}", tables(&report))?;
    if let Some(page) = written.first() {
        writeln!(out, "Report: {}", page.display())?;
    }
    Ok(())
}

/// A number of seconds on the command line.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds, such as 0.5".to_owned())?;
    // More cannot be added to a time of day, and is as good as no limit.
    const MOST: f64 = 1e9;
    match (0.0..=MOST).contains(&number) {
        true => Ok(Duration::from_secs_f64(number)),
        false => Err(format!("expected a number of seconds from 0 to {MOST:e}")),
    }
}
