//! `run`: measures the matrix, writes each record at once, and then the tables and the report.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use self::resume::open_records;
use super::baseline;
use super::compare::{self, Against, Named};
use super::externals::Externals;
use super::measuring::{
    Detail, Manner, append, cannot_write, make_ready, print_ids, seconds, show, surroundings,
};
use super::number::whole;
use super::outcome::show_table;
use super::progress::{Progress, catch_interrupt, interrupted, is_interrupted};
use super::select::{Known, Selected};
use super::{CommandResult, Exit, FAILED, OK, complaint, tell};
use crate::case::{TraceFolder, record};
use crate::machine::host;
use crate::matrix::{Cases, PlannedCase};
use crate::random;
use crate::record::{Case, Plan, Record, RecordFile, nanoseconds};
use crate::registry::Registry;
use crate::units::counted;

mod resume;

/// The arguments of `run`.
#[derive(clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    selected: Selected,
    #[command(flatten)]
    externals: Externals,
    /// Take exactly this many samples per case.
    ///
    /// A sample is one run, or several if one run is too short for the clock.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<u64>(1..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_RUNS"
    )]
    runs: Option<u64>,
    /// Run each case for this many seconds before the first sample.
    #[arg(long, value_name = "SECONDS", default_value = "0.02", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_WARMUP")]
    warmup: Duration,
    /// Run each case at least this many times before the first sample.
    ///
    /// The warm-up ends when both this number of runs and the time of --warmup are reached.
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        value_parser = whole::<u64>(0..=MOST_WARMUP_RUNS),
        allow_negative_numbers = true,
        env = "TASKDYNO_WARMUP_RUNS"
    )]
    warmup_runs: u64,
    /// Measure each case in this many fresh processes, one after the other.
    ///
    /// Each process warms up and takes its own samples, so the limits on time and on samples apply to each of them.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = whole::<u32>(1..=MOST_INVOCATIONS),
        allow_negative_numbers = true,
        env = "TASKDYNO_INVOCATIONS"
    )]
    invocations: u32,
    /// Take samples of each case for at least this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_MIN_TIME")]
    min_time: Duration,
    /// Take samples of each case for at most this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_MAX_TIME")]
    max_time: Duration,
    /// Kill a process that has not ended after this many seconds. A timeout in the workload file takes precedence.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_TIMEOUT")]
    timeout: Duration,
    /// Write the results to this folder.
    ///
    /// The results are the records, the report and its pictures.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/latest",
        env = "TASKDYNO_OUT"
    )]
    out: PathBuf,
    /// Print every case, instead of one table with the best cases.
    ///
    /// `taskdyno show DIR` prints them later.
    #[arg(long, env = "TASKDYNO_DETAILS")]
    details: bool,
    /// Continue an interrupted measurement.
    ///
    /// Cases that already have a record in the folder are not run again.
    #[arg(long, env = "TASKDYNO_RESUME")]
    resume: bool,
    /// Also record when each task ran on which worker.
    ///
    /// Each case runs once more after its samples. The files lie beside the records, and the report shows them. `taskdyno
    /// export FILE.trace --format chrome-trace` converts one for Perfetto.
    #[arg(long, env = "TASKDYNO_TRACE")]
    trace: bool,
    /// Save the records as this baseline.
    ///
    /// They replace its previous records. To add sessions instead, use `taskdyno baseline save --add`.
    #[arg(long, value_name = "NAME", value_parser = baseline::name, env = "TASKDYNO_SAVE_BASELINE")]
    save_baseline: Option<String>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    store: baseline::BaselineStore,
    #[command(flatten)]
    manner: Manner,
}

/// The least number of samples per case, regardless of the time they take. A 95% interval of the median needs at least
/// 6; 8 leaves a margin.
const MIN_SAMPLE_COUNT: u64 = 8;
/// The largest number of samples per case. More samples would hardly narrow the interval, and would make records large.
const MAX_SAMPLE_COUNT: u64 = 100;

/// The most runs of a warm-up: as many as a request to a child may ask for.
const MOST_WARMUP_RUNS: u64 = u32::MAX as u64;
/// The most processes of a case. With more, starting them would take longer than measuring.
const MOST_INVOCATIONS: u64 = 1000;

/// The seed of the bootstrap in comparisons with baselines. It is fixed so that the same records give the same
/// verdicts, and equals the default of `compare`.
const BOOTSTRAP_SEED: u64 = 1;

pub(super) fn main(registry: &Registry, arguments: &RunArguments) -> CommandResult {
    let added = &arguments.selected.workloads;
    let registry = &arguments.externals.registry(registry, added)?;
    let Cases {
        planned: mut cases,
        not_applicable,
    } = arguments.selected.cases(registry, &registry.backends)?;
    if arguments.manner.dry_run {
        return print_ids(cases.iter().map(|planned| planned.case.id()));
    }
    make_ready(arguments.manner.quiet)?;
    // Read baselines before measuring, so that a misspelt name is reported at once.
    let mut bases = arguments
        .against
        .baselines(&arguments.store, &host::host())?;
    let known = arguments.selected.known(registry)?;
    keep_what_is_run(&mut bases, &cases, &known)?;
    let seed = arguments.manner.seed();
    random::shuffle(&mut cases, seed);

    let (mut file, mut records) = open_records(registry, &mut cases, arguments)?;
    catch_interrupt();
    let measured = measure_all(registry, cases, not_applicable, arguments, seed, &mut file)?;
    records.extend(measured);

    let (ran, records_file) = (finish(&records, arguments)?, [file.path().to_owned()]);
    if is_interrupted() {
        return Ok(interrupted());
    }
    if records.is_empty() {
        return Ok(ran);
    }
    let compared = compared(&bases, &records_file, arguments);
    let has_any = records.iter().any(|record| record.error.is_none());
    if let Some(name) = arguments.save_baseline.as_ref().filter(|_| has_any) {
        baseline::keep(&arguments.store, name, &records_file, false)?;
    }
    let compared = compared?;
    // A failed case is worse than a slower one, so its exit code wins.
    Ok(if ran == OK { compared } else { ran })
}

/// Keeps the cases of each baseline that are run, and those that this program no longer has. Prints how many cases it
/// drops: those that the program has but the command line does not select.
fn keep_what_is_run(bases: &mut [Named], cases: &[PlannedCase], known: &Known) -> Result<(), Exit> {
    let ids: HashSet<String> = cases.iter().map(|planned| planned.case.id()).collect();
    for (name, records) in bases {
        let is_kept = |case: &Case| ids.contains(&case.id()) || !known.has(case);
        let all: HashSet<String> = records.iter().map(|(_, one)| one.case.id()).collect();
        records.retain(|(_, one)| is_kept(&one.case));
        let kept: HashSet<String> = records.iter().map(|(_, one)| one.case.id()).collect();
        if kept.len() < all.len() {
            tell(&format!(
                "not part of this run: {} of {} of the baseline `{name}`",
                all.len() - kept.len(),
                counted(all.len(), "case")
            ));
        }
        if ids.is_disjoint(&kept) {
            return Err(Exit::not_comparable(complaint!(
                help = "`taskdyno baseline list` lists all baselines, and `taskdyno run --dry-run` the cases of this run",
                "the baseline `{name}` has none of the selected cases"
            )));
        }
    }
    Ok(())
}

/// Compares the new records with these baselines, prints the result, and returns its exit code.
fn compared(bases: &[Named], records_file: &[PathBuf], arguments: &RunArguments) -> CommandResult {
    if bases.is_empty() {
        return Ok(OK);
    }
    let head = compare::read(records_file)?;
    let against = |base: &Named| {
        arguments
            .against
            .comparison(base, &head, BOOTSTRAP_SEED, false)
    };
    let comparisons: Result<Vec<_>, Exit> = bases.iter().map(against).collect();
    show_table(&comparisons?, arguments.manner.quiet)
}

/// Runs the cases one after the other, and appends each record to the file at once. Stops early if interrupted.
fn measure_all(
    registry: &Registry,
    cases: Vec<PlannedCase>,
    not_applicable: BTreeMap<String, usize>,
    arguments: &RunArguments,
    seed: u64,
    file: &mut RecordFile,
) -> Result<Vec<Record>, Exit> {
    let mut surroundings = surroundings(registry, seed);
    if arguments.trace {
        let traces = TraceFolder::beside(file.path());
        surroundings.traces = Some(traces.map_err(|error| cannot_write(file.path(), &error))?);
    }
    let mut progress = Progress::new(cases.len(), "cases", arguments.manner.quiet);
    let mut records = Vec::new();
    let counts = not_applicable.into_iter();
    let mut not_applicable = counts
        .map(|(reason, count)| (reason, count as u64))
        .collect();
    for (index, planned) in cases.into_iter().enumerate() {
        progress.begin(&planned.case.id());
        let plan = plan(arguments, seed, index as u64, &planned);
        let mut record = record(
            &surroundings,
            planned.case.clone(),
            planned.certified_optimum,
            plan,
            &mut progress,
        );
        planned.describe(&mut record);
        if is_interrupted() {
            break;
        }
        record.not_applicable = mem::take(&mut not_applicable);
        if let Some(error) = &record.error {
            let id = record.case.id();
            progress.tell(&format!("{id}: {}: {}", error.kind, error.message));
        }
        progress.step();
        append(
            file,
            &record,
            "free some disk space, then continue with --resume",
        )?;
        records.push(record);
    }
    progress.close();
    Ok(records)
}

fn plan(arguments: &RunArguments, seed: u64, order_index: u64, planned: &PlannedCase) -> Plan {
    let plan = Plan {
        seed,
        order_index,
        warmup_ns: nanoseconds(arguments.warmup),
        warmup_run_count: arguments.warmup_runs,
        invocation_count: arguments.invocations,
        min_sample_ns: nanoseconds(arguments.min_time) / MAX_SAMPLE_COUNT,
        min_time_ns: nanoseconds(arguments.min_time),
        max_time_ns: nanoseconds(arguments.max_time.max(arguments.min_time)),
        min_sample_count: MIN_SAMPLE_COUNT,
        max_sample_count: MAX_SAMPLE_COUNT,
        timeout_ns: nanoseconds(planned.timeout.unwrap_or(arguments.timeout)),
        retry_limit: planned.retry_limit,
        task_timeout_ns: planned.task_timeout.map(nanoseconds),
    };
    match arguments.runs {
        None => plan,
        Some(runs) => Plan {
            min_sample_ns: 0,
            min_time_ns: 0,
            max_time_ns: u64::MAX,
            min_sample_count: runs,
            max_sample_count: runs,
            ..plan
        },
    }
}

/// Writes the report, prints the tables and the number of failed cases, and returns the exit code.
fn finish(records: &[Record], arguments: &RunArguments) -> CommandResult {
    let detail = match (arguments.manner.quiet, arguments.details) {
        (true, _) => Detail::Quiet,
        (false, true) => Detail::Every,
        (false, false) => Detail::Overview,
    };
    show(records, &arguments.out, detail)?;
    let failed = records
        .iter()
        .filter(|record| record.error.is_some())
        .count();
    if failed > 0 {
        tell(&format!(
            "{failed} of {} failed; see their records for the reasons",
            counted(records.len(), "case")
        ));
    }
    tell_uncalibrated(records);
    if is_interrupted() {
        tell(&format!(
            "interrupted: {} saved in {}; continue with --resume",
            counted(records.len(), "record"),
            arguments.out.display()
        ));
        return Ok(interrupted());
    }
    Ok(if failed > 0 { FAILED } else { OK })
}

/// Prints how many records cannot be compared with those of another day because they lack calibration times.
fn tell_uncalibrated(records: &[Record]) {
    let with_error = |record: &Record| Some((record.case.id(), record.calibration_error.clone()?));
    let found: Vec<_> = records.iter().filter_map(with_error).collect();
    if let Some((id, error)) = found.first() {
        tell(&format!(
            "{} of {} cases have no control-loop times, so a drift of the machine cannot be distinguished from a \
             change; `{id}`: {error}",
            found.len(),
            records.len()
        ));
    }
}
