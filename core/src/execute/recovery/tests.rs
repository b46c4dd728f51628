//! Workers that die between any two steps: taking a task, running it and storing its output, and counting down its
//! dependents one by one. The slots are real, the workers are a model.

use proptest::prelude::*;

use super::super::tests::Pass;
use super::super::{Failure, Job, expected_digest};
use super::*;
use crate::graph::TaskGraphBuilder;

/// What a worker is doing.
#[derive(Debug, Clone, Copy)]
enum TaskState {
    Idle,
    /// It has taken the task, which is now in no queue.
    Taken(TaskId),
    /// It has stored the output and counted down this many dependents.
    Counting(TaskId, usize),
    /// It has reserved the task, and waits for its last input.
    Keeping(TaskId),
}

/// A run of a job whose workers a single scheduler advances step by step.
struct Model<'a> {
    job: &'a Job,
    queue: Vec<TaskId>,
    workers: Vec<TaskState>,
    /// How often each task was interrupted, and how often this may happen.
    attempts: Vec<u32>,
    retry_limit: u32,
    given_up: Vec<TaskId>,
}

impl Model<'_> {
    /// Advances worker `me` by one step; `false` if it has nothing to do.
    fn step(&mut self, me: usize) -> bool {
        self.workers[me] = match self.workers[me] {
            TaskState::Idle => match self.queue.pop() {
                Some(task) => TaskState::Taken(task),
                None => return false,
            },
            TaskState::Taken(task) => {
                self.job.run(task).unwrap();
                TaskState::Counting(task, 0)
            }
            TaskState::Counting(task, counted) => {
                match self.job.graph.successors(task).get(counted) {
                    // Every second worker keeps what it may keep.
                    Some(&next) if me % 2 == 1 && self.keeps(task, counted) => {
                        TaskState::Keeping(next)
                    }
                    Some(&next) => {
                        if self.job.slots.count_down(&self.job.graph, next) {
                            self.queue.push(next);
                        }
                        TaskState::Counting(task, counted + 1)
                    }
                    None => TaskState::Idle,
                }
            }
            TaskState::Keeping(task) => {
                let mut inputs = self.job.graph.predecessors(task).iter();
                if !inputs.all(|input| self.job.is_done(*input)) {
                    return false;
                }
                TaskState::Taken(task)
            }
        };
        true
    }

    /// Whether this dependent of `task` is its last and has been reserved.
    fn keeps(&self, task: TaskId, place: usize) -> bool {
        let successors = self.job.graph.successors(task);
        let next = successors[place];
        place + 1 == successors.len() && self.job.slots.pending(next).count_down_and_reserve()
    }

    /// Worker `me` dies. All others finish their current task, and the remaining work is computed again.
    fn die(&mut self, me: usize) -> Remainder {
        if let TaskState::Taken(task) = self.workers[me] {
            self.attempts[task.index()] += 1;
            if self.attempts[task.index()] > self.retry_limit {
                self.given_up.push(task);
            }
        }
        self.workers[me] = TaskState::Idle;
        for other in 0..self.workers.len() {
            if let TaskState::Keeping(task) = self.workers[other] {
                let _ = self.job.slots.pending(task).release();
                self.workers[other] = TaskState::Idle;
            }
            while !matches!(self.workers[other], TaskState::Idle | TaskState::Keeping(_)) {
                self.step(other);
            }
            self.workers[other] = TaskState::Idle;
        }
        let left = self.job.recover(&self.given_up);
        self.queue = left.ready.clone();
        left
    }

    fn finish(&mut self) {
        while (0..self.workers.len()).any(|me| self.step(me)) {}
        let is_waiting = |state: &TaskState| !matches!(state, TaskState::Idle);
        assert!(
            !self.workers.iter().any(is_waiting),
            "a worker waits forever: {:?}",
            self.workers
        );
    }
}

/// A graph of up to 40 tasks. Each depends on some of the eight tasks before it.
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

/// The events: which worker acts next, and whether it dies (one time in sixteen).
fn events() -> impl Strategy<Value = Vec<(usize, bool)>> {
    prop::collection::vec((0..4usize, (0..16u8).prop_map(|one| one == 0)), 0..400)
}

/// Plays `events`, then lets all workers finish. Returns the job and the tasks that were given up.
fn play(graph: TaskGraph, events: &[(usize, bool)], retry_limit: u32) -> (Job, Vec<TaskId>) {
    let job = Job::new(graph, Box::new(Pass)).unwrap();
    job.begin_run();
    let task_count = job.graph.task_count();
    let mut model = Model {
        job: &job,
        queue: job.graph.sources().to_vec(),
        workers: vec![TaskState::Idle; 4],
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
    /// `Job::run` fails for a task that runs twice or too early. The check after the run fails for one that is lost
    /// or miscounted.
    #[test]
    fn with_retries_every_task_is_done_exactly_once(graph in graphs(), events in events()) {
        let (job, given_up) = play(graph, &events, u32::MAX);
        prop_assert!(given_up.is_empty());
        let expected = expected_digest(job.graph(), job.kernel(), 0);
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
            let expected = expected_digest(job.graph(), job.kernel(), 0);
            prop_assert_eq!(job.verify(expected), Ok(()));
        } else {
            let is_lost = matches!(job.verify(0), Err(Failure::Lost { .. }));
            prop_assert!(is_lost);
        }
    }
}
