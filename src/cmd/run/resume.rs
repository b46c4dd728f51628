//! Where a run begins: anew, or with the records of the run that is to go on.

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

/// Opens the record file: anew, or to go on with it. Returns it with the records that it has, and leaves of `cases`
/// those that have none.
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
    refuse_other_settings(&path, &records, cases, arguments)?;
    // Only now, when nothing is left to be refused, is the file changed.
    if let Some(line) = found.cut_off_line() {
        tell(&format!(
            "{}:{line} was cut off in the middle and is removed; its case is run again",
            path.display()
        ));
    }
    let file = found.go_on().map_err(unwritable)?;
    skip_finished(cases, &records, arguments.manner.quiet);
    Ok((file, records))
}

fn cannot_go_on(error: &RecordsError) -> Exit {
    let help = error.help().map(|help| format!("{help}; "));
    Exit::usage(complaint!(
        help = format!(
            "{}leave out --resume to measure everything anew: the file is then kept as records.previous.jsonl, or under \
             another number",
            help.unwrap_or_default()
        ),
        "{error}"
    ))
}

/// Whether a machine is quiet enough to bind workers is asked once: a run that goes on keeps to the answer.
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

/// What bears on the figures of a record, or on what they are figures of.
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

    /// Those that `record` would have if it were measured now, as far as this run says anything about it.
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
                // A workload says it of itself.
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

/// A cell of the matrix, however it is measured.
fn is_same_cell(a: &Case, b: &Case) -> bool {
    let cell = |case: &Case| {
        let Case {
            workload,
            variant,
            backend,
            ..
        } = case.clone();
        (workload, variant, backend, case.workers)
    };
    cell(a) == cell(b)
}

/// Records of other settings, another commit or another machine do not go into one file with those to come.
fn refuse_other_settings(
    path: &Path,
    records: &[Record],
    cases: &[PlannedCase],
    arguments: &RunArguments,
) -> Result<(), Exit> {
    if records.is_empty() {
        return Ok(());
    }
    let surroundings = surroundings();
    for record in records {
        let now = Settings::now(record, cases, &surroundings, arguments);
        if let Some(difference) = difference(&Settings::of(record), &now) {
            return Err(Exit::usage(complaint!(
                help = "give the same arguments on the same machine and commit, or leave out --resume to measure \
                        everything anew, or choose another folder with --out DIR",
                "the record of `{}` in {} was measured otherwise: {difference}",
                record.case.id(),
                path.display()
            )));
        }
    }
    Ok(())
}

/// Drops the cases that have a record already.
fn skip_finished(cases: &mut Vec<PlannedCase>, records: &[Record], quiet: bool) {
    let total = cases.len();
    let finished: HashSet<String> = records.iter().map(|record| record.case.id()).collect();
    cases.retain(|planned| !finished.contains(&planned.case.id()));
    if !quiet && cases.len() < total {
        let kept = total - cases.len();
        tell(&format!(
            "{kept} of {total} cases have a record already and are not run again"
        ));
    }
}
