//! Workers that die between any two steps: of taking a task, running it and storing its output, and
//! counting down one dependent after the other. The slots are real, the workers are a model.

use proptest::prelude::*;

use super::super::test::Pass;
use super::super::{Failure, Job, expected_digest};
use super::*;
use crate::graph::TaskGraphBuilder;

/// Where a worker stands.
#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    /// It has taken the task, which is in no queue any more.
    Taken(TaskId),
    /// It has stored the output, and counted down this many dependents.
    Counting(TaskId, usize),
    /// It has reserved the task, and waits for its last input.
    Keeping(TaskId),
}

/// A run of a job by some workers that one scheduler moves on step by step.
struct Model<'a> {
    job: &'a Job,
    queue: Vec<TaskId>,
    workers: Vec<State>,
    /// How often each task was cut off, and how often that may happen.
    attempts: Vec<u32>,
    retry_limit: u32,
    given_up: Vec<TaskId>,
}

impl Model<'_> {
    /// Moves worker `me` on by one step; `false` if it has nothing to do.
    fn step(&mut self, me: usize) -> bool {
        self.workers[me] = match self.workers[me] {
            State::Idle => match self.queue.pop() {
                Some(task) => State::Taken(task),
                None => return false,
            },
            State::Taken(task) => {
                self.job.run(task).unwrap();
                State::Counting(task, 0)
            }
            State::Counting(task, counted) => match self.job.graph.successors(task).get(counted) {
                // Every other worker keeps what it may.
                Some(&next) if me % 2 == 1 && self.keeps(task, counted) => State::Keeping(next),
                Some(&next) => {
                    if self.job.slots.count_down(&self.job.graph, next) {
                        self.queue.push(next);
                    }
                    State::Counting(task, counted + 1)
                }
                None => State::Idle,
            },
            State::Keeping(task) => {
                let mut inputs = self.job.graph.predecessors(task).iter();
                if !inputs.all(|input| self.job.is_done(*input)) {
                    return false;
                }
                State::Taken(task)
            }
        };
        true
    }

    /// Whether the dependent of `task` at this place is the last and has been reserved.
    fn keeps(&self, task: TaskId, place: usize) -> bool {
        let successors = self.job.graph.successors(task);
        let next = successors[place];
        place + 1 == successors.len() && self.job.slots.pending(next).count_down_and_reserve()
    }

    /// Worker `me` dies where it stands; all others finish the task in hand, and the rest is computed anew.
    fn die(&mut self, me: usize) -> Remainder {
        if let State::Taken(task) = self.workers[me] {
            self.attempts[task.index()] += 1;
            if self.attempts[task.index()] > self.retry_limit {
                self.given_up.push(task);
            }
        }
        self.workers[me] = State::Idle;
        for other in 0..self.workers.len() {
            if let State::Keeping(task) = self.workers[other] {
                let _ = self.job.slots.pending(task).release();
                self.workers[other] = State::Idle;
            }
            while !matches!(self.workers[other], State::Idle | State::Keeping(_)) {
                self.step(other);
            }
            self.workers[other] = State::Idle;
        }
        let left = self.job.recover(&self.given_up);
        self.queue = left.ready.clone();
        left
    }

    fn finish(&mut self) {
        while (0..self.workers.len()).any(|me| self.step(me)) {}
        let is_waiting = |state: &State| !matches!(state, State::Idle);
        assert!(
            !self.workers.iter().any(is_waiting),
            "somebody waits for ever: {:?}",
            self.workers
        );
    }
}

/// A graph of up to 40 tasks, each of which depends on some of the eight before it.
fn graphs() -> impl Strategy<Value = TaskGraph> {
    prop::collection::vec(any::<u8>(), 1..40).prop_map(|masks| {
        let mut builder = TaskGraphBuilder::default();
        for (index, mask) in masks.iter().enumerate() {
            let before = (1..=8usize).filter(|back| mask & (1 << (back - 1)) != 0);
            let before = before.filter_map(|back| index.checked_sub(back));
            let mut ids: Vec<TaskId> = before.map(|id| TaskId(id as u32)).collect();
            ids.sort_unstable();
            builder.push(ids).unwrap();
        }
        builder.finish()
    })
}

/// What happens next: to which worker, and whether it dies (one time in sixteen).
fn events() -> impl Strategy<Value = Vec<(usize, bool)>> {
    prop::collection::vec((0..4usize, (0..16u8).prop_map(|one| one == 0)), 0..400)
}

/// Plays `events`, then lets everybody finish. Returns the job and what was given up.
fn play(graph: TaskGraph, events: &[(usize, bool)], retry_limit: u32) -> (Job, Vec<TaskId>) {
    let job = Job::new(graph, Box::new(Pass)).unwrap();
    job.begin_run();
    let task_count = job.graph.task_count();
    let mut model = Model {
        job: &job,
        queue: job.graph.sources().to_vec(),
        workers: vec![State::Idle; 4],
        attempts: vec![0; task_count],
        retry_limit,
        given_up: Vec::new(),
    };
    for &(me, dies) in events {
        if dies {
            let done = |job: &Job| job.graph.tasks().filter(|task| job.is_done(*task)).count();
            let left = model.die(me);
            let total = done(&job) as u64
                + left.task_count
                + left.skipped_count
                + model.given_up.len() as u64;
            assert_eq!(total, task_count as u64);
        } else {
            model.step(me);
        }
    }
    model.finish();
    let given_up = model.given_up;
    (job, given_up)
}

proptest! {
    /// `Job::run` fails for a task that runs twice or too early, and the check after the run for one that is
    /// lost or miscounted.
    #[test]
    fn with_retries_every_task_is_done_exactly_once(graph in graphs(), events in events()) {
        let (job, given_up) = play(graph, &events, u32::MAX);
        prop_assert!(given_up.is_empty());
        let expected = expected_digest(job.graph(), job.kernel());
        prop_assert_eq!(job.verify(expected), Ok(()));
    }

    #[test]
    fn without_retries_only_what_depends_on_the_lost_is_skipped(
        graph in graphs(),
        events in events(),
    ) {
        let (job, given_up) = play(graph, &events, 0);
        let mut lost = vec![false; job.graph.task_count()];
        for task in job.graph.tasks() {
            let mut before = job.graph.predecessors(task).iter();
            let is_behind = before.any(|one| lost[one.index()]);
            lost[task.index()] = is_behind || given_up.contains(&task);
            prop_assert_eq!(job.is_done(task), !lost[task.index()], "task {}", task);
        }
        if given_up.is_empty() {
            let expected = expected_digest(job.graph(), job.kernel());
            prop_assert_eq!(job.verify(expected), Ok(()));
        } else {
            let is_lost = matches!(job.verify(0), Err(Failure::Lost { .. }));
            prop_assert!(is_lost);
        }
    }
}
