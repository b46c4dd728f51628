//! Backends that break the contract, each in another way: the core must catch them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taskdyno::internal::measure::{Meter, SlicePlan};
use taskdyno_core::backend::{Backend, PoolPlan, backend_fn, pool_fn, verify_runs};
use taskdyno_core::execute::{Failure, Halt, Job, expected_digest};
use taskdyno_core::graph::TaskId;

use super::{RUN_COUNT, run};
use crate::variety::{empty, stencil};

#[test]
fn a_backend_that_breaks_the_order_is_detected() {
    let backwards = broken(|job| job.graph().tasks().rev().try_for_each(|task| job.run(task)));
    let failure = Failure::MissingInput {
        task: TaskId(34),
        predecessor: TaskId(26),
    };
    assert_eq!(run_broken(&backwards), Err(failure));
}

#[test]
fn a_backend_that_garbles_a_payload_is_detected() {
    let garbles = broken(|job| {
        job.graph().tasks().try_for_each(|task| {
            job.run(task)?;
            if task == TaskId(4) {
                // Relaxed: there is only one thread.
                job.payload(task)[0].fetch_xor(u64::MAX, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    let job = Job::new(stencil(7, 5), empty()).unwrap();
    let job = job.with_output_bytes(8).unwrap();
    let failure = Failure::WrongPayload {
        task: TaskId(10),
        predecessor: TaskId(4),
        byte: 0,
    };
    let plan = PoolPlan::plain(&garbles, 1);
    assert_eq!(verify_runs(&garbles, &plan, job, RUN_COUNT), Err(failure));
}

#[test]
fn a_backend_that_loses_a_task_is_detected() {
    let all_but_one = broken(|job| {
        let mut tasks = job.graph().tasks().filter(|task| *task != TaskId(30));
        tasks.try_for_each(|task| job.run(task))
    });
    let failure = Failure::Lost { task: TaskId(30) };
    assert_eq!(run_broken(&all_but_one), Err(failure));
}

/// The backend runs the graph once, and never again. The lengths are around the 65,536 numbers that runs have.
#[test]
fn a_backend_that_does_nothing_is_detected_in_a_sample_of_any_length() {
    for run_count in [1, 65_535, 65_536, 131_072] {
        let job = Arc::new(Job::new(stencil(2, 2), empty()).unwrap());
        let expected = expected_digest(job.graph(), job.kernel(), 0);
        let mut has_run = false;
        let pool = pool_fn(Arc::clone(&job), move |job| {
            match std::mem::replace(&mut has_run, true) {
                true => Ok(()),
                false => job.graph().tasks().try_for_each(|task| job.run(task)),
            }
        });
        let mut meter = Meter::new(job, pool, 1, Some(expected));
        meter.warm_up(Duration::ZERO, 1, Duration::ZERO).unwrap();
        let plan = SlicePlan {
            run_count: Some(run_count),
            ..SlicePlan::exactly(1)
        };
        let lost = Failure::Lost { task: TaskId(0) };
        assert_eq!(meter.slice(&plan), Err(lost), "{run_count} runs");
    }
}

#[test]
fn a_backend_that_runs_a_task_twice_is_detected() {
    let twice = broken(|job| {
        job.graph().tasks().try_for_each(|task| job.run(task))?;
        job.run(TaskId(3))
    });
    let failure = Failure::NotOnce { task: TaskId(3) };
    assert_eq!(run_broken(&twice), Err(failure));
}

#[test]
fn a_backend_that_counts_a_task_twice_is_detected() {
    let miscounts = broken(|job| {
        job.graph().tasks().try_for_each(|task| job.run(task))?;
        job.complete(TaskId(3), |_| {});
        Ok(())
    });
    let failure = Failure::Miscounted { task: TaskId(9) };
    assert_eq!(run_broken(&miscounts), Err(failure));
}

/// A backend that calls this function instead of running the graph.
pub(crate) fn broken(run: fn(&Job) -> Result<(), Halt>) -> impl Backend {
    backend_fn("broken", "schedules tasks wrongly", move |job, _| run(job))
}

fn run_broken(backend: &dyn Backend) -> Result<(), Failure> {
    let plan = PoolPlan::plain(backend, 1);
    run(backend, &plan, stencil(7, 5), empty())
}
