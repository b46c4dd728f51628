//! **The partition.** Each level of the graph is split into one contiguous block per worker. Each worker owns the
//! list of its blocks, level by level. This list is in topological order, so a worker waits only for inputs that
//! another worker makes. There is no queue and no counting.
//!
//! **No deadlock.** Consider the unfinished tasks of the lowest level: all their inputs are done. The owner of such
//! a task can only be busy with a task of the same level, for which the same holds. So some worker can always
//! continue. If there are more workers than cores, waiting yields the core at once.
//!
//! **Where a worker parks.** A worker never parks within a run. Its input comes from a running worker after one
//! cache miss, and parking would take at least a hundred times as long. After a run a helper spins for a while, because
//! the next run often follows at once, and then parks. Starting a run unparks it. The calling thread is worker 0, so
//! that no run begins or ends with waking the calling thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use crate::memory::Padded;

use super::support::levels::{block, by_level};
use super::support::worker::{Spin, enter_lent, join_all, spawn};
use super::{Backend, Lent, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::{TaskGraph, TaskId};

/// A fixed partition of the graph, spinning workers: the practical limit.
pub const STATIC: Static = Static;

/// See [`STATIC`].
#[derive(Debug)]
pub struct Static;

impl Backend for Static {
    fn name(&self) -> &'static str {
        "static"
    }

    fn why(&self) -> &'static str {
        "a fixed partition and spinning workers: the practical limit, not a scheduler"
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn why_no_recursion(&self) -> &'static str {
        "each worker has a fixed part of the graph, and a spawned task would belong to nobody"
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        let placement = Placement::new(plan)?;
        let lent = enter_lent(&placement, &job)?;
        let team = Arc::new(Team {
            shares: partition(job.graph(), plan.worker_count),
            start: Padded::default(),
            finished: (0..plan.worker_count).map(|_| Default::default()).collect(),
            placement,
            job,
        });
        let mut pool = StaticPool {
            run: 0,
            helpers: Vec::new(),
            team,
            _lent: lent,
        };
        for index in 1..plan.worker_count {
            let team = Arc::clone(&pool.team);
            let body = move || team.help(index);
            let helper = spawn(placement, index, &pool.team.job, body)?;
            pool.helpers.push(helper);
        }
        Ok(Box::new(pool))
    }
}

/// What one worker does in a run.
#[derive(Default)]
struct Share {
    turns: Vec<Turn>,
    /// The inputs of the turns that other workers make, in the order of the turns.
    foreign: Vec<TaskId>,
}

/// One task in a share.
struct Turn {
    task: TaskId,
    foreign_count: u32,
}

/// The share of each worker.
fn partition(graph: &TaskGraph, worker_count: usize) -> Vec<Share> {
    let mut owners = vec![0u32; graph.task_count()];
    let mut shares: Vec<Share> = Vec::new();
    shares.resize_with(worker_count, Share::default);
    for level in by_level(graph) {
        for (index, share) in shares.iter_mut().enumerate() {
            for &task in &level[block(index, worker_count, level.len())] {
                owners[task.index()] = index as u32;
                let before = share.foreign.len();
                let predecessors = graph.predecessors(task).iter().copied();
                let made_elsewhere = |p: &TaskId| owners[p.index()] != index as u32;
                share.foreign.extend(predecessors.filter(made_elsewhere));
                share.turns.push(Turn {
                    task,
                    foreign_count: (share.foreign.len() - before) as u32,
                });
            }
        }
    }
    shares
}

/// The run number that tells helpers to end.
const CLOSED: u32 = u32::MAX;

struct Team {
    job: Arc<Job>,
    placement: Placement,
    shares: Vec<Share>,
    /// The number of the latest run, from 1, or [`CLOSED`].
    start: Padded<AtomicU32>,
    /// For each worker, the latest run that it has finished.
    finished: Vec<Padded<AtomicU32>>,
}

impl Team {
    /// The loop of a helper thread.
    fn help(&self, index: usize) {
        let mut run = 0;
        loop {
            run = self.await_start(run);
            if run == CLOSED || self.work(index).is_err() {
                break;
            }
            // Release: a thread that sees this number sees everything that this worker's tasks wrote.
            self.finished[index].store(run, Ordering::Release);
        }
    }

    /// Waits for a run after `last`, and returns its number.
    fn await_start(&self, last: u32) -> u32 {
        let mut spin = Spin::new(&self.placement);
        loop {
            // Acquire: pairs with the Release in `StaticPool::run`, which hands over `begin_run`.
            let run = self.start.load(Ordering::Acquire);
            if run != last {
                return run;
            }
            if !spin.turn() {
                // The number is set before the unpark, whose token stays until the thread parks, so no wake-up is
                // lost.
                thread::park();
            }
        }
    }

    /// Runs the share of worker `index`.
    fn work(&self, index: usize) -> Result<(), Halt> {
        let share = &self.shares[index];
        let mut foreign = share.foreign.iter();
        for turn in &share.turns {
            for &input in foreign.by_ref().take(turn.foreign_count as usize) {
                self.await_task(input)?;
            }
            if self.job.is_halted() {
                return Err(Halt);
            }
            self.job.run(turn.task)?;
        }
        Ok(())
    }

    #[inline]
    fn await_task(&self, task: TaskId) -> Result<(), Halt> {
        self.await_that(|| self.job.is_done(task))
    }

    /// Waits until another worker has reached the end of `run`.
    fn await_worker(&self, index: usize, run: u32) -> Result<(), Halt> {
        // Acquire: pairs with the Release in `help`.
        self.await_that(|| self.finished[index].load(Ordering::Acquire) == run)
    }

    #[inline]
    fn await_that(&self, is_so: impl Fn() -> bool) -> Result<(), Halt> {
        let mut spin = Spin::new(&self.placement);
        while !is_so() {
            if self.job.is_halted() {
                return Err(Halt);
            }
            spin.turn();
        }
        Ok(())
    }
}

struct StaticPool {
    team: Arc<Team>,
    helpers: Vec<JoinHandle<()>>,
    run: u32,
    _lent: Lent,
}

impl StaticPool {
    fn close(&mut self) {
        // Relaxed: no other data of the helper depends on it.
        self.team.start.store(CLOSED, Ordering::Relaxed);
        join_all(&mut self.helpers);
    }

    fn run_to_the_end(&self) -> Result<(), Halt> {
        self.team.work(0)?;
        (1..=self.helpers.len()).try_for_each(|index| self.team.await_worker(index, self.run))
    }
}

impl Pool for StaticPool {
    fn run(&mut self) -> Result<(), Halt> {
        // Wraps before CLOSED. A helper only tests whether the number has changed.
        self.run = (self.run + 1) % CLOSED;
        // Release: hands `begin_run` over to the helpers.
        self.team.start.store(self.run, Ordering::Release);
        for helper in &self.helpers {
            helper.thread().unpark();
        }
        let result = self.run_to_the_end();
        if result.is_err() {
            // Nothing may run any more when the caller reads the failure.
            self.close();
        }
        result
    }
}

impl Drop for StaticPool {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_one_owner() {
        let edges = |task: u32| (task > 0).then_some(TaskId(task / 2));
        for task_count in [0, 1, 2, 7, 40] {
            let mut builder = crate::graph::TaskGraphBuilder::default();
            for task in 0..task_count {
                builder.push(edges(task)).unwrap();
            }
            let graph = builder.finish();
            for worker_count in [1, 2, 3, 50] {
                let shares = partition(&graph, worker_count);
                let turns = shares.iter().flat_map(|share| &share.turns);
                let mut owned: Vec<TaskId> = turns.map(|turn| turn.task).collect();
                owned.sort_unstable();
                assert!(owned.into_iter().eq(graph.tasks()));
            }
        }
    }
}
