//! Efficiency over task granularity, computed from sweeps over task sizes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::group::{label, parameters, utilisation};
use super::model::{ALPHA, Curve, LIMIT, Sweep};
use super::rank_facts::rank_facts;
use crate::record::{Case, Peak, Probe, Record, Sample};
use crate::stats::median;
use crate::stats::metg::{SweepPoint, metg};

/// Below this granularity, the processor may overlap consecutive tasks although they depend on each other, so the
/// efficiency could exceed 100%. Such points are omitted (METHODOLOGY.md, "Tasks that follow each other on a thread do
/// not overlap").
const LEAST_GRANULARITY_NS: f64 = 8.0;

/// One size of a sweep.
type SweepRecord<'a> = (&'a Record, &'a Peak);

/// The sweeps among these records. Their slugs are still empty. Records without a peak are ignored.
pub(super) fn sweeps(records: &[&Record]) -> Vec<Sweep> {
    let mut by_name: BTreeMap<(&str, &str, u32), Vec<SweepRecord>> = BTreeMap::new();
    for record in records {
        let Some(peak) = &record.peak else { continue };
        let case = &record.case;
        let key = (case.workload.as_str(), peak.variant.as_str(), case.workers);
        by_name.entry(key).or_default().push((record, peak));
    }
    let sweeps = by_name.into_iter().map(|(key, members)| {
        let (first, peak) = members[0];
        Sweep {
            workload: key.0.into(),
            variant: key.1.into(),
            workers: key.2,
            slug: String::new(),
            parameters: parameters(&without_size(&first.case.parameters, &peak.size_parameter)),
            size_parameter: peak.size_parameter.clone(),
            target: peak.efficiency_ratio,
            curves: curves(&members, peak.efficiency_ratio),
        }
    });
    sweeps.collect()
}

/// The parameters of a case without the swept one.
fn without_size(parameters: &Value, size_parameter: &str) -> Value {
    let mut parameters = parameters.clone();
    if let Some(kernel) = parameters.get_mut("kernel").and_then(Value::as_object_mut) {
        kernel.remove(size_parameter);
    }
    parameters
}

fn curves(members: &[SweepRecord], target: f64) -> Vec<Curve> {
    let records: Vec<&Record> = members.iter().map(|(record, _)| *record).collect();
    let mut by_backend: BTreeMap<String, Vec<SweepRecord>> = BTreeMap::new();
    for (record, peak) in members {
        let label = label(&record.case, &records);
        by_backend.entry(label).or_default().push((record, peak));
    }
    let curves = by_backend
        .into_iter()
        .map(|(label, members)| curve(label, &members, target));
    let mut curves: Vec<Curve> = curves.collect();
    curves.sort_by(|a, b| match (a.metg, b.metg) {
        (Some(a), Some(b)) => a.crossing.finest_first(&b.crossing),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    curves
}

/// The number of samples in which two workers were last seen on one core although the machine has enough cores. Samples
/// of tasks with a fixed duration do not count, because sharing a core does not make these tasks longer.
fn shared_core_count(members: &[SweepRecord]) -> usize {
    let with_a_core_each = members.iter().filter(|(record, peak)| {
        peak.task_ns.is_none() && record.case.workers <= record.host.core_count
    });
    let samples = with_a_core_each.flat_map(|(record, _)| &record.samples);
    let shares = |sample: &&Sample| {
        let mut cores = sample.worker_cores.clone();
        cores.sort_unstable();
        cores.windows(2).any(|pair| pair[0] == pair[1])
    };
    samples.filter(shares).count()
}

fn curve(label: String, members: &[SweepRecord], target: f64) -> Curve {
    let mut members = members.to_vec();
    members.sort_by(|(_, a), (_, b)| a.size.total_cmp(&b.size));
    let case: &Case = &members[0].0.case;
    let sizes = members.iter().map(|(record, peak)| points(record, peak));
    let sizes: Vec<Vec<Option<SweepPoint>>> = sizes.collect();
    let measured = sizes.iter().filter(|size| size.iter().any(Option::is_some));
    let medians: Vec<SweepPoint> = measured.map(|size| middle(size)).collect();
    let (points, left_out): (Vec<SweepPoint>, Vec<SweepPoint>) = medians
        .into_iter()
        .partition(|point| point.granularity_ns >= LEAST_GRANULARITY_NS);
    // A size is kept or omitted in all rounds alike.
    let is_kept = |size: &&Vec<Option<SweepPoint>>| {
        size.iter().any(Option::is_some) && middle(size).granularity_ns >= LEAST_GRANULARITY_NS
    };
    let kept: Vec<_> = sizes.iter().filter(is_kept).collect();
    let round_count = kept.iter().map(|size| size.len()).max().unwrap_or(0);
    let rounds = (0..round_count).map(|round| {
        let round = kept.iter().filter_map(|size| *size.get(round)?);
        round.collect::<Vec<SweepPoint>>()
    });
    let rounds: Vec<Vec<SweepPoint>> = rounds.filter(|round| !round.is_empty()).collect();
    Curve {
        backend: case.backend.clone(),
        label,
        is_limit: case.backend == LIMIT,
        points,
        round_count: rounds.len(),
        shared_core_count: shared_core_count(&members),
        left_out_count: left_out.len(),
        failed_count: members
            .iter()
            .filter(|(record, _)| record.error.is_some())
            .count(),
        metg: metg(&rounds, target, ALPHA),
        ranks: rank_facts(
            &members
                .iter()
                .map(|(record, _)| *record)
                .collect::<Vec<_>>(),
        ),
        utilisation: utilisation_at(&members, target),
    }
}

/// See [`Curve::utilisation`]. `members` begin with the smallest size.
fn utilisation_at(members: &[SweepRecord], target: f64) -> Option<f64> {
    let reaches = |(record, peak): &&SweepRecord| {
        let size = points(record, peak);
        size.iter().any(Option::is_some) && middle(&size).efficiency >= target
    };
    let (record, _) = members.iter().find(reaches).or(members.last())?;
    utilisation(record)
}

/// One point per round; `None` for rounds in which worker processes died.
fn points(record: &Record, peak: &Peak) -> Vec<Option<SweepPoint>> {
    let samples = record.samples.iter();
    match peak.task_ns {
        Some(task_ns) => samples
            .map(|sample| point(record, peak, sample, task_ns))
            .collect(),
        None => samples
            .zip(&peak.probes)
            .map(|(sample, probe)| point(record, peak, sample, probed_task_ns(peak, probe)))
            .collect(),
    }
}

/// The time of a task at the peak rate, according to a probe.
fn probed_task_ns(peak: &Peak, probe: &Probe) -> f64 {
    let unit_ns = probe.run_wall_ns() / (peak.probe_task_count as f64 * peak.probe_size);
    unit_ns * peak.size
}

fn point(record: &Record, peak: &Peak, sample: &Sample, task_ns: f64) -> Option<SweepPoint> {
    let task_count = record.graph?.task_count as f64;
    if sample.is_degraded || sample.wall_ns == 0 {
        return None;
    }
    let wall_ns = sample.run_wall_ns();
    let least_task_count = peak.least_task_count as f64;
    let parallelism = match record.bound {
        // If any number of tasks can wait at the same time, the graph is the only limit.
        Some(bound) if bound.parallelism.is_none() => task_count / least_task_count,
        _ => f64::from(record.case.workers),
    };
    let granularity_ns = wall_ns * parallelism / task_count;
    let efficiency = least_task_count * task_ns / wall_ns;
    // Records may come from files with any content.
    let is_number = |figure: f64| figure > 0.0 && figure.is_finite();
    let is_sound = is_number(granularity_ns) && is_number(efficiency) && is_number(task_ns);
    is_sound.then_some(SweepPoint {
        task_ns,
        granularity_ns,
        efficiency,
    })
}

/// The medians of the points that exist. There must be at least one.
fn middle(size: &[Option<SweepPoint>]) -> SweepPoint {
    let of = |figure: fn(&SweepPoint) -> f64| {
        let figures: Vec<f64> = size.iter().flatten().map(figure).collect();
        median(&figures).unwrap_or(f64::NAN)
    };
    SweepPoint {
        task_ns: of(|point| point.task_ns),
        granularity_ns: of(|point| point.granularity_ns),
        efficiency: of(|point| point.efficiency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;
    use crate::record::{Bound, SliceUsage, UsageSource};
    use crate::report::Report;
    use crate::report::table::tables;
    use crate::stats::metg::Crossing;

    /// The record of one size on a backend that adds `overhead_ns` to each of 500 consecutive tasks, at a peak rate of
    /// 10 ns per unit.
    fn size(backend: &str, size: u64, overhead_ns: u64, round_count: usize) -> Record {
        let variant = format!("iterations={size}");
        let mut record = case("fine", backend, 2).variant(&variant).record();
        let mut sample = case("fine", backend, 2).walls_us(&[1]).record().samples[0].clone();
        sample.cpu_ns = None;
        sample.run_count = 1;
        sample.wall_ns = 500 * (10 * size + overhead_ns);
        record.samples = vec![sample; round_count];
        record.peak = Some(Peak {
            variant: String::new(),
            size_parameter: "iterations".into(),
            size: size as f64,
            task_ns: None,
            least_task_count: 500,
            efficiency_ratio: 0.5,
            probe_size: 2000.0,
            probe_task_count: 50,
            probes: vec![
                Probe {
                    wall_ns: 2 * 50 * 20_000,
                    run_count: 2,
                };
                round_count
            ],
        });
        record
    }

    fn sweep_of(records: &[Record]) -> Sweep {
        let mut report = Report::new(records).unwrap();
        assert_eq!((report.groups.len(), report.sweeps.len()), (0, 1));
        report.sweeps.remove(0)
    }

    #[test]
    fn records_of_a_sweep_give_one_curve_a_backend() {
        let mut records = Vec::new();
        for size_ in [1, 2, 5, 10, 20, 40] {
            // A thousand tasks on two workers are 500 consecutive tasks, so the granularity is work plus overhead.
            records.push(size("rayon", size_, 100, 7));
            records.push(size("tokio", size_, 100_000, 7));
        }
        let sweep = sweep_of(&records);
        assert_eq!(sweep.title(), "fine · 2 workers");
        let [rayon, tokio] = &sweep.curves[..] else {
            panic!("{:?}", sweep.curves);
        };
        let Some(Crossing::At(metg_ns)) = rayon.metg.map(|metg| metg.crossing) else {
            panic!("{rayon:?}");
        };
        assert!((metg_ns - 200.0).abs() < 1e-6, "{metg_ns}");
        assert!(rayon.metg.unwrap().interval.is_some());
        assert_eq!((rayon.points.len(), rayon.round_count), (6, 7));
        let coarsest = tokio.points[5].granularity_ns;
        let crossing = tokio.metg.map(|metg| metg.crossing);
        assert_eq!(crossing, Some(Crossing::Above(coarsest)));
        assert_eq!(rayon.utilisation, None);
        // The size 10 reaches the target. A child that does not measure its CPU time has it for whole slices.
        let usage = |cpu_ns| SliceUsage {
            invocation: 0,
            cpu_ns: Some(cpu_ns),
            voluntary_switch_count: None,
            involuntary_switch_count: None,
            wall_ns: 1_000,
            source: UsageSource::Clock,
        };
        for record in &mut records {
            let is_at_target = record.peak.as_ref().unwrap().size == 10.0;
            record.usage = vec![usage(if is_at_target { 1_500 } else { 10 })];
        }
        let report = Report::new(&records).unwrap();
        assert_eq!(report.sweeps[0].curves[0].utilisation, Some(0.75));
        let text = tables(&report);
        assert!(text.contains("METG(50%)"), "{text}");
        assert!(
            text.contains("no crossing: the largest tasks measured do not reach 50%"),
            "{text}"
        );
    }

    #[test]
    fn a_curve_that_passes_its_peak_is_not_to_be_trusted() {
        let mut records: Vec<Record> = [10, 20, 40]
            .map(|size_| size("rayon", size_, 100, 7))
            .into();
        let notes = |records: &[Record]| tables(&Report::new(records).unwrap());
        assert!(!notes(&records).contains("unreliable"));
        for sample in &mut records[2].samples {
            sample.wall_ns /= 2;
        }
        assert!(notes(&records).contains("unreliable"));
    }

    #[test]
    fn a_record_with_impossible_figures_has_no_points() {
        let mut broken: Vec<Record> = [10, 20].map(|size_| size("rayon", size_, 100, 7)).into();
        broken[0].graph.as_mut().unwrap().task_count = 0;
        broken[1].peak.as_mut().unwrap().probe_size = 0.0;
        let curve = &sweep_of(&broken).curves[0];
        assert_eq!((curve.points.len(), curve.metg), (0, None));
    }

    #[test]
    fn tasks_with_a_fixed_duration_are_compared_with_this_duration() {
        let mut timed = size("rayon", 1, 0, 7);
        let peak = timed.peak.as_mut().unwrap();
        (peak.task_ns, peak.least_task_count) = (Some(250.0), 100);
        peak.probes.clear();
        timed.host.core_count = 2;
        for sample in &mut timed.samples {
            sample.wall_ns = 100 * 1000;
            sample.worker_cores = vec![1, 1];
        }
        let task_count = timed.graph.unwrap().task_count as f64;
        let sweep = sweep_of(std::slice::from_ref(&timed));
        assert_eq!(sweep.curves[0].shared_core_count, 0);
        let on_workers = sweep.curves[0].points[0];
        assert_eq!((on_workers.task_ns, on_workers.efficiency), (250.0, 0.25));
        assert_eq!(on_workers.granularity_ns, 100_000.0 * 2.0 / task_count);
        // If all tasks wait at the same time, the number of workers does not matter, only the number of consecutive
        // tasks.
        timed.bound = Some(Bound {
            work_ns: 1,
            span_ns: 1,
            parallelism: None,
            lower_bound_ns: 1,
            certified_optimum_ns: None,
        });
        let at_once = sweep_of(&[timed]).curves[0].points[0];
        assert!((at_once.granularity_ns - 1000.0).abs() < 1e-9);
        assert_eq!(at_once.efficiency, 0.25);
    }

    #[test]
    fn points_too_fine_and_sizes_that_failed_are_counted_and_left_out() {
        let mut failed = size("rayon", 3, 100, 7);
        failed.samples.clear();
        failed.error = Some(crate::record::CaseError::new(
            crate::record::ErrorKind::Panic,
            "out of cheese",
        ));
        let mut fine = size("rayon", 1, 0, 7);
        for sample in &mut fine.samples {
            // This is less than the 10 ns that the work takes without overlap.
            sample.wall_ns = 500 * 7;
        }
        let mut coarse = size("rayon", 40, 10, 7);
        coarse.host.core_count = 2;
        coarse.samples[3].worker_cores = vec![1, 1];
        let sweep = sweep_of(&[fine, failed, coarse]);
        let curve = &sweep.curves[0];
        assert_eq!(curve.shared_core_count, 1);
        assert_eq!(
            (curve.points.len(), curve.left_out_count, curve.failed_count),
            (1, 1, 1)
        );
        assert!(matches!(curve.metg.unwrap().crossing, Crossing::Below(_)));
    }
}
