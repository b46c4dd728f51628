//! The start of a run: from the beginning, or with the records of an interrupted run.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::{RunArguments, plan};
use crate::case::Surroundings;
use crate::cmd::measuring::{cannot_write, surroundings};
use crate::cmd::pin::Pin;
use crate::cmd::{Exit, complaint, tell};
use crate::diagnostic::Diagnostic;
use crate::disk;
use crate::matrix::PlannedCase;
use crate::record::{
    Case, Commit, Host, Plan, Record, RecordFile, RecordsError, Resumable, difference, read_text,
};
use crate::registry::Registry;
use crate::units::counted;

/// Creates the record file, or opens it to continue an interrupted run. Returns the file and its records, and removes
/// from `cases` those that already have a record.
pub(super) fn open_records(
    registry: &Registry,
    cases: &mut Vec<PlannedCase>,
    arguments: &RunArguments,
) -> Result<(RecordFile, Vec<Record>), Exit> {
    let unwritable = |error: io::Error| cannot_write(&arguments.out, &error);
    disk::create_folder(&arguments.out).map_err(unwritable)?;
    let path = arguments.out.join("records.jsonl");
    if !arguments.resume {
        return Ok((
            RecordFile::create(&path, 0).map_err(unwritable)?,
            Vec::new(),
        ));
    }
    let found = Resumable::read(&path).map_err(unwritable)?;
    let records = read_text(&path, found.text()).map_err(|error| cannot_go_on(&error))?;
    keep_pinning(registry, cases, &records, arguments);
    refuse_other_settings(registry, &path, &records, cases, arguments)?;
    // Every check has passed, so the file may be changed now.
    if let Some(line) = found.cut_off_line() {
        tell(&format!(
            "{}:{line} was incomplete and is removed; its case is run again",
            path.display()
        ));
    }
    let file = found.go_on().map_err(unwritable)?;
    skip_finished(cases, &records, arguments);
    Ok((file, records))
}

fn cannot_go_on(error: &RecordsError) -> Exit {
    let help = error.help().map(|help| format!("{help}; "));
    Exit::usage(complaint!(
        help = format!(
            "{}leave out --resume to measure everything again: the file is then kept as records.previous.jsonl, or under \
             a numbered name",
            help.unwrap_or_default()
        ),
        "{error}"
    ))
}

/// A resumed run with `--pin=auto` keeps the decision of the interrupted run, so that all its records are comparable.
fn keep_pinning(
    registry: &Registry,
    cases: &mut [PlannedCase],
    records: &[Record],
    arguments: &RunArguments,
) {
    if records.is_empty() || arguments.selected.pin != Some(Pin::Auto) {
        return;
    }
    let was_quiet = records.iter().any(|record| record.case.pin);
    let can_pin = |name: &str| registry.backend(name).is_some_and(|one| one.can_pin());
    for planned in cases {
        planned.case.pin = was_quiet && can_pin(&planned.case.backend);
    }
}

/// The settings of a record that influence its results, or say what was measured.
#[derive(Serialize)]
struct Settings {
    case: Case,
    plan: Plan,
    host: Host,
    commit: Option<Commit>,
}

impl Settings {
    fn of(record: &Record) -> Self {
        Self {
            case: record.case.clone(),
            plan: record.plan.measured(),
            host: record.host.lasting(),
            commit: record.commit.clone(),
        }
    }

    /// The settings that `record` would have if this run measured it. Settings that this run does not determine are
    /// those of the record.
    fn now(
        record: &Record,
        cases: &[PlannedCase],
        now: &Surroundings<'_>,
        arguments: &RunArguments,
    ) -> Self {
        let before = Self::of(record);
        let same_cell = cases
            .iter()
            .find(|one| is_same_cell(&one.case, &before.case));
        let same_backend = cases
            .iter()
            .find(|one| one.case.backend == before.case.backend);
        let case = match (same_cell, same_backend) {
            (Some(planned), _) => planned.case.clone(),
            (None, Some(planned)) => Case {
                pin: planned.case.pin,
                continuation: planned.case.continuation.clone(),
                ..before.case
            },
            (None, None) => Case {
                pin: cases.first().map_or(before.case.pin, |any| any.case.pin),
                ..before.case
            },
        };
        let planned = same_cell.or(cases.first());
        let plan = planned.map_or(before.plan.clone(), |planned| {
            plan(arguments, 0, 0, planned).measured()
        });
        Self {
            case,
            plan: match same_cell {
                Some(_) => plan,
                // The workload file sets this limit, and this run does not have the workload.
                None => Plan {
                    retry_limit: before.plan.retry_limit,
                    ..plan
                },
            },
            host: now.host.lasting(),
            commit: now.commit.clone(),
        }
    }
}

/// Whether two cases are the same cell of the matrix, regardless of how they are measured.
fn is_same_cell(a: &Case, b: &Case) -> bool {
    let cell = |case: &Case| {
        let Case {
            workload,
            variant,
            backend,
            ..
        } = case.clone();
        (workload, variant, backend, case.shape())
    };
    cell(a) == cell(b)
}

/// Refuses to continue a file whose records have other settings, another commit or another machine.
fn refuse_other_settings(
    registry: &Registry,
    path: &Path,
    records: &[Record],
    cases: &[PlannedCase],
    arguments: &RunArguments,
) -> Result<(), Exit> {
    if records.is_empty() {
        return Ok(());
    }
    // Only the machine and the commit are compared, and no case runs.
    let surroundings = surroundings(registry, 0);
    for record in records {
        let now = Settings::now(record, cases, &surroundings, arguments);
        if let Some(difference) = difference(&Settings::of(record), &now) {
            return Err(Exit::usage(complaint!(
                help = "use the same arguments, machine and commit, or leave out --resume to measure \
                        everything again, or choose another folder with --out DIR",
                "the record of `{}` in {} was measured with different settings, so the run cannot continue: {difference}",
                record.case.id(),
                path.display()
            )));
        }
    }
    Ok(())
}

/// Removes the cases that already have a record.
fn skip_finished(cases: &mut Vec<PlannedCase>, records: &[Record], arguments: &RunArguments) {
    let quiet = arguments.manner.quiet;
    let total = cases.len();
    let finished: HashSet<String> = records.iter().map(|record| record.case.id()).collect();
    cases.retain(|planned| !finished.contains(&planned.case.id()));
    if !quiet && cases.len() < total {
        let kept = total - cases.len();
        tell(&format!(
            "not run again, because they have a record: {kept} of {}",
            counted(total, "case")
        ));
    }
    let is_untraced = |record: &&Record| {
        record.error.is_none() && record.trace_file.is_none() && record.no_trace_file.is_none()
    };
    let untraced = records.iter().filter(is_untraced).count();
    if !quiet && arguments.trace && untraced > 0 {
        tell(&format!(
            "{untraced} of them were measured without --trace and keep no trace"
        ));
    }
}
