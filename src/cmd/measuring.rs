//! Code that all measuring commands share.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant, SystemTime};

use super::number::{number, whole};
use super::out::{say_styled, width};
use super::progress::is_interrupted;
use super::report::write as write_report;
use super::{CommandResult, Exit, OK, complaint, say, tell};
use crate::case::{ChildProgram, Surroundings, Works};
use crate::foreign::git::Git;
use crate::machine::{doctor, host};
use crate::record::{Commit, Host, Record, RecordFile};
use crate::registry::Registry;
use crate::report::{Report, styled_overview, styled_tables, timelines};
use crate::system::{OWN_PROGRAM, Root, can_start_itself};
use crate::units;

/// Flags that all measuring commands share.
#[derive(clap::Args)]
pub(super) struct Manner {
    /// Set the random seed for the order of all measurements (default: a new seed for each run).
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=u64::MAX), allow_negative_numbers = true, env = "TASKDYNO_SEED")]
    pub(super) seed: Option<u64>,
    /// Print the ids of what would be measured, without running anything.
    #[arg(long, env = "TASKDYNO_DRY_RUN")]
    pub(super) dry_run: bool,
    /// Print neither progress nor tables; errors are still printed.
    #[arg(long, env = "TASKDYNO_QUIET")]
    pub(super) quiet: bool,
}

impl Manner {
    /// The given seed, or a new seed from the clock.
    pub(super) fn seed(&self) -> u64 {
        // Small enough to be typed again, and to survive programs that read JSON numbers as doubles.
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let fresh = || since_1970.as_micros() as u64 & 0xFFFF_FFFF;
        self.seed.unwrap_or_else(fresh)
    }
}

/// Prints one id per line.
pub(super) fn print_ids(ids: impl IntoIterator<Item = impl Display>) -> CommandResult {
    for id in ids {
        say(&format!("{id}\n"))?;
    }
    Ok(OK)
}

/// Checks that cases can be started on this machine, and prints the limits that a container sets. Call it once, before
/// the first measurement.
pub(super) fn make_ready(quiet: bool) -> Result<(), Exit> {
    require_proc(&Root::default())?;
    let limits = limits(&host::host());
    limits.iter().filter(|_| !quiet).for_each(|line| tell(line));
    Ok(())
}

/// Fails without `/proc`, because no case could be started.
fn require_proc(root: &Root) -> Result<(), Exit> {
    can_start_itself(root).map_err(|error| {
        Exit::failed(complaint!(
            help = "mount it: mount -t proc proc /proc",
            "no case can be started: each is a process of this program, started as {OWN_PROGRAM}, which cannot be \
             read: {error}. /proc is needed"
        ))
    })
}

/// The limits that a container sets, with one line per limit; empty if there are none.
fn limits(host: &Host) -> Vec<String> {
    let cpu = host.cpu_limit_millicores.map(|limit| {
        format!(
            "limited to {} of {} cores by the container: by default, cases use at most {} workers; more \
             workers would be stopped for a part of each period",
            limit as f64 / 1000.0,
            host.core_count,
            host.usable_core_count()
        )
    });
    let memory = host.memory_limit_bytes.map(|limit| {
        format!(
            "limited to {} of {} of memory by the container: cases that need more are refused",
            units::size(limit),
            units::size(host.memory_bytes)
        )
    });
    cpu.into_iter().chain(memory).collect()
}

/// The host, commit and start time that every record contains.
/// The nonces of its runs are drawn from `seed`.
pub(super) fn surroundings(registry: &Registry, seed: u64) -> Surroundings<'_> {
    let program = Path::new(OWN_PROGRAM);
    Surroundings {
        registry,
        program: ChildProgram::of_build(program),
        works: Works::new(program, seed),
        host: Host {
            findings: doctor::findings(),
            ..host::host()
        },
        commit: commit_here(),
        run_start: Instant::now(),
        traces: None,
    }
}

/// The commit of the current folder; `None` if there is none. If git fails, prints the reason once per process.
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

/// The error that this folder, or a file in it, cannot be written. It was named with `--out`.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Exit {
    cannot_write_to(path, error, " with --out DIR")
}

/// As [`cannot_write`], for a folder that was named in another way: `how` follows "choose another folder".
pub(super) fn cannot_write_to(path: &Path, error: &io::Error, how: &str) -> Exit {
    let help = help_to_write(error, how);
    let path = path.display();
    Exit::usage(complaint!(help = help, "cannot write to {path}: {error}"))
}

/// What to do if a folder cannot be written.
pub(super) fn help_to_write(error: &io::Error, how: &str) -> String {
    let (first, kind) = match error.kind() {
        io::ErrorKind::ResourceBusy => ("wait until the other process ends, or ", "another folder"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ("free some disk space, or ", "another folder")
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            ("a file is in the place of a folder: ", "another folder")
        }
        _ => ("", "a folder that you may write to"),
    };
    format!("{first}choose {kind}{how}")
}

/// Appends a record; `help` says what to do if that fails.
pub(super) fn append(file: &mut RecordFile, record: &Record, help: &str) -> Result<(), Exit> {
    file.append(record).map_err(|error| {
        Exit::failed(complaint!(
            help = help.to_owned(),
            "cannot write to {}: {error}; the earlier records are saved",
            file.path().display()
        ))
    })
}

/// How much a command prints of its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing.
    Quiet,
    /// The best of each family on each workload.
    Overview,
    /// Every case.
    Every,
}

/// Writes the report into `out`, and prints as much of it as `detail` says. Does nothing without records.
pub(super) fn show(records: &[Record], out: &Path, detail: Detail) -> Result<(), Exit> {
    if records.is_empty() {
        return Ok(());
    }
    let mut report = Report::new(records).map_err(Exit::failed)?;
    report.timelines = timelines(records, &[out.into()], out);
    let written = write_report(&report, out, true)?;
    let text = match detail {
        Detail::Quiet => return Ok(()),
        Detail::Overview => styled_overview(&report, width()),
        Detail::Every => styled_tables(&report),
    };
    say_styled(&format!("{text}\n"))?;
    if let Some(page) = written.first() {
        say(&format!("Report: {}\n", page.display()))?;
    }
    Ok(())
}

/// Parses a number of seconds on the command line.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    // A longer time could not be added to an `Instant`, and this is practically no limit.
    const MOST: f64 = 1e9;
    let expected = format!("a number of seconds from 0 to {MOST:e}, such as 0.5");
    number(text, 0.0..=MOST, &expected).map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::FAILED;
    use crate::record::fixture;
    use crate::system::fixture::Machine;

    #[test]
    fn nothing_is_measured_without_proc() {
        assert!(require_proc(&Root::default()).is_ok());
        let Err(Exit::Error(FAILED, error)) = require_proc(&Machine::with(&[]).root) else {
            panic!("cases could be started");
        };
        assert!(error.to_string().contains("/proc is needed"));
        assert!(error.help().unwrap().contains("mount -t proc"));
    }

    #[test]
    fn what_a_container_takes_away_is_told_a_line_each() {
        let mut host = fixture::case("hash", "rayon", 2).record().host;
        assert!(limits(&host).is_empty());
        host.cpu_limit_millicores = Some(500);
        host.memory_limit_bytes = Some(1 << 30);
        let lines = limits(&host);
        assert!(lines[0].starts_with("limited to 0.5 of 2 cores by the container: "));
        assert!(
            lines[1].starts_with("limited to 1.00 GiB of 8.00 GiB of memory by the container: ")
        );
        assert_eq!(lines.len(), 2);
    }
}
