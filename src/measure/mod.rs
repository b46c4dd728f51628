//! The loop that times samples, and the measurements around it.
//!
//! | module | what it measures |
//! |---|---|
//! | [`clock`], [`task_clock`] | the cost of reading the clocks; which clock times tasks |
//! | [`binding`] | whether a backend binds its workers to cores |
//! | [`calibration`] | how fast the machine is at the moment |
//! | [`schedule`] | how fast a case can be at best, and how long its tasks take |

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use self::clock::clock_cost;
use crate::backend::{Death, Pool};
use crate::execute::{Ending, Failure, Job, fold};
use crate::kernel::Findings;
use crate::machine::ticks::{CpuTicks, foreign_cpu_ns};
use crate::machine::usage::{
    UsageMeter, peak_memory_bytes, worker_cores, worker_threads, worker_usage,
};
use crate::record::{
    Latencies, Sample, SliceUsage, WorkerDeath, WorkerUsage, add_latencies, nanoseconds,
};

pub(crate) mod binding;
pub(crate) mod calibration;
pub(crate) mod clock;
pub(crate) mod schedule;
pub(crate) mod task_clock;

/// When a slice ends: as soon as both minimums are reached, or one of the maximums. It contains at least one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlicePlan {
    /// The minimum duration in nanoseconds.
    pub min_time_ns: u64,
    /// The maximum duration in nanoseconds. The last sample may exceed it.
    pub max_time_ns: u64,
    /// The minimum number of samples.
    pub min_sample_count: u64,
    /// The maximum number of samples.
    pub max_sample_count: u64,
    /// The number of runs per sample; null for the number that the warm-up chose. Two programs that are measured in
    /// alternation must use the same number.
    #[serde(default)]
    pub run_count: Option<u64>,
}

/// The longest time in a plan or a request: a billion seconds, as on the command line.
pub(crate) const MOST_NS: u64 = 1_000_000_000_000_000_000;

impl SlicePlan {
    /// A plan for exactly `count` samples, without a limit on time.
    pub fn exactly(count: u64) -> Self {
        Self {
            min_time_ns: 0,
            max_time_ns: MOST_NS,
            min_sample_count: count,
            max_sample_count: count,
            run_count: None,
        }
    }
}

/// The result of a slice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// The samples, in the order in which they were taken; at least one.
    pub samples: Vec<Sample>,
    /// The digest of the last run of each sample.
    pub digests: Vec<u64>,
    /// The findings of the kernel, summed over the samples.
    pub findings: Findings,
    /// The worker processes that died and were replaced.
    pub deaths: Vec<WorkerDeath>,
    /// The latencies that the kernel recorded, by name, if they were asked for.
    pub latencies: Latencies,
    /// What all processes used, if the parent measured it.
    pub usage: Option<SliceUsage>,
}

/// Measures one job on one pool.
pub struct Meter {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
    /// The digest that every run must have; `None` if somebody else compares it.
    expected: Option<u64>,
    /// The nonce of the next run.
    nonce: u64,
    /// Whether the nonce of each run follows from the run before it.
    is_chained: bool,
    /// The digest of the last run; 0 before the first.
    digest: u64,
    worker_count: usize,
    worker_processes: Vec<Pid>,
    usage: UsageMeter,
    /// The number of runs per sample.
    run_count: u64,
    /// By what fraction each sample is made longer; see [`Meter::stretch`].
    stretch_ratio: Option<f64>,
    /// The deaths of worker processes that no slice contains yet.
    deaths: Vec<WorkerDeath>,
    /// A shorter run is a failure, see [`Meter::with_least_wall_ns`].
    least_wall_ns: u64,
}

impl Meter {
    /// A meter for `job` on `pool`, before the warm-up, with nonce 0. Every run must have the digest `expected`, if there
    /// is one. Without it, the caller compares the digests.
    pub fn new(
        job: Arc<Job>,
        pool: Box<dyn Pool>,
        worker_count: usize,
        expected: Option<u64>,
    ) -> Self {
        let worker_processes = worker_processes(pool.as_ref());
        Self {
            job,
            pool,
            expected,
            nonce: 0,
            is_chained: false,
            digest: 0,
            worker_count,
            usage: UsageMeter::new(&worker_processes),
            worker_processes,
            run_count: 1,
            stretch_ratio: None,
            deaths: Vec::new(),
            least_wall_ns: 0,
        }
    }

    /// Makes every run that takes less than `least_wall_ns` a failure. The default is 0.
    pub fn with_least_wall_ns(self, least_wall_ns: u64) -> Self {
        Self {
            least_wall_ns,
            ..self
        }
    }

    /// Makes every sample longer by the fraction `ratio` of its own time, to test whether such a slow-down is detected.
    /// After the last run, the calling thread spins until the sample has lasted `1 + ratio` times as long. Nothing is
    /// added between the runs, so workers wait and wake as usual. `None` changes nothing.
    #[must_use]
    pub fn stretch(self, ratio: Option<f64>) -> Self {
        Self {
            stretch_ratio: ratio,
            ..self
        }
    }

    /// Sets the nonce of all following runs. If they are chained, it is that of the next run, and each run takes its
    /// nonce from the run before it: the nonce of that run, folded with its digest.
    pub fn set_nonce(&mut self, nonce: u64, is_chained: bool) {
        self.nonce = nonce;
        self.is_chained = is_chained;
        self.job.set_nonce(nonce);
    }

    /// The digest of the last run; 0 before the first.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The number of runs per sample that the warm-up chose; 1 before the warm-up.
    pub fn run_count(&self) -> u64 {
        self.run_count
    }

    /// Runs the job for `duration`, and at least `least_run_count` times and once. Then chooses the number of runs per sample, so that a sample lasts
    /// at least `min_sample` and is long enough for the clock.
    ///
    /// # Errors
    ///
    /// If a run failed. Warm-up runs are verified like all others.
    pub fn warm_up(
        &mut self,
        duration: Duration,
        least_run_count: u64,
        min_sample: Duration,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let mut run_count = 0;
        let mut shortest = Duration::MAX;
        loop {
            let (sample, _) = self.sample(self.run_count)?;
            run_count += sample.run_count;
            shortest = shortest.min(Duration::from_nanos(sample.wall_ns / sample.run_count));
            if start.elapsed() >= duration && run_count >= least_run_count {
                break;
            }
        }
        // The usage of worker processes is read outside the timed part of a sample. So only the reading of this
        // process counts.
        let for_clock = clock_cost(&UsageMeter::new(&[])).runs_per_sample(shortest);
        let for_length = min_sample.as_nanos().div_ceil(shortest.as_nanos().max(1));
        self.run_count = for_clock.max(u64::try_from(for_length).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Takes samples according to `plan`, and sums their findings.
    ///
    /// # Errors
    ///
    /// If a run failed. The samples before it are dropped, because the case does not work.
    pub fn slice(&mut self, plan: &SlicePlan) -> Result<Slice, Failure> {
        let mut slice = Slice::default();
        let run_count = plan.run_count.unwrap_or(self.run_count).max(1);
        let ticks = CpuTicks::now();
        let usage = self.usage.read_before();
        let start = Instant::now();
        loop {
            let (sample, found) = self.sample(run_count)?;
            slice.samples.push(sample);
            slice.digests.push(self.digest);
            for (name, count) in found {
                *slice.findings.entry(name).or_default() += count;
            }
            self.take_latencies(&mut slice);
            slice.deaths.append(&mut self.deaths);
            if is_over(plan, start.elapsed(), slice.samples.len() as u64) {
                break;
            }
        }
        let own_cpu_ns = self.usage.read_after().since(usage).cpu_ns;
        let foreign_cpu_ns = ticks.zip(CpuTicks::now()).and_then(|(before, after)| {
            foreign_cpu_ns(&before, &after, start.elapsed(), own_cpu_ns)
        });
        share_out(foreign_cpu_ns, start.elapsed(), &mut slice.samples);
        Ok(slice)
    }

    /// Lets the kernel record latencies in all following slices, or stops it.
    pub fn record_latencies(&self, on: bool) {
        self.job.kernel().record_latencies(on);
    }

    /// Adds to `slice` the latencies of its last sample, except those that are degraded, like its times.
    fn take_latencies(&self, slice: &mut Slice) {
        let taken = self.job.kernel().take_latencies();
        if slice
            .samples
            .last()
            .is_some_and(|sample| !sample.is_degraded)
        {
            add_latencies(&mut slice.latencies, taken);
        }
    }

    /// The peak memory of the case so far, in bytes; see [`crate::record::Record::peak_memory_bytes`].
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        peak_memory_bytes(&self.worker_processes)
    }

    /// What each worker has used so far; see [`crate::record::Record::worker_usage`].
    pub fn worker_usage(&self) -> Vec<WorkerUsage> {
        let threads = worker_threads(self.worker_count, self.job.worker_threads());
        worker_usage(&threads, &self.worker_processes)
    }

    /// Takes one sample of `run_count` runs. This is the only place where samples are timed; [`schedule`] times traced runs.
    fn sample(&mut self, run_count: u64) -> Result<(Sample, Findings), Failure> {
        self.job.kernel().reset();
        let usage_before = self.usage.read_before();
        let start = Instant::now();
        for _ in 0..run_count {
            self.job.begin_run();
            if self.pool.run().is_err() {
                return Err(self.job.why_halted());
            }
            if self.is_chained {
                let digest = self.job.digest()?;
                self.set_nonce(fold(self.nonce, digest), true);
            }
        }
        let wall = self.stretched(start);
        let own_usage = self.usage.read_own_after();
        let mut workers_usage = self.usage.read_workers();
        self.digest = self.job.digest()?;
        if let Some(expected) = self.expected {
            expect(expected, self.digest)?;
        }
        let findings = self.job.verify_kernel(run_count)?;
        refuse_too_fast(nanoseconds(wall), run_count, self.least_wall_ns)?;
        let deaths = self.pool.take_deaths();
        let is_degraded = !deaths.is_empty();
        self.deaths.extend(deaths.into_iter().map(recorded_death));
        if is_degraded {
            // The workers that replaced the dead ones have worked in this sample too.
            self.follow_workers();
            workers_usage = self.usage.read_workers();
        }
        let usage = own_usage.plus(workers_usage).since(usage_before);
        let threads = worker_threads(self.worker_count, self.job.worker_threads());
        let sample = Sample {
            cpu_ns: Some(usage.cpu_ns),
            voluntary_switch_count: Some(usage.voluntary_switch_count),
            involuntary_switch_count: Some(usage.involuntary_switch_count),
            worker_cores: worker_cores(&threads, &self.worker_processes),
            is_degraded,
            ..Sample::new(nanoseconds(wall), run_count)
        };
        Ok((sample, findings))
    }

    /// The time since `start`. If samples are stretched, it spins first.
    fn stretched(&self, start: Instant) -> Duration {
        let mut elapsed = start.elapsed();
        if let Some(ratio) = self.stretch_ratio {
            let end = elapsed.mul_f64(1.0 + ratio);
            while elapsed < end {
                std::hint::spin_loop();
                elapsed = start.elapsed();
            }
        }
        elapsed
    }

    /// Updates the list of worker processes after some of them were replaced.
    fn follow_workers(&mut self) {
        self.worker_processes = worker_processes(self.pool.as_ref());
        self.usage = UsageMeter::new(&self.worker_processes);
    }
}

/// Checks that a run had the digest that it must have.
///
/// # Errors
///
/// [`Failure::WrongDigest`] with both.
pub(crate) fn expect(expected: u64, found: u64) -> Result<(), Failure> {
    match found == expected {
        true => Ok(()),
        false => Err(Failure::WrongDigest { found, expected }),
    }
}

/// Checks that runs were not faster than the bound. Otherwise they broke a dependence or skipped work.
///
/// # Errors
///
/// [`Failure::BeatBound`] with the mean wall time of a run.
pub(crate) fn refuse_too_fast(
    wall_ns: u64,
    run_count: u64,
    least_wall_ns: u64,
) -> Result<(), Failure> {
    let wall_ns = wall_ns / run_count;
    match wall_ns < least_wall_ns {
        true => Err(Failure::BeatBound {
            wall_ns,
            bound_ns: least_wall_ns,
        }),
        false => Ok(()),
    }
}

fn worker_processes(pool: &dyn Pool) -> Vec<Pid> {
    let ids = pool.worker_processes().into_iter();
    ids.filter_map(|id| Pid::from_raw(id.cast_signed()))
        .collect()
}

/// Converts `death` to the form that records use.
pub(crate) fn recorded_death(death: Death) -> WorkerDeath {
    let (signal, exit_code) = match death.ending {
        Ending::Signal(signal) => (Some(signal), None),
        Ending::Exit(code) => (None, Some(code)),
        Ending::Unknown => (None, None),
    };
    WorkerDeath {
        worker: death.worker,
        signal,
        exit_code,
        task: death.task.map(|task| u64::from(task.0)),
        attempt_count: death.attempt_count,
    }
}

fn is_over(plan: &SlicePlan, elapsed: Duration, sample_count: u64) -> bool {
    let elapsed = elapsed.as_nanos();
    let enough = elapsed >= u128::from(plan.min_time_ns) && sample_count >= plan.min_sample_count;
    enough || elapsed >= u128::from(plan.max_time_ns) || sample_count >= plan.max_sample_count
}

/// Distributes the CPU time that everything else used during the slice over the samples, in proportion to their wall
/// time.
fn share_out(foreign_cpu_ns: Option<u64>, slice: Duration, samples: &mut [Sample]) {
    let slice_ns = slice.as_nanos().max(1);
    for sample in samples {
        sample.foreign_cpu_ns = foreign_cpu_ns.map(|foreign| {
            let part = u128::from(foreign) * u128::from(sample.wall_ns) / slice_ns;
            // The wall time of a sample is at most that of the slice, so the share fits into 64 bits.
            part as u64
        });
    }
}
