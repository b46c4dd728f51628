//! The only timing loop, and what is known about the machine around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::backend::Pool;
use crate::execute::{Failure, Job};
use crate::kernel::Findings;
use crate::record::Sample;


/// A sample must last at least this many times what reading the clocks around it costs, so that the
/// reading is less than one percent of what is read. (divan asks the same of its timer precision.)
const SAMPLE_PER_CLOCK_COST: u32 = 100;

/// How long a slice lasts: until `min_time_ns` and `min_sample_count` are both reached, but no longer than
/// `max_time_ns`, and no more than `max_sample_count` samples. At least one sample is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlicePlan {
    /// Samples are taken for at least this long,
    pub min_time_ns: u64,
    /// at most this long,
    pub max_time_ns: u64,
    /// until there are at least this many,
    pub min_sample_count: u64,
    /// and at most this many.
    pub max_sample_count: u64,
}

/// Measures one job on one pool.
pub struct Meter {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
    /// The digest that every run must give.
    expected: u64,
    /// Runs a sample.
    run_count: u64,
    usage: UsageMeter,
}

impl Meter {
    /// A meter that has not warmed up.
    pub fn new(job: Arc<Job>, pool: Box<dyn Pool>, expected: u64) -> Self {
        let usage = UsageMeter::new(pool.worker_processes());
        Self {
            job,
            pool,
            expected,
            run_count: 1,
            usage,
        }
    }

    /// Runs the job for `duration`, at least once, and settles how many runs a sample must hold to last
    /// `min_sample`, and long enough for the clock.
    ///
    /// # Errors
    ///
    /// Why a run failed. Warm-up runs are verified like every other.
    pub fn warm_up(&mut self, duration: Duration, min_sample: Duration) -> Result<(), Failure> {
        let start = Instant::now();
        let mut shortest = Duration::MAX;
        loop {
            let (sample, _) = self.sample()?;
            shortest = shortest.min(Duration::from_nanos(sample.wall_ns / sample.run_count));
            if start.elapsed() >= duration {
                break;
            }
        }
        let enough = min_sample.max(clock_cost().sample * SAMPLE_PER_CLOCK_COST);
        let runs = enough.as_nanos().div_ceil(shortest.as_nanos().max(1));
        self.run_count = u64::try_from(runs).unwrap_or(1).max(1);
        Ok(())
    }

    /// Takes samples as `plan` says, and adds up their findings.
    ///
    /// # Errors
    ///
    /// Why a run failed. The samples taken before it are void: they are of a case that does not work.
    pub fn slice(&mut self, plan: &SlicePlan) -> Result<(Vec<Sample>, Findings), Failure> {
        let mut samples = Vec::new();
        let mut findings = Findings::new();
        let mut foreign = ForeignCpu::start(&self.usage);
        let start = Instant::now();
        loop {
            let (sample, found) = self.sample()?;
            samples.push(sample);
            for (name, count) in found {
                *findings.entry(name).or_default() += count;
            }
            if is_over(plan, start.elapsed(), samples.len() as u64) {
                break;
            }
        }
        foreign.share_out(&self.usage, &mut samples);
        Ok((samples, findings))
    }

    /// The peak memory of the case so far; see [`crate::record::Record::peak_memory_bytes`].
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.usage.peak_memory_bytes()
    }

    /// Takes one sample: the only place where a run is timed.
    fn sample(&mut self) -> Result<(Sample, Findings), Failure> {
        self.job.kernel().reset();
        let usage_before = self.usage.read();
        let start = Instant::now();
        for _ in 0..self.run_count {
            self.job.begin_run();
            if self.pool.run().is_err() {
                return Err(self.why_halted());
            }
        }
        let wall = start.elapsed();
        let usage = self.usage.read() - usage_before;
        self.job.verify(self.expected)?;
        let findings = self.job.verify_kernel(self.run_count)?;
        let sample = Sample {
            wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
            run_count: self.run_count,
            cpu_ns: usage.cpu_ns,
            foreign_cpu_ns: None,
            voluntary_switch_count: usage.voluntary_switch_count,
            involuntary_switch_count: usage.involuntary_switch_count,
            worker_cores: self.usage.worker_cores(),
        };
        Ok((sample, findings))
    }

    fn why_halted(&self) -> Failure {
        self.job.failure().unwrap_or_else(|| Failure::Backend {
            message: "it stopped without giving a reason".into(),
        })
    }
}

fn is_over(plan: &SlicePlan, elapsed: Duration, sample_count: u64) -> bool {
    let elapsed = elapsed.as_nanos();
    let enough =
        elapsed >= u128::from(plan.min_time_ns) && sample_count >= plan.min_sample_count;
    enough
        || elapsed >= u128::from(plan.max_time_ns)
        || sample_count >= plan.max_sample_count
}
