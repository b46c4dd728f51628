//! Backends that break the contract, each in another way: the core must catch them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taskdyno::backend::{Backend, Pool, PoolPlan};
use taskdyno::execute::{Failure, Halt, Job, expected_digest};
use taskdyno::graph::TaskId;
use taskdyno::measure::{Meter, SlicePlan};

use super::{job, run, run_job};
use crate::variety::{empty, stencil};

#[test]
fn a_backend_that_breaks_the_order_is_caught() {
    let backwards = Broken(|job| job.graph().tasks().rev().try_for_each(|task| job.run(task)));
    let failure = Failure::MissingInput {
        task: TaskId(34),
        predecessor: TaskId(26),
    };
    assert_eq!(run_broken(&backwards), Err(failure));
}

#[test]
fn a_backend_that_garbles_what_is_handed_on_is_caught() {
    let garbles = Broken(|job| {
        job.graph().tasks().try_for_each(|task| {
            job.run(task)?;
            if task == TaskId(4) {
                // Relaxed: there is one thread.
                job.payload(task)[0].fetch_xor(u64::MAX, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    let job = Job::new(stencil(7, 5), empty()).unwrap();
    let job = Arc::new(job.with_output_bytes(8).unwrap());
    let failure = Failure::WrongPayload {
        task: TaskId(10),
        predecessor: TaskId(4),
        byte: 0,
    };
    let plan = PoolPlan::plain(&garbles, 1);
    assert_eq!(run_job(&garbles, &plan, job), Err(failure));
}

#[test]
fn a_backend_that_loses_a_task_is_caught() {
    let all_but_one = Broken(|job| {
        let mut tasks = job.graph().tasks().filter(|task| *task != TaskId(30));
        tasks.try_for_each(|task| job.run(task))
    });
    let failure = Failure::Lost { task: TaskId(30) };
    assert_eq!(run_broken(&all_but_one), Err(failure));
}

/// Runs the graph the first time, and never again.
struct RunsOnce {
    job: Arc<Job>,
    has_run: bool,
}

impl Pool for RunsOnce {
    fn run(&mut self) -> Result<(), Halt> {
        match std::mem::replace(&mut self.has_run, true) {
            true => Ok(()),
            false => self
                .job
                .graph()
                .tasks()
                .try_for_each(|task| self.job.run(task)),
        }
    }
}

/// Also where it has as many runs as there are numbers to tell them apart by.
#[test]
fn a_backend_that_does_nothing_is_caught_in_a_sample_of_any_length() {
    for run_count in [1, 65_535, 65_536, 131_072] {
        let job = job(stencil(2, 2), empty());
        let expected = expected_digest(job.graph(), job.kernel());
        let pool = RunsOnce {
            job: Arc::clone(&job),
            has_run: false,
        };
        let mut meter = Meter::new(job, Box::new(pool), 1, expected);
        meter.warm_up(Duration::ZERO, Duration::ZERO).unwrap();
        let plan = SlicePlan {
            min_time_ns: 0,
            max_time_ns: u64::MAX,
            min_sample_count: 1,
            max_sample_count: 1,
            run_count: Some(run_count),
        };
        let lost = Failure::Lost { task: TaskId(0) };
        assert_eq!(meter.slice(&plan), Err(lost), "{run_count} runs");
    }
}

#[test]
fn a_backend_that_runs_a_task_twice_is_caught() {
    let twice = Broken(|job| {
        job.graph().tasks().try_for_each(|task| job.run(task))?;
        job.run(TaskId(3))
    });
    let failure = Failure::NotOnce { task: TaskId(3) };
    assert_eq!(run_broken(&twice), Err(failure));
}

#[test]
fn a_backend_that_counts_a_task_twice_is_caught() {
    let miscounts = Broken(|job| {
        job.graph().tasks().try_for_each(|task| job.run(task))?;
        job.complete(TaskId(3), |_| {});
        Ok(())
    });
    let failure = Failure::Miscounted { task: TaskId(9) };
    assert_eq!(run_broken(&miscounts), Err(failure));
}

/// A backend that calls this in place of running the graph.
pub(crate) struct Broken(pub(crate) fn(&Job) -> Result<(), Halt>);

impl Backend for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn why(&self) -> &'static str {
        "gets it wrong"
    }

    fn start(&self, job: Arc<Job>, _: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        Ok(Box::new(BrokenPool(self.0, job)))
    }
}

struct BrokenPool(fn(&Job) -> Result<(), Halt>, Arc<Job>);

impl Pool for BrokenPool {
    fn run(&mut self) -> Result<(), Halt> {
        self.0(&self.1)
    }
}

fn run_broken(backend: &dyn Backend) -> Result<(), Failure> {
    let plan = PoolPlan::plain(backend, 1);
    run(backend, &plan, stencil(7, 5), empty())
}
