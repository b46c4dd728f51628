//! `metg`: finds the smallest task size each backend runs at a given efficiency.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::externals::Externals;
use super::measuring::{
    Detail, Manner, append, cannot_write, make_ready, print_ids, seconds, show, surroundings,
};
use super::number::{number, whole};
use super::progress::{Progress, catch_interrupt, interrupted, is_interrupted};
use super::select::Selected;
use super::{CommandResult, Exit, FAILED, OK, complaint, tell};
use crate::backend::Backend;
use crate::disk;
use crate::kernel::KernelKind;
use crate::metg::{SweepPlan, Sweepable, Sweeper};
use crate::record::{Record, RecordFile};
use crate::registry::Registry;
use crate::units::counted;

/// The arguments of `metg`.
#[derive(clap::Args)]
pub(super) struct MetgArguments {
    #[command(flatten)]
    selected: Selected,
    #[command(flatten)]
    externals: Externals,
    /// Require this fraction of the peak rate; 0.5 is 50%.
    #[arg(long, value_name = "RATIO", default_value = "0.5", value_parser = ratio, env = "TASKDYNO_EFFICIENCY")]
    efficiency: f64,
    /// Measure all sizes this many times. A confidence interval needs at least 6.
    #[arg(
        long,
        value_name = "N",
        default_value = "15",
        value_parser = whole::<u64>(1..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_SWEEPS"
    )]
    sweeps: u64,
    /// Start no further sweep after this many seconds, for each backend and number of workers.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_METG_MAX_TIME")]
    max_time: Duration,
    /// Kill a process that has not ended after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_METG_TIMEOUT")]
    timeout: Duration,
    /// Write the results to this folder.
    ///
    /// The results are the records, the report and its pictures.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/metg",
        env = "TASKDYNO_OUT"
    )]
    out: PathBuf,
    #[command(flatten)]
    manner: Manner,
}

pub(super) fn main(registry: &Registry, arguments: &MetgArguments) -> CommandResult {
    let added = &arguments.selected.workloads;
    let registry = &arguments.externals.registry(registry, added)?;
    let sweepables = sweepables(registry, arguments)?;
    if arguments.manner.dry_run {
        return print_ids(sweepables.iter().map(Sweepable::id));
    }
    make_ready(arguments.manner.quiet)?;
    let mut file = create(&arguments.out)?;
    catch_interrupt();
    let (records, failed_count) = sweep_all(registry, &sweepables, arguments, &mut file)?;
    finish(&records, failed_count, sweepables.len(), arguments)
}

/// The selected sweeps, sorted so that those that share a probe follow each other.
fn sweepables(registry: &Registry, arguments: &MetgArguments) -> Result<Vec<Sweepable>, Exit> {
    // A backend with a fixed number of workers hands no tasks over, so it runs only if it is named. So does one with
    // workloads of its own, because a sweep of such a runtime may take minutes.
    let is_free = |backend: &&'static dyn Backend| {
        let external = registry.external(backend.name());
        let is_for_all = external.is_none_or(|one| one.default_workloads().is_none());
        backend.fixed_worker_count().is_none() && is_for_all
    };
    let all = registry.backends.iter().copied();
    let backends: Vec<_> = all.filter(is_free).collect();
    let selected = arguments.selected.or_only_cores();
    let cases = selected.cases(registry, &backends)?.planned;
    let mut sweepables: Vec<Sweepable> = Vec::new();
    for planned in &cases {
        let found = Sweepable::new(planned, registry);
        let found =
            found.map_err(|error| Exit::usage(complaint!("{}: {error}", planned.case.id())))?;
        if let Some(found) = found
            && !sweepables.iter().any(|other| other.id() == found.id())
        {
            sweepables.push(found);
        }
    }
    if sweepables.is_empty() {
        let kernels = registry.kernels.iter();
        let cut_off = |kernel: &dyn KernelKind| kernel.cut_off().map(|one| one.parameter);
        let sized = kernels.filter_map(|kernel| {
            let size = kernel.size_parameter().or_else(|| cut_off(*kernel))?;
            Some((kernel.name(), size))
        });
        let sized: Vec<String> = sized
            .map(|(kernel, size)| format!("{kernel} ({size})"))
            .collect();
        return Err(Exit::usage(complaint!(
            help = format!(
                "choose a workload with one of these kernels: {}",
                sized.join(", ")
            ),
            "no selected case has a kernel with a size to sweep"
        )));
    }
    // The sort is stable, so sweeps with the same key keep their order.
    sweepables.sort_by_cached_key(Sweepable::probe_key);
    Ok(sweepables)
}

fn create(out: &Path) -> Result<RecordFile, Exit> {
    let path = out.join("records.jsonl");
    let created = disk::create_folder(out).and_then(|()| RecordFile::create(&path, 0));
    created.map_err(|error| cannot_write(out, &error))
}

/// Runs the sweeps, and appends the records of each to the file at once. Returns all records, and the number of failed
/// sweeps. Stops early if interrupted.
fn sweep_all(
    registry: &Registry,
    sweepables: &[Sweepable],
    arguments: &MetgArguments,
    file: &mut RecordFile,
) -> Result<(Vec<Record>, usize), Exit> {
    let plan = SweepPlan {
        efficiency_ratio: arguments.efficiency,
        sweep_count: arguments.sweeps,
        max_time: arguments.max_time,
        timeout: arguments.timeout,
        seed: arguments.manner.seed(),
    };
    let surroundings = surroundings(registry, plan.seed);
    let mut progress = Progress::new(sweepables.len(), "sweeps", arguments.manner.quiet);
    let mut sweeper = Sweeper::new(&surroundings, &plan);
    let mut records = Vec::new();
    let mut failed_count = 0;
    for sweepable in sweepables {
        progress.begin(&sweepable.id());
        match sweeper.sweep(sweepable, &mut progress) {
            _ if is_interrupted() => break,
            Ok(swept) => {
                for record in swept {
                    append(file, &record, "free some disk space and run it again")?;
                    records.push(record);
                }
            }
            Err(error) => {
                failed_count += 1;
                let (id, kind, message) = (sweepable.id(), &error.kind, &error.message);
                progress.tell(&format!("{id}: {kind}: {message}"));
                let record = sweeper.failed(sweepable, error);
                append(file, &record, "free some disk space and run it again")?;
                records.push(record);
            }
        }
        progress.step();
    }
    progress.close();
    Ok((records, failed_count))
}

/// Writes the report, prints the tables and the number of failures, and returns the exit code.
fn finish(
    records: &[Record],
    failed_count: usize,
    total: usize,
    arguments: &MetgArguments,
) -> CommandResult {
    let detail = match arguments.manner.quiet {
        true => Detail::Quiet,
        false => Detail::Every,
    };
    show(records, &arguments.out, detail)?;
    if is_interrupted() {
        tell(&match records.is_empty() {
            true => "interrupted before a sweep was finished: nothing is saved".into(),
            false => format!(
                "interrupted: the finished sweeps are saved in {}",
                arguments.out.display()
            ),
        });
        return Ok(interrupted());
    }
    let error_count = records
        .iter()
        .filter(|record| record.error.is_some())
        .count();
    if failed_count > 0 {
        tell(&format!(
            "{failed_count} of {} failed",
            counted(total, "sweep")
        ));
    }
    if error_count > 0 {
        tell(&format!(
            "{error_count} of {} failed; see their records for the reasons",
            counted(records.len(), "size")
        ));
    }
    Ok(match failed_count + error_count {
        0 => OK,
        _ => FAILED,
    })
}

fn ratio(text: &str) -> Result<f64, String> {
    let between = (Bound::Excluded(0.0), Bound::Excluded(1.0));
    number(text, between, "a number between 0 and 1, such as 0.5")
}
