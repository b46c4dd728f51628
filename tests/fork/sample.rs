//! A sample of many runs must report the deaths in all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{PidfdFlags, Signal, getpid, kill_process, pidfd_open};
use rustix::time::{ClockId, clock_gettime};
use taskdyno::internal::backend::{FORK, FORK_DISPATCH, FORK_PER_TASK, FORK_THREADS};
use taskdyno::internal::measure::{Meter, Slice, SlicePlan};
use taskdyno_core::backend::{Backend, PoolPlan};
use taskdyno_core::execute::{Job, expected_digest};
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::Kernel;
use taskdyno_core::latency::{Histogram, Recorder};
use taskdyno_core::memory::SharedSlice;

use crate::host::{assert_childless, pid};
use crate::runner::TestCase;
use crate::{Does, independent};

/// A test for any of the backends.
type Test = fn(&dyn Backend);

pub(crate) fn cases() -> Vec<TestCase> {
    let tests: [(&str, Test); 2] = [
        ("every_death_of_a_sample_is_told", every_death),
        ("who_replaces_the_dead_is_accounted_for", replacements),
    ];
    let backends: [&'static dyn Backend; 4] =
        [&FORK, &FORK_THREADS, &FORK_DISPATCH, &FORK_PER_TASK];
    let mut cases = Vec::new();
    for backend in backends {
        for (name, test) in tests {
            let name = format!("{}::{name}", backend.name());
            cases.push(TestCase::new(name, move || test(backend)));
        }
    }
    for backend in backends {
        let name = format!("{}::latencies_are_recorded_if_asked_for", backend.name());
        cases.push(TestCase::new(name, move || latencies(backend)));
    }
    cases.push(TestCase::new(
        "fork-dispatch::who_dies_idle_is_told_with_the_sample_before",
        died_idle,
    ));
    cases
}

/// Numbers that all processes share.
fn shared_words() -> Arc<SharedSlice<AtomicU32>> {
    Arc::new(SharedSlice::new(2).unwrap())
}

fn die() {
    kill_process(getpid(), Signal::KILL).unwrap();
}

/// One sample of `run_count` runs.
fn sample(
    backend: &dyn Backend,
    worker_count: usize,
    run_count: u64,
    kernel: impl Fn(TaskId) + Send + Sync + 'static,
) -> Slice {
    let job = Job::new(independent(4), Box::new(Does(kernel))).unwrap();
    let expected = expected_digest(job.graph(), job.kernel(), 0);
    let job = Arc::new(job);
    let mut plan = PoolPlan::plain(backend, worker_count);
    plan.retry_limit = 1;
    let pool = backend.start(Arc::clone(&job), &plan).unwrap();
    let mut meter = Meter::new(job, pool, worker_count, Some(expected));
    let plan = SlicePlan {
        run_count: Some(run_count),
        ..SlicePlan::exactly(1)
    };
    meter.slice(&plan).unwrap()
}

/// A worker dies in every other run, and not in the last.
fn every_death(backend: &dyn Backend) {
    for worker_count in [1, 3] {
        let words = shared_words();
        let in_kernel = Arc::clone(&words);
        let slice = sample(backend, worker_count, 20, move |task| {
            let [tries, deaths] = [&in_kernel[0], &in_kernel[1]];
            // An attempt that ends in death, one in the same run that does not, and the attempt of the next run.
            if task == TaskId(2) && tries.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                deaths.fetch_add(1, Ordering::Relaxed);
                die();
            }
        });
        let charged = slice.deaths.iter().filter(|death| death.task == Some(2));
        let death_count = words[1].load(Ordering::Relaxed) as usize;
        assert_eq!(death_count, 10);
        assert_eq!(charged.count(), death_count, "{worker_count} workers");
        assert!(slice.samples[0].is_degraded);
    }
    assert_childless();
}

/// A worker dies in the first run, and another works in the second.
fn replacements(backend: &dyn Backend) {
    const WORK_NS: u64 = 30_000_000;
    let words = shared_words();
    let slice = sample(backend, 1, 2, move |task| {
        if task == TaskId(2) {
            match words[0].fetch_add(1, Ordering::Relaxed) {
                0 => die(),
                1 => {}
                _ => spend(WORK_NS),
            }
        }
    });
    let sample = &slice.samples[0];
    assert!(sample.cpu_ns.unwrap() >= WORK_NS, "{sample:?}");
    assert_childless();
}

/// A task that records how many tasks come before it.
struct Laps(Recorder);

impl Kernel for Laps {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        if self.0.is_on() {
            self.0.record(task.0.into());
        }
        seed
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn record_latencies(&self, on: bool) {
        self.0.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        BTreeMap::from([("lap".into(), self.0.take())])
    }
}

/// Workers that were forked before the recording began.
fn latencies(backend: &dyn Backend) {
    let kernel = Laps(Recorder::new().unwrap());
    let job = Arc::new(Job::new(independent(4), Box::new(kernel)).unwrap());
    let pool = backend.start(Arc::clone(&job), &PoolPlan::plain(backend, 2));
    let mut meter = Meter::new(job, pool.unwrap(), 2, None);
    let plan = SlicePlan {
        run_count: Some(5),
        ..SlicePlan::exactly(3)
    };
    let mut slice = |on| {
        meter.record_latencies(on);
        meter.slice(&plan).unwrap().latencies
    };
    let of_runs = |count| (0..count).flat_map(|_| 0..4).collect::<Histogram>();
    assert!(slice(false).is_empty());
    assert_eq!(slice(true), BTreeMap::from([("lap".into(), of_runs(15))]));
    assert!(slice(false).is_empty());
}

/// Keeps the calling thread busy until it has used this much CPU time.
fn spend(ns: u64) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    };
    let start = now();
    while now() - start < ns {}
}

fn died_idle() {
    let job = Arc::new(Job::new(independent(4), Box::new(Does(|_| ()))).unwrap());
    let plan = PoolPlan::plain(&FORK_DISPATCH, 2);
    let mut pool = FORK_DISPATCH.start(Arc::clone(&job), &plan).unwrap();
    job.begin_run();
    pool.run().unwrap();
    let pid = pid(pool.worker_processes()[1]);
    let descriptor = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).unwrap();
    let deaths = pool.take_deaths();
    assert_eq!(deaths.len(), 1, "{deaths:?}");
    assert_eq!((deaths[0].worker, deaths[0].task), (1, None));
    drop(pool);
    assert_childless();
}
