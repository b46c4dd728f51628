//! The only timing loop, and what else is timed around it.
//!
//! | module | what it measures |
//! |---|---|
//! | [`clock`] | what it costs to read the clocks |
//! | [`binding`] | whether a backend binds its workers to cores |
//! | [`calibration`] | how fast the machine is right now |
//! | [`schedule`] | how fast a case can be at best, and how long its tasks really take |

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use self::clock::clock_cost;
use crate::backend::{Death, Pool};
use crate::execute::{Ending, Failure, Job};
use crate::kernel::Findings;
use crate::machine::ticks::{CpuTicks, foreign_cpu_ns};
use crate::machine::usage::{UsageMeter, peak_memory_bytes, worker_cores};
use crate::record::{Sample, WorkerDeath, nanoseconds};

pub(crate) mod binding;
pub(crate) mod calibration;
pub(crate) mod clock;
pub(crate) mod schedule;

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
    /// How many runs a sample holds; null for as many as the warm-up settled. Two programs that take turns
    /// are to be timed over the same number.
    #[serde(default)]
    pub run_count: Option<u64>,
}

impl SlicePlan {
    /// Exactly this many samples, however long they take.
    pub fn samples(count: u64) -> Self {
        Self {
            min_time_ns: 0,
            max_time_ns: u64::MAX,
            min_sample_count: count,
            max_sample_count: count,
            run_count: None,
        }
    }
}

/// What a slice yielded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// The samples, in the order they were taken; at least one.
    pub samples: Vec<Sample>,
    /// Sums over the samples.
    pub findings: Findings,
    /// The worker processes that died and were replaced.
    pub deaths: Vec<WorkerDeath>,
}

/// Measures one job on one pool.
pub struct Meter {
    job: Arc<Job>,
    pool: Box<dyn Pool>,
    /// The digest that every run must give.
    expected: u64,
    worker_count: usize,
    worker_processes: Vec<Pid>,
    usage: UsageMeter,
    /// Runs a sample.
    run_count: u64,
    /// By what part each sample is made longer; see [`Meter::stretch`].
    stretch_ratio: Option<f64>,
    /// Deaths that were not told yet.
    deaths: Vec<WorkerDeath>,
    /// No run can be shorter.
    least_wall_ns: u64,
}

impl Meter {
    /// A meter that has not warmed up.
    pub fn new(job: Arc<Job>, pool: Box<dyn Pool>, worker_count: usize, expected: u64) -> Self {
        let worker_processes = worker_processes(pool.as_ref());
        Self {
            job,
            pool,
            expected,
            worker_count,
            usage: UsageMeter::new(&worker_processes),
            worker_processes,
            run_count: 1,
            stretch_ratio: None,
            deaths: Vec::new(),
            least_wall_ns: 0,
        }
    }

    /// The same meter, to which a run shorter than this is a failure.
    pub fn with_least_wall_ns(self, least_wall_ns: u64) -> Self {
        Self {
            least_wall_ns,
            ..self
        }
    }

    /// Makes every sample longer by this part of its own time, to see whether that would be noticed: after the
    /// last run the calling thread spins until the sample has lasted `1 + ratio` times as long. Nothing is
    /// added between the runs, so workers wait and wake as they would have.
    #[must_use]
    pub fn stretch(self, ratio: Option<f64>) -> Self {
        Self {
            stretch_ratio: ratio,
            ..self
        }
    }

    /// How many runs the warm-up put into a sample.
    pub fn run_count(&self) -> u64 {
        self.run_count
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
            let (sample, _) = self.sample(self.run_count)?;
            shortest = shortest.min(Duration::from_nanos(sample.wall_ns / sample.run_count));
            if start.elapsed() >= duration {
                break;
            }
        }
        // Worker processes are read before and after everything else: only what is read of this process
        // falls into the sample.
        let for_clock = clock_cost(&UsageMeter::new(&[])).runs_per_sample(shortest);
        let for_length = min_sample.as_nanos().div_ceil(shortest.as_nanos().max(1));
        self.run_count = for_clock.max(u64::try_from(for_length).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Takes samples as `plan` says, and adds up their findings.
    ///
    /// # Errors
    ///
    /// Why a run failed. The samples taken before it are void: they are of a case that does not work.
    pub fn slice(&mut self, plan: &SlicePlan) -> Result<Slice, Failure> {
        let mut slice = Slice::default();
        let run_count = plan.run_count.unwrap_or(self.run_count).max(1);
        let ticks = CpuTicks::now();
        let usage = self.usage.read_before();
        let start = Instant::now();
        loop {
            let (sample, found) = self.sample(run_count)?;
            slice.samples.push(sample);
            for (name, count) in found {
                *slice.findings.entry(name).or_default() += count;
            }
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

    /// The peak memory of the case so far; see [`crate::record::Record::peak_memory_bytes`].
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        peak_memory_bytes(&self.worker_processes)
    }

    /// Takes one sample: the only place where a run is timed.
    fn sample(&mut self, run_count: u64) -> Result<(Sample, Findings), Failure> {
        self.job.kernel().reset();
        let usage_before = self.usage.read_before();
        let start = Instant::now();
        for _ in 0..run_count {
            self.job.begin_run();
            if self.pool.run().is_err() {
                return Err(self.job.why_halted());
            }
        }
        let wall = self.stretched(start);
        let own_usage = self.usage.read_own_after();
        let mut workers_usage = self.usage.read_workers();
        self.job.verify(self.expected)?;
        let findings = self.job.verify_kernel(run_count)?;
        self.refuse_too_fast(wall, run_count)?;
        let deaths = self.pool.take_deaths();
        let is_degraded = !deaths.is_empty();
        self.deaths.extend(deaths.into_iter().map(recorded_death));
        if is_degraded {
            // Those who took the place of the dead have done work of this sample too.
            self.follow_workers();
            workers_usage = self.usage.read_workers();
        }
        let usage = own_usage.plus(workers_usage).since(usage_before);
        let sample = Sample {
            wall_ns: nanoseconds(wall),
            run_count,
            cpu_ns: usage.cpu_ns,
            foreign_cpu_ns: None,
            voluntary_switch_count: usage.voluntary_switch_count,
            involuntary_switch_count: usage.involuntary_switch_count,
            worker_cores: worker_cores(self.worker_count, &self.worker_processes),
            is_degraded,
        };
        Ok((sample, findings))
    }

    /// A run that beats the bound has broken a dependence, or left out work, and its figures are worth nothing.
    fn refuse_too_fast(&self, wall: Duration, run_count: u64) -> Result<(), Failure> {
        let wall_ns = nanoseconds(wall) / run_count;
        match wall_ns < self.least_wall_ns {
            true => Err(Failure::BeatBound {
                wall_ns,
                bound_ns: self.least_wall_ns,
            }),
            false => Ok(()),
        }
    }

    /// How long it is since `start`, once that has been stretched.
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

    /// Watches the worker processes that there are now.
    fn follow_workers(&mut self) {
        self.worker_processes = worker_processes(self.pool.as_ref());
        self.usage = UsageMeter::new(&self.worker_processes);
    }
}

fn worker_processes(pool: &dyn Pool) -> Vec<Pid> {
    let ids = pool.worker_processes().into_iter();
    ids.filter_map(|id| Pid::from_raw(id.cast_signed()))
        .collect()
}

/// `death` as records have it.
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

/// Gives each sample its part of the CPU time that everything else took during the slice, by its part of
/// the slice's wall clock.
fn share_out(foreign_cpu_ns: Option<u64>, slice: Duration, samples: &mut [Sample]) {
    let slice_ns = slice.as_nanos().max(1);
    for sample in samples {
        sample.foreign_cpu_ns = foreign_cpu_ns.map(|foreign| {
            let part = u128::from(foreign) * u128::from(sample.wall_ns) / slice_ns;
            // A sample's wall clock lies within the slice's, so its part is no more than the whole.
            part as u64
        });
    }
}
