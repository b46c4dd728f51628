//! Computes the rows of a group from its records.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::latency::Latency;
use super::model::{ALPHA, Group, LIMIT, LIMIT_FAMILY, Measured, Row, RowOutcome, SERIAL};
use super::schedule::Schedule;
use super::worker_cpu::WorkerCpu;
use crate::backend::Family;
use crate::compare::not_steady;
use crate::record::{Case, CaseError, Channel, ErrorKind, Record};
use crate::stats::{Interval, Ratio, median, median_interval, ratio_of_medians};

/// A case with the times that it is ranked by, in nanoseconds per run. It has none if it failed.
struct Measurement<'a> {
    record: &'a Record,
    ranked_by: Channel,
    times: Vec<f64>,
    median_ns: Option<f64>,
}

/// The group of these records. There must be at least one record, and all must have the same workload and variant. The
/// slug of the group is still empty.
pub(super) fn group(records: &[&Record]) -> Group {
    let ranked_by = Channel::judged(records.iter().copied());
    let measurements: Vec<Measurement> = records
        .iter()
        .map(|record| measure(record, ranked_by))
        .collect();
    let rows = measurements.iter().map(|measurement| Row {
        case: measurement.record.case.id(),
        language: language(measurement.record).into(),
        backend: measurement.record.case.backend.clone(),
        label: label(&measurement.record.case, records),
        workers: measurement.record.case.workers,
        family: family(measurement.record),
        is_limit: measurement.record.case.backend == LIMIT,
        outcome: outcome(measurement, &measurements),
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by(by_speed);
    rank(&mut rows);
    bring_ranks_together(&mut rows);
    let case = &records[0].case;
    Group {
        workload: case.workload.clone(),
        variant: case.variant.clone(),
        slug: String::new(),
        why: records
            .iter()
            .find_map(|record| record.workload_why.clone())
            .unwrap_or_default(),
        parameters: parameters(&case.parameters),
        graph: records.iter().find_map(|record| record.graph),
        file_systems: file_systems(records.iter().copied()),
        ranked_by,
        rows,
    }
}

/// The types of the file systems of these records, each once, in their order.
fn file_systems<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in records.filter_map(|record| record.file_system.as_ref()) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

fn measure(record: &Record, ranked_by: Channel) -> Measurement<'_> {
    let counts = record.error.is_none();
    let samples = record.samples.iter();
    let samples = samples.filter(|sample| counts && !sample.is_degraded);
    let times: Vec<f64> = samples
        .filter_map(|sample| ranked_by.run_ns(sample))
        .collect();
    Measurement {
        record,
        ranked_by,
        median_ns: median(&times),
        times,
    }
}

fn outcome(measurement: &Measurement, group: &[Measurement]) -> RowOutcome {
    let Measurement {
        record,
        ranked_by,
        times,
        median_ns,
    } = measurement;
    let Some(median_ns) = *median_ns else {
        return RowOutcome::Failed(record.error.clone().unwrap_or_else(no_samples));
    };
    let task_count = record.graph.map(|graph| graph.task_count as f64);
    let is_real = |other: &&Measurement| other.record.case.backend != LIMIT;
    let best = fastest(group.iter().filter(is_real)).or_else(|| fastest(group.iter()));
    let serial = fastest(
        group
            .iter()
            .filter(|other| is_serial(other.record) && language(other.record) == language(record)),
    );
    // CPU time is that of all workers already.
    let workers = match ranked_by {
        Channel::Cpu => 1.0,
        Channel::Wall => f64::from(record.case.workers),
    };
    let worker_ns = median_ns * workers;
    let beyond_work_ns = serial.and_then(|serial| Some(worker_ns - serial.median_ns?));
    RowOutcome::Measured(Box::new(Measured {
        rank: None,
        is_tied: false,
        times_ns: times.clone(),
        median_ns,
        interval: median_interval(times, ALPHA),
        ratio: best.and_then(|best| ratio(measurement, best)),
        utilisation: utilisation(record),
        worker_cpu: WorkerCpu::new(record),
        task_ns: task_count.map(|tasks| median_ns / tasks),
        overhead_ns: beyond_work_ns.zip(task_count).map(|(ns, tasks)| ns / tasks),
        speed_up: one_worker(group, &record.case)
            .filter(|_| *ranked_by == Channel::Wall)
            .and_then(|base| Some(base.median_ns? / median_ns)),
        start_ns: record.start_ns,
        peak_memory_bytes: record.peak_memory_bytes,
        schedule: Schedule::new(record, median_ns),
        foreign_ratio: foreign(record),
        has_slice_cpu: has_slice_cpu(record),
        not_steady: not_steady(record),
        findings: record.findings.clone(),
        latencies: Latency::all(record),
        remarks: record.remarks.clone(),
    }))
}

/// Whether a record is of a plain loop.
pub(super) fn is_serial(record: &Record) -> bool {
    match &record.family {
        Some(family) => family == Family::Serial.name(),
        // Older records do not say.
        None => record.case.backend == SERIAL,
    }
}

/// See [`Row::family`].
fn family(record: &Record) -> String {
    if record.case.backend == LIMIT {
        return LIMIT_FAMILY.into();
    }
    let family = match (&record.family, is_serial(record)) {
        (Some(family), _) => family,
        (None, true) => SERIAL,
        // Older records do not say.
        (None, false) => "unknown",
    };
    match language(record) {
        "rust" => family.into(),
        language => format!("{language} {family}"),
    }
}

/// The language of the program that ran the tasks. Records that do not say are of builds of taskdyno.
pub(super) fn language(record: &Record) -> &str {
    record.runtime.as_ref().map_or("rust", |one| &one.language)
}

/// The error for a record that has neither samples nor an error.
fn no_samples() -> CaseError {
    CaseError::new(
        ErrorKind::Protocol,
        "the record has no valid samples, and no error that explains this",
    )
}

/// The measurement with the smallest median.
fn fastest<'a, 'r>(all: impl Iterator<Item = &'a Measurement<'r>>) -> Option<&'a Measurement<'r>>
where
    'r: 'a,
{
    all.filter_map(|measurement| Some((measurement.median_ns?, measurement)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, measurement)| measurement)
}

fn ratio(measurement: &Measurement, best: &Measurement) -> Option<Ratio> {
    let ratio = ratio_of_medians(&measurement.times, &best.times, ALPHA)?;
    // The ratio of a case to itself is exactly 1. An interval would assume independent medians.
    let is_itself = std::ptr::eq(measurement.record, best.record);
    Some(Ratio {
        interval: ratio.interval.filter(|_| !is_itself),
        ..ratio
    })
}

/// Whether the samples have no CPU time, but the slices have.
fn has_slice_cpu(record: &Record) -> bool {
    record.samples.iter().all(|sample| sample.cpu_ns.is_none())
        && record.slice_cpu_ns_per_run().is_some()
}

/// The median utilisation over the samples, so that one disturbed sample has little effect, or the utilisation over
/// whole slices; `None` if neither is known, or if no time passed.
pub(super) fn utilisation(record: &Record) -> Option<f64> {
    let workers = f64::from(record.case.workers);
    if has_slice_cpu(record) {
        let wall_ns: u64 = record.usage.iter().map(|usage| usage.wall_ns).sum();
        let cpu_ns: Option<u64> = record.usage.iter().map(|usage| usage.cpu_ns).sum();
        return Some(cpu_ns? as f64 / (wall_ns as f64 * workers)).filter(|share| share.is_finite());
    }
    let samples = record.samples.iter().filter(|sample| sample.wall_ns > 0);
    let shares: Vec<f64> = samples
        .filter_map(|sample| Some(sample.cpu_ns? as f64 / (sample.wall_ns as f64 * workers)))
        .collect();
    median(&shares)
}

fn foreign(record: &Record) -> Option<f64> {
    let known = record.samples.iter();
    let known = known.filter_map(|sample| Some((sample.foreign_cpu_ns?, sample.wall_ns)));
    let (foreign_ns, wall_ns) = known.fold((0.0, 0.0), |sum, (foreign_ns, wall_ns)| {
        (sum.0 + foreign_ns as f64, sum.1 + wall_ns as f64)
    });
    (wall_ns > 0.0).then(|| foreign_ns / (wall_ns * f64::from(record.host.core_count)))
}

/// The measurement of the same backend and options with one worker; `None` if there is none.
fn one_worker<'a, 'r>(group: &'a [Measurement<'r>], case: &Case) -> Option<&'a Measurement<'r>> {
    group.iter().find(|other| {
        let other = &other.record.case;
        other.workers == 1
            && (&other.backend, &other.continuation, other.pin)
                == (&case.backend, &case.continuation, case.pin)
    })
}

/// The name of the backend, with those options in which cases of the group with the same backend differ.
pub(super) fn label(case: &Case, group: &[&Record]) -> String {
    let mut label = case.backend.clone();
    let twins = || {
        let others = group.iter().map(|record| &record.case);
        others.filter(|other| other.backend == case.backend)
    };
    if let Some(continuation) = &case.continuation
        && twins().any(|other| other.continuation != case.continuation)
    {
        label += &format!(" {continuation}");
    }
    if case.process_threads.is_some()
        && twins().any(|other| other.workers == case.workers && other.shape() != case.shape())
    {
        label += &format!(" {}", case.shape());
    }
    if case.pin && twins().any(|other| !other.pin) {
        label += " pinned";
    }
    label
}

/// Orders measured rows by median, and failed rows after them. Equal rows are ordered by name.
fn by_speed(a: &Row, b: &Row) -> Ordering {
    let median = |row: &Row| match &row.outcome {
        RowOutcome::Measured(measured) => measured.median_ns,
        RowOutcome::Failed(_) => f64::INFINITY,
    };
    let name = |row: &Row| (row.label.clone(), row.workers);
    median(a)
        .total_cmp(&median(b))
        .then_with(|| name(a).cmp(&name(b)))
}

/// Assigns ranks to rows that are sorted by speed: 1 to all rows whose interval overlaps that of the best, then
/// increasing numbers to the others. The practical limit gets none.
fn rank(rows: &mut [Row]) {
    let real = rows.iter_mut().filter(|row| !row.is_limit);
    let mut measured: Vec<&mut Measured> = real
        .filter_map(|row| match &mut row.outcome {
            RowOutcome::Measured(measured) => Some(measured.as_mut()),
            RowOutcome::Failed(_) => None,
        })
        .collect();
    let Some(best) = measured.first().map(|best| range(best)) else {
        return;
    };
    // The interval of a slower row may overlap while the narrower interval of a faster row does not.
    measured.sort_by_key(|measured| !range(measured).overlaps(&best));
    let tied = |measured: &&&mut Measured| range(measured).overlaps(&best);
    let tied_count = measured.iter().filter(tied).count();
    for (index, measured) in measured.into_iter().enumerate() {
        measured.rank = Some(if index < tied_count { 1 } else { index + 1 });
        measured.is_tied = tied_count > 1 && index < tied_count;
    }
}

/// Puts rows of the same rank together: a row that is tied with the best may be slower than one that is not. The practical
/// limit stays where its median belongs.
fn bring_ranks_together(rows: &mut Vec<Row>) {
    let (limit, mut real): (Vec<Row>, Vec<Row>) = rows.drain(..).partition(|row| row.is_limit);
    real.sort_by_key(|row| match &row.outcome {
        RowOutcome::Measured(measured) => measured.rank,
        RowOutcome::Failed(_) => Some(usize::MAX),
    });
    for row in limit {
        let place = real.iter().position(|other| by_speed(&row, other).is_le());
        real.insert(place.unwrap_or(real.len()), row);
    }
    *rows = real;
}

/// The interval of the median; without an interval, the median as both ends.
fn range(measured: &Measured) -> Interval {
    measured.interval.unwrap_or(Interval {
        low: measured.median_ns,
        high: measured.median_ns,
    })
}

/// Parameters that were derived from a graph file. They are not shown, because they say little to people.
const FOUND: [&str; 3] = ["sha256", "task_count", "edge_count"];

/// Parameters in words, one entry per table, with the kind or file first: `pattern stencil-1d, width 64, steps 1000`.
/// Empty if `parameters` is not a JSON object.
pub(super) fn parameters(parameters: &Value) -> Vec<String> {
    let Value::Object(tables) = parameters else {
        return Vec::new();
    };
    // The graph comes before the kernel.
    let mut tables: Vec<(&String, &Value)> = tables.iter().collect();
    tables.sort_by_key(|(name, _)| !["pattern", "graphs", "graph"].contains(&name.as_str()));
    let entries = tables.into_iter().map(|(name, table)| match table {
        Value::Object(table) => {
            format!("{name} {}", entry(table))
        }
        Value::Array(tables) => {
            let tables = tables.iter().filter_map(Value::as_object);
            format!(
                "{name} {}",
                tables.map(entry).collect::<Vec<_>>().join(" + ")
            )
        }
        value => format!("{name} {}", plain(value)),
    });
    entries.collect()
}

fn entry(table: &Map<String, Value>) -> String {
    let first = ["kind", "file"]
        .iter()
        .find(|key| table.contains_key(**key));
    let first = first.copied().unwrap_or_default();
    let others = table
        .iter()
        .filter(|(key, _)| *key != first && !FOUND.contains(&key.as_str()));
    let others = others.map(|(key, value)| format!(", {key} {}", plain(value)));
    let first = table.get(first).map(plain).unwrap_or_default();
    first + &others.collect::<String>()
}

/// A value, without the quotes if it is a string.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::fixture::case;

    #[test]
    fn a_workload_whose_time_the_clock_decides_is_ranked_by_cpu_time() {
        let with_cpu = |backend: &str, wall_us, cpu_us: u64| {
            let case = case("periodic", backend, 2).around_us(wall_us);
            case.ranked_by_cpu_us(cpu_us).record()
        };
        let spins = with_cpu("spins", 100_000, 190_000);
        let parks = with_cpu("parks", 101_000, 2_000);
        let group = group(&[&spins, &parks]);
        let rows = group
            .measured()
            .map(|(row, measured)| (row.backend.as_str(), measured.rank, measured.median_ns));
        let expected = [("parks", Some(1), 2e6), ("spins", Some(2), 190e6)];
        assert_eq!(rows.collect::<Vec<_>>(), expected);
        assert_eq!(group.title(), "periodic · CPU time of a run");
    }

    #[test]
    fn the_file_system_is_shown_and_a_memory_is_pointed_out() {
        use crate::report::words::files;
        let on = |name: &str| case("io-file-write", "rayon", 2).file_system(name).record();
        let disk = on("ext4");
        let shown = group(&[&disk, &disk, &case("io-file-write", "fork", 2).record()]);
        assert_eq!(files(&shown).unwrap(), "files on ext4");
        let shown = files(&group(&[&on("ext4"), &on("tmpfs")])).unwrap();
        let expected = "files on ext4, and on tmpfs, which is in memory: fsync does nothing";
        assert!(shown.starts_with(expected), "{shown}");
        assert_eq!(files(&group(&[&case("empty", "rayon", 2).record()])), None);
    }

    #[test]
    fn parameters_start_with_their_kind_or_file() {
        let of_file = json!({
            "kernel": {"by": "spin", "kind": "replay"},
            "graph": {"edge_count": 15, "file": "x.stg", "scale": 0.001, "sha256": "ab", "task_count": 12},
            "output_bytes": 64,
        });
        let expected = [
            "graph x.stg, scale 0.001",
            "kernel replay, by spin",
            "output_bytes 64",
        ];
        assert_eq!(parameters(&of_file), expected);
        let of_several =
            json!({"graphs": [{"kind": "chain", "steps": 3}, {"kind": "trivial", "width": 2}]});
        let expected = ["graphs chain, steps 3 + trivial, width 2"];
        assert_eq!(parameters(&of_several), expected);
        assert!(parameters(&json!(null)).is_empty());
    }
}
