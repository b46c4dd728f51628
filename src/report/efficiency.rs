//! Efficiency over task granularity: what sweeps over task sizes tell.

use std::collections::BTreeMap;

use serde_json::Value;

use super::group::{label, parameters};
use super::model::{ALPHA, Curve, LIMIT, Sweep};
use crate::record::{Case, Peak, Probe, Record, Sample};
use crate::stats::median;
use crate::stats::metg::{SweepPoint, metg};

/// Below this granularity the processor may still work on several tasks at once, whatever chains them, and efficiency
/// could pass 100%: such points are left out (METHODOLOGY.md, "Tasks that follow each other on a thread do not
/// overlap").
const LEAST_GRANULARITY_NS: f64 = 8.0;

/// One size of a sweep.
type SweepRecord<'a> = (&'a Record, &'a Peak);

/// The sweeps among these records, without slugs.
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

/// The parameters of a case without the one that is swept.
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

/// Samples in which two workers were last seen on one core, on machines that have one for each of them. Tasks that go
/// by the clock last as long there as anywhere, so theirs do not count.
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
    // A size is in all rounds or in none.
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
    }
}

/// One point a round; none where worker processes died.
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

/// What a task takes at peak, as a probe has it.
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
        // Where any number of tasks can wait at once, as many as the graph lets.
        Some(bound) if bound.parallelism.is_none() => task_count / least_task_count,
        _ => f64::from(record.case.workers),
    };
    let granularity_ns = wall_ns * parallelism / task_count;
    let efficiency = least_task_count * task_ns / wall_ns;
    // A record may have come from anywhere.
    let is_number = |figure: f64| figure > 0.0 && figure.is_finite();
    let is_sound = is_number(granularity_ns) && is_number(efficiency) && is_number(task_ns);
    is_sound.then_some(SweepPoint {
        task_ns,
        granularity_ns,
        efficiency,
    })
}

/// The medians of what is there, which is at least one.
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
    use crate::record::Bound;
    use crate::record::fixture::case;
    use crate::report::Report;
    use crate::report::table::tables;
    use crate::stats::metg::Crossing;

    /// A size on a backend that adds `overhead_ns` to each of its 500 tasks in a row, at a peak of 10 ns a unit.
    fn size(backend: &str, size: u64, overhead_ns: u64, round_count: usize) -> Record {
        let variant = format!("iterations={size}");
        let mut record = case("fine", backend, 2).variant(&variant).record();
        let mut sample = case("fine", backend, 2).walls_us(&[1]).record().samples[0].clone();
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
            // A thousand tasks on two workers: 500 in a row, so that granularity is work and overhead.
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
        let report = Report::new(&records).unwrap();
        let text = tables(&report);
        assert!(text.contains("METG(50%)"), "{text}");
        assert!(
            text.contains("no crossing: the coarsest tasks measured do not reach 50%"),
            "{text}"
        );
    }

    #[test]
    fn a_curve_that_passes_its_peak_is_not_to_be_trusted() {
        let mut records: Vec<Record> = [10, 20, 40]
            .map(|size_| size("rayon", size_, 100, 7))
            .into();
        let notes = |records: &[Record]| tables(&Report::new(records).unwrap());
        assert!(!notes(&records).contains("not to be trusted"));
        for sample in &mut records[2].samples {
            sample.wall_ns /= 2;
        }
        assert!(notes(&records).contains("not to be trusted"));
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
    fn tasks_by_the_clock_are_told_against_the_clock() {
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
        // Where all wait at once there are no workers: what counts is how many are in a row.
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
            // Less than the 10 ns that the work takes where nothing overlaps.
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
