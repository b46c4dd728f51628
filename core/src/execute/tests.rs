//! The core must find every way in which a backend can break a run.

use std::sync::atomic::Ordering;

use super::*;
use crate::graph::TaskGraphBuilder;

/// A kernel whose output is its seed.
pub(super) struct Pass;

impl Kernel for Pass {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }
}

fn diamond() -> Job {
    let mut builder = TaskGraphBuilder::default();
    let top = builder.push([]).unwrap();
    let left = builder.push([top]).unwrap();
    let right = builder.push([top]).unwrap();
    builder.push([left, right]).unwrap();
    Job::new(builder.finish(), Box::new(Pass)).unwrap()
}

fn expected(job: &Job) -> u64 {
    expected_digest(job.graph(), job.kernel(), 0)
}

#[test]
fn a_run_in_order_verifies_any_number_of_times() {
    let job = diamond();
    // More than the 65,536 stamps, so that they wrap.
    for _ in 0..70_000 {
        job.begin_run();
        let mut ready = job.graph().sources().to_vec();
        while let Some(task) = ready.pop() {
            job.execute(task, |next| ready.push(next)).unwrap();
        }
    }
    assert_eq!(job.verify(expected(&job)), Ok(()));
}

/// Children in other languages compute the same digests. `docs/external.md` states the first two.
#[test]
fn seeds_and_digests_never_change() {
    let digest = |rows: &[&[u32]], nonce| {
        let mut builder = TaskGraphBuilder::default();
        for row in rows {
            builder.push(row.iter().copied().map(TaskId)).unwrap();
        }
        expected_digest(&builder.finish(), &Pass, nonce)
    };
    let joined: [&[u32]; 4] = [&[], &[], &[0, 1], &[2]];
    let apart: [&[u32]; 8] = [&[]; 8];
    assert_eq!(digest(&joined, 0), 0x2fea_248b_0cd5_9abd);
    assert_eq!(digest(&apart, 0), 0xce52_0a6a_7fda_ef3c);
    assert_eq!(
        digest(&joined, 0x0123_4567_89ab_cdef),
        0x2fab_545f_44a9_b7fc
    );
}

#[test]
fn outputs_that_belong_to_another_nonce_are_caught() {
    let job = diamond();
    let with = |nonce| expected_digest(job.graph(), job.kernel(), nonce);
    let digests = [0, 1, u64::MAX].map(with);
    for (nonce, own) in [0, 1, u64::MAX].into_iter().zip(digests) {
        job.set_nonce(nonce);
        run_in_order(&job);
        assert_eq!(job.digest(), Ok(own));
        for other in digests.into_iter().filter(|other| *other != own) {
            let failure = Failure::WrongDigest {
                found: own,
                expected: other,
            };
            assert_eq!(job.verify(other), Err(failure));
        }
    }
    let [a, b, c] = digests;
    assert!(a != b && b != c && a != c, "{digests:?}");
}

#[test]
fn a_task_that_runs_too_early_is_caught() {
    let job = diamond();
    job.begin_run();
    assert_eq!(job.run(TaskId(1)), Err(Halt));
    let failure = Failure::MissingInput {
        task: TaskId(1),
        predecessor: TaskId(0),
    };
    assert_eq!(job.failure(), Some(failure));
}

#[test]
fn a_task_that_runs_twice_is_caught() {
    for task in [TaskId(0), TaskId(3)] {
        let job = diamond();
        job.begin_run();
        for other in job.graph().tasks() {
            job.run(other).unwrap();
        }
        assert_eq!(job.run(task), Err(Halt));
        assert_eq!(job.failure(), Some(Failure::NotOnce { task }));
    }
}

#[test]
fn a_lost_task_is_caught_after_the_run() {
    let job = diamond();
    job.begin_run();
    job.execute(TaskId(0), |_| {}).unwrap();
    job.execute(TaskId(1), |_| {}).unwrap();
    let lost = Failure::Lost { task: TaskId(2) };
    assert_eq!(job.verify(expected(&job)), Err(lost));
}

#[test]
fn a_task_lost_in_one_run_is_caught_in_the_next() {
    let job = diamond();
    job.begin_run();
    for task in [0, 1, 2] {
        job.run(TaskId(task)).unwrap();
    }
    job.begin_run();
    for task in [0, 1, 2] {
        job.run(TaskId(task)).unwrap();
    }
    assert_eq!(job.run(TaskId(3)), Err(Halt));
    let failure = Failure::NotOnce { task: TaskId(3) };
    assert_eq!(job.failure(), Some(failure));
}

/// Runs all tasks in order, in a run of their own.
fn run_in_order(job: &Job) {
    job.begin_run();
    job.graph().tasks().for_each(|task| job.run(task).unwrap());
}

/// The stamps of runs repeat after 65,536 runs.
#[test]
fn runs_in_which_nothing_runs_are_caught_whatever_their_number() {
    for good_count in [0, 1, 32_766, 32_767, 32_768, 65_534, 65_535, 65_536] {
        for idle_count in [1, 32_768, 65_535, 65_536, 65_537, 131_072] {
            let job = diamond();
            (0..good_count).for_each(|_| run_in_order(&job));
            (0..idle_count).for_each(|_| job.begin_run());
            let found = job.verify(expected(&job));
            let what = format!("{idle_count} idle runs after {good_count} good ones");
            assert_eq!(found, Err(Failure::Lost { task: TaskId(0) }), "{what}");
        }
    }
}

#[test]
fn a_task_that_misses_a_whole_turn_of_the_stamp_is_caught() {
    let job = diamond();
    run_in_order(&job);
    for _ in 0..65_536 {
        job.begin_run();
        (0..3).for_each(|task| job.run(TaskId(task)).unwrap());
    }
    run_in_order(&job);
    let lost = Failure::Lost { task: TaskId(3) };
    assert_eq!(job.verify(expected(&job)), Err(lost));
}

#[test]
fn a_failure_that_the_backend_ignores_is_told_all_the_same() {
    let job = diamond();
    job.begin_run();
    assert_eq!(job.run(TaskId(3)), Err(Halt));
    job.graph().tasks().for_each(|task| job.run(task).unwrap());
    let failure = Failure::MissingInput {
        task: TaskId(3),
        predecessor: TaskId(1),
    };
    assert_eq!(job.verify(expected(&job)), Err(failure));
}

#[test]
fn dependents_counted_twice_are_caught_after_the_run() {
    let job = diamond();
    job.begin_run();
    for task in job.graph().tasks() {
        job.run(task).unwrap();
    }
    job.complete(TaskId(1), |_| {});
    let failure = Failure::Miscounted { task: TaskId(3) };
    assert_eq!(job.verify(expected(&job)), Err(failure));
}

#[test]
fn a_wrong_output_is_caught_by_the_digest() {
    let job = diamond();
    job.begin_run();
    for task in job.graph().tasks() {
        job.run(task).unwrap();
    }
    let right = expected(&job);
    let failure = Failure::WrongDigest {
        found: right,
        expected: right ^ 1,
    };
    assert_eq!(job.verify(right ^ 1), Err(failure));
}

#[test]
fn every_byte_that_is_handed_on_is_checked_in_every_run() {
    let job = diamond().with_output_bytes(13).unwrap();
    for _ in 0..3 {
        job.begin_run();
        for task in job.graph().tasks() {
            job.run(task).unwrap();
        }
        assert_eq!(job.verify(expected(&job)), Ok(()));
    }
}

#[test]
fn a_byte_that_is_wrong_is_caught_by_who_reads_it() {
    let job = diamond().with_output_bytes(13).unwrap();
    job.begin_run();
    for task in [0, 1, 2] {
        job.run(TaskId(task)).unwrap();
    }
    // Relaxed: there is one thread.
    let word = &job.payload(TaskId(2))[1];
    let garbled = word.load(Ordering::Relaxed) ^ u64::from_ne_bytes([0, 0, 0, 0, 1, 0, 0, 0]);
    word.store(garbled, Ordering::Relaxed);
    assert_eq!(job.run(TaskId(3)), Err(Halt));
    let failure = Failure::WrongPayload {
        task: TaskId(3),
        predecessor: TaskId(2),
        byte: 12,
    };
    assert_eq!(job.failure(), Some(failure));
}

#[test]
fn bytes_left_from_another_run_are_caught() {
    let job = diamond().with_output_bytes(8).unwrap();
    let left = |task: u32| job.payload(TaskId(task))[0].load(Ordering::Relaxed);
    job.begin_run();
    job.run(TaskId(0)).unwrap();
    let stale = left(0);
    (1..4).for_each(|task| job.run(TaskId(task)).unwrap());
    job.begin_run();
    job.run(TaskId(0)).unwrap();
    assert_ne!(left(0), stale, "the value is the same, the bytes are not");
    job.payload(TaskId(0))[0].store(stale, Ordering::Relaxed);
    assert_eq!(job.run(TaskId(1)), Err(Halt));
    assert_eq!(job.failure().unwrap().kind(), "wrong-payload");
}

#[test]
fn a_job_without_bytes_hands_on_none() {
    let job = diamond().with_output_bytes(0).unwrap();
    assert!(job.payload(TaskId(0)).is_empty());
}

#[test]
fn a_panic_becomes_a_failure_that_names_the_task() {
    struct Panics;
    impl Kernel for Panics {
        fn run(&self, _: TaskId, _: u64) -> u64 {
            panic!("out of cheese")
        }
    }
    let mut builder = TaskGraphBuilder::default();
    builder.push([]).unwrap();
    let job = Job::new(builder.finish(), Box::new(Panics)).unwrap();
    job.begin_run();
    assert_eq!(job.run(TaskId(0)), Err(Halt));
    let failure = Failure::Panicked {
        task: TaskId(0),
        message: "out of cheese".into(),
    };
    assert_eq!(job.failure(), Some(failure));
}

#[test]
fn an_empty_graph_verifies() {
    let job = Job::new(TaskGraphBuilder::default().finish(), Box::new(Pass)).unwrap();
    job.begin_run();
    assert_eq!(job.verify(expected(&job)), Ok(()));
}

/// Two sources, 0 and 1, and two tasks that wait for both; its first run has begun.
fn braid() -> Job {
    let mut builder = TaskGraphBuilder::default();
    let sources = [(); 2].map(|()| builder.push([]).unwrap());
    for _ in 0..2 {
        builder.push(sources).unwrap();
    }
    let job = Job::new(builder.finish(), Box::new(Pass)).unwrap();
    job.begin_run();
    job
}

/// A braid whose first source has run. Its worker has nothing else to do, and keeps the last task.
fn reserved() -> (Job, Reserved) {
    let job = braid();
    let none = |task| panic!("{task:?} is ready");
    let reserved = job.execute_or_reserve(TaskId(0), true, none, || true);
    let reserved = reserved.unwrap().expect("it waits for only one input");
    (job, reserved)
}

/// Runs `task` and returns what it makes ready.
fn made_ready_by(job: &Job, task: TaskId) -> Vec<TaskId> {
    let mut ready = Vec::new();
    job.execute(task, |next| ready.push(next)).unwrap();
    ready
}

#[test]
fn a_reserved_task_is_left_to_its_worker() {
    let (job, reserved) = reserved();
    assert_eq!(job.awaited_input(&reserved), Some(TaskId(1)));
    assert_eq!(made_ready_by(&job, TaskId(1)), [TaskId(2)]);
    assert_eq!(job.awaited_input(&reserved), None);
    assert_eq!(made_ready_by(&job, TaskId(2)), []);
    assert_eq!(made_ready_by(&job, reserved.into_task()), []);
    assert_eq!(job.verify(expected(&job)), Ok(()));
}

#[test]
fn a_task_given_back_goes_to_whoever_counts_the_last_input() {
    let (job, reserved) = reserved();
    assert_eq!(job.release(reserved), None);
    assert_eq!(made_ready_by(&job, TaskId(1)), [TaskId(2), TaskId(3)]);
}

#[test]
fn a_task_given_back_too_late_is_the_workers_own() {
    let (job, reserved) = reserved();
    assert_eq!(made_ready_by(&job, TaskId(1)), [TaskId(2)]);
    assert_eq!(job.release(reserved), Some(TaskId(3)));
    assert_eq!(made_ready_by(&job, TaskId(2)), []);
    assert_eq!(made_ready_by(&job, TaskId(3)), []);
    assert_eq!(job.verify(expected(&job)), Ok(()));
}

#[test]
fn nothing_is_kept_for_who_has_other_work_or_may_not() {
    for (may_reserve, is_idle) in [(true, false), (false, true)] {
        let job = braid();
        let kept = job.execute_or_reserve(TaskId(0), may_reserve, |_| {}, || is_idle);
        assert_eq!(kept, Ok(None));
        assert_eq!(made_ready_by(&job, TaskId(1)), [TaskId(2), TaskId(3)]);
    }
}

#[test]
fn the_last_to_count_has_what_nobody_keeps() {
    let (job, _kept) = reserved();
    let mut ready = Vec::new();
    let kept = job.execute_or_reserve(TaskId(1), true, |task| ready.push(task), || true);
    assert_eq!((kept, ready), (Ok(None), vec![TaskId(2)]));
}

#[test]
fn the_only_dependent_is_left_to_whoever_makes_its_last_input() {
    let job = diamond();
    job.begin_run();
    job.execute(TaskId(0), |_| {}).unwrap();
    let none = |task| panic!("{task:?} is ready");
    let kept = job.execute_or_reserve(TaskId(1), true, none, || true);
    assert_eq!(kept, Ok(None));
    assert_eq!(made_ready_by(&job, TaskId(2)), [TaskId(3)]);
}

/// The dependents of a dead worker's task can never run, so a worker that reserves one would wait forever.
#[test]
fn a_task_that_will_not_run_is_not_kept() {
    let job = braid();
    job.recover(&[TaskId(0)]);
    let none = |task| panic!("{task:?} is ready");
    let kept = job.execute_or_reserve(TaskId(1), true, none, || true);
    assert_eq!(kept, Ok(None));
}
