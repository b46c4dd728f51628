//! Per-core load over a whole run, put together from the load of its cases.

use super::heading::began;
use crate::record::{LoadSource, Record};

/// How busy each core was, from the beginning of the run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LoadMap {
    /// How many cores have a figure; 0 if no case does.
    pub core_count: usize,
    /// Where the last stretch ends.
    pub end_ns: u64,
    /// Stretches of time in their order; between them nothing is known.
    pub stretches: Vec<Stretch>,
    /// The sources of the figures, without [`LoadSource::TooShort`].
    pub sources: Vec<LoadSource>,
}

/// A stretch of time in which the load of the cores did not change, or is not known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// Where it begins, from the beginning of the run.
    pub start_ns: u64,
    /// How long it is.
    pub length_ns: u64,
    /// One busy ratio a core, or nothing if the case was too short for one.
    pub cores: Vec<f64>,
}

impl LoadMap {
    /// The load over these records. Where they come from several runs, one run follows upon the other.
    pub(super) fn new(records: &[Record]) -> Self {
        let mut ordered: Vec<&Record> = records.iter().collect();
        ordered.sort_by_key(|record| began(record));
        let mut map = Self::default();
        let mut run_start_ns = 0;
        let mut previous_ns = 0;
        for record in ordered {
            // The clock of a run never goes back, so here a new one has begun.
            if record.since_run_start_ns < previous_ns {
                run_start_ns = map.end_ns;
            }
            previous_ns = record.since_run_start_ns;
            map.add(record, run_start_ns + record.since_run_start_ns);
        }
        map
    }

    fn add(&mut self, record: &Record, case_start_ns: u64) {
        // Before the warm-up ends nothing is sampled.
        let mut start_ns = case_start_ns + record.plan.warmup_ns;
        // The stretches of the case before were placed by its plan; they cannot have gone on until now.
        self.cut(case_start_ns);
        let load = &record.load;
        if load.source == LoadSource::TooShort || load.cores.is_empty() {
            let length_ns = record.samples.iter().map(|sample| sample.wall_ns).sum();
            self.push(start_ns, length_ns, Vec::new());
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

    /// Ends whatever goes on beyond `at_ns`.
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
