//! The load of each core over a whole run, combined from the load of its cases.

use super::heading::began;
use crate::record::{LoadSource, Record};

/// How busy each core was over a run. Times are in nanoseconds since the beginning of the run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LoadMap {
    /// The number of cores whose load is known; 0 if no case has any load.
    pub core_count: usize,
    /// The end of the last stretch.
    pub end_ns: u64,
    /// Stretches of time in chronological order. Between them, the load is not known.
    pub stretches: Vec<Stretch>,
    /// The sources of the load, without [`LoadSource::TooShort`].
    pub sources: Vec<LoadSource>,
    /// When the samples of each case were taken, in chronological order.
    pub cases: Vec<CaseSpan>,
}

/// The time in which a case took its samples.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CaseSpan {
    /// The case, by its name on the command line.
    pub case: String,
    /// The time from the beginning of the run to the first sample, in nanoseconds.
    pub start_ns: u64,
    /// The time from the beginning of the run to the last sample, in nanoseconds.
    pub end_ns: u64,
}

/// A stretch of time with one load per core, or without any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// The time from the beginning of the run to the beginning of the stretch, in nanoseconds.
    pub start_ns: u64,
    /// The length of the stretch in nanoseconds.
    pub length_ns: u64,
    /// One busy ratio per core, from 0 to 1; empty if the case was too short to measure it.
    pub cores: Vec<f64>,
}

impl LoadMap {
    /// The load over these records. If they come from several runs, the runs follow each other without a gap.
    pub(super) fn new(records: &[Record]) -> Self {
        let mut ordered: Vec<&Record> = records.iter().collect();
        ordered.sort_by_key(|record| began(record));
        let mut map = Self::default();
        let mut run_start_ns = 0;
        let mut previous_ns = 0;
        for record in ordered {
            // The clock of a run never runs backwards, so a new run begins here.
            if record.since_run_start_ns < previous_ns {
                run_start_ns = map.end_ns;
            }
            previous_ns = record.since_run_start_ns;
            map.add(record, run_start_ns + record.since_run_start_ns);
        }
        map
    }

    fn add(&mut self, record: &Record, case_start_ns: u64) {
        // Nothing is sampled before the end of the warm-up.
        let mut start_ns = case_start_ns + record.plan.warmup_ns;
        // The stretches of the previous case were placed according to its plan. It ended before this case began.
        self.cut(case_start_ns);
        let walls = record.samples.iter().map(|one| one.wall_ns);
        let sampled_ns = walls.fold(0, u64::saturating_add);
        self.cases.push(CaseSpan {
            case: record.case.id(),
            start_ns,
            end_ns: start_ns.saturating_add(sampled_ns),
        });
        let load = &record.load;
        if load.source == LoadSource::TooShort || load.cores.is_empty() {
            self.push(start_ns, sampled_ns, Vec::new());
            return;
        }
        if !self.sources.contains(&load.source) {
            self.sources.push(load.source);
        }
        for cores in &load.cores {
            self.core_count = self.core_count.max(cores.len());
            self.push(start_ns, load.interval_ns, cores.clone());
            start_ns += load.interval_ns;
        }
    }

    /// Removes everything after `at_ns`.
    fn cut(&mut self, at_ns: u64) {
        while self
            .stretches
            .pop_if(|last| last.start_ns >= at_ns)
            .is_some()
        {}
        if let Some(last) = self.stretches.last_mut() {
            last.length_ns = last.length_ns.min(at_ns - last.start_ns);
        }
        self.end_ns = self.end_ns.min(at_ns);
    }

    fn push(&mut self, start_ns: u64, length_ns: u64, cores: Vec<f64>) {
        self.end_ns = self.end_ns.max(start_ns + length_ns);
        self.stretches.push(Stretch {
            start_ns,
            length_ns,
            cores,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;
    use crate::report::Report;

    #[test]
    fn the_load_of_all_cases_makes_one_map() {
        let mut second = case("empty", "rayon", 2).walls_us(&[500_000]).record();
        second.since_run_start_ns = 300_000_000;
        second.started_at = "2026-11-02T12:00:00.3Z".into();
        // Another run, an hour later, follows the first without a gap.
        let mut third = case("empty", "tokio", 2).load(0, &[[0.0, 1.0]]).record();
        third.started_at = "2026-11-02T13:00:00Z".into();
        let first = case("empty", "serial", 1).load(0, &[[1.0, 0.5], [0.25, 0.75]]);
        let report = Report::new(&[third, second, first.record()]).unwrap();
        let ms = |start_ms: u64, length_ms: u64, cores: &[f64]| Stretch {
            start_ns: start_ms * 1_000_000,
            length_ns: length_ms * 1_000_000,
            cores: cores.into(),
        };
        let span = |case: &str, start_ms: u64, end_ms: u64| CaseSpan {
            case: case.into(),
            start_ns: start_ms * 1_000_000,
            end_ns: end_ms * 1_000_000,
        };
        let expected = LoadMap {
            core_count: 2,
            end_ns: 1_100_000_000,
            stretches: vec![
                ms(50, 200, &[1.0, 0.5]),
                // The stretch ends where the next case begins.
                ms(250, 50, &[0.25, 0.75]),
                // This case was too short to measure its load.
                ms(350, 500, &[]),
                ms(900, 200, &[0.0, 1.0]),
            ],
            sources: vec![LoadSource::Sysinfo],
            cases: vec![
                span("empty/serial/1", 50, 56),
                span("empty/rayon/2", 350, 850),
                span("empty/tokio/2", 900, 906),
            ],
        };
        assert_eq!(report.load, expected);
    }
}
