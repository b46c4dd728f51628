//! One coordinator sends task numbers to forked workers over socket pairs, and receives the numbers of the finished
//! tasks, like the process pools of other languages.
//!
//! **Who does what.** Only the coordinator has the queue of ready tasks and counts dependents down. Each worker
//! holds up to `window` tasks and runs them in the order in which they came. It answers after each task, because
//! others may wait for it. Outputs go to shared memory, so an answer is only the number of the task. A task goes to
//! the worker that holds the fewest. Nobody steals, so a task in a window waits for the tasks before it. This is the
//! disadvantage of a large window. Its advantage is that the worker has something to do while an answer is under
//! way.
//!
//! **Where they park.** A worker parks in `read` on its socket. The coordinator parks in one `poll` over all sockets
//! and process descriptors. It never blocks in a read or write, so that two full sockets cannot block each other.
//!
//! **What follows from a death.** Only the coordinator knows which tasks are ready, and it runs no tasks. A dead
//! worker therefore loses only the tasks that it held. The coordinator reads all answers that the worker sent, and
//! then goes through its window from the front:
//!
//! | the worker dies | then |
//! |---|---|
//! | with nothing in its window | no task is blamed |
//! | after an output was stored, before the answer | that task is done; the next one in the window is treated instead |
//! | while it runs a task | that task is blamed, the first that is not done |
//! | before it has read what was sent | likewise: the coordinator cannot tell this from running the task |
//! | before it was set up | no task is blamed |
//! | because one task took longer than the plan allows, and it was killed | as while it runs a task |
//! | with the run halted (a panic in a kernel, a wrong order) | the run ends: all others are killed |
//!
//! The other tasks of its window go back to the front of the queue, and a new worker takes its place. Dependents of
//! a task that was given up never become ready. Everything else runs, and then the run fails.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::support::casualties::Casualties;
use super::support::process::{self, Deadline, WorkerProcess};
use super::{Backend, Death, Placement, Pool, PoolPlan};
use crate::execute::{Halt, Job};
use crate::graph::TaskId;
use crate::kernel::Sharing;
use crate::parameter::{DefaultValue, Parameter, ParameterKind};
use crate::system::limit::cannot_start_worker;

mod inbox;

use inbox::{Filled, Inbox, is_for_later};

/// A coordinator and forked workers, over socket pairs.
pub const FORK_DISPATCH: ForkDispatch = ForkDispatch;

/// See [`FORK_DISPATCH`].
#[derive(Debug)]
pub struct ForkDispatch;

/// The first entry in a worker's window until the worker is set up, which it answers like a task. No task has this
/// number because a graph has at most that many tasks.
const SET_UP: TaskId = TaskId(u32::MAX);

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

impl Backend for ForkDispatch {
    fn name(&self) -> &'static str {
        "fork-dispatch"
    }

    fn why(&self) -> &'static str {
        "one coordinator hands tasks to forked workers over sockets, like the executors of other languages"
    }

    fn sharing(&self) -> Sharing {
        Sharing::Processes
    }

    fn options(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "window",
            why: "how many tasks a worker holds at once",
            kind: ParameterKind::Count { min: 1, max: 1024 },
            default: Some(DefaultValue::Count(4)),
        }]
    }

    fn can_pin(&self) -> bool {
        true
    }

    fn why_no_recursion(&self) -> &'static str {
        "only the coordinator hands out tasks, so a task cannot spawn others"
    }

    fn start(&self, job: Arc<Job>, plan: &PoolPlan) -> io::Result<Box<dyn Pool>> {
        process::require_one_thread()?;
        let mut pool = DispatchPool {
            placement: Placement::new(plan)?,
            window: plan.options.count("window") as usize,
            task_timeout: plan.task_timeout,
            casualties: Casualties::new(plan.retry_limit),
            ready: VecDeque::new(),
            worker_count: plan.worker_count,
            crew: Vec::with_capacity(plan.worker_count),
            job,
        };
        for me in 0..plan.worker_count {
            let worker = pool.hire(me)?;
            pool.crew.push(worker);
        }
        // Wait until all workers are set up.
        match pool.work() {
            Ok(()) => Ok(Box::new(pool)),
            Err(Halt) => Err(match pool.job.failure() {
                Some(failure) => io::Error::other(failure),
                None => io::Error::other("the workers could not be started"),
            }),
        }
    }
}

/// The coordinator's side.
struct DispatchPool {
    job: Arc<Job>,
    placement: Placement,
    window: usize,
    task_timeout: Option<Duration>,
    casualties: Casualties,
    ready: VecDeque<TaskId>,
    worker_count: usize,
    /// Empty once the pool has failed.
    crew: Vec<CrewWorker>,
}

/// What the coordinator knows about a worker.
struct CrewWorker {
    process: WorkerProcess,
    socket: UnixStream,
    /// The window: the tasks that it was given and has not answered, oldest first.
    held: VecDeque<TaskId>,
    /// The deadline for the oldest task.
    deadline: Option<Deadline>,
    inbox: Inbox,
    /// Bytes that its socket has not accepted yet.
    outbox: Vec<u8>,
}

impl Pool for DispatchPool {
    fn run(&mut self) -> Result<(), Halt> {
        if self.crew.is_empty() {
            return Err(Halt);
        }
        self.casualties.begin_run();
        let result = self.work_and_judge();
        if result.is_err() {
            self.stop();
        }
        result
    }

    fn take_deaths(&mut self) -> Vec<Death> {
        // The next run would notice a worker that died idle, but would report it with another sample.
        if !self.crew.is_empty() && self.look(Some(AT_ONCE)).is_err() {
            self.stop();
        }
        self.casualties.take()
    }

    fn worker_processes(&self) -> Vec<u32> {
        let pids = self.crew.iter().map(|worker| worker.process.pid);
        pids.map(process::id).collect()
    }
}

impl DispatchPool {
    fn work_and_judge(&mut self) -> Result<(), Halt> {
        // A worker that died since the last run must not receive a task, because the task would be blamed.
        self.look(Some(AT_ONCE))?;
        self.ready.extend(self.job.graph().sources());
        self.work()?;
        self.casualties.verdict(&self.job)
    }

    /// Runs all tasks that can run.
    fn work(&mut self) -> Result<(), Halt> {
        loop {
            self.hand_out();
            if self.crew.iter().all(|worker| worker.held.is_empty()) {
                return Ok(());
            }
            let deadlines = self.crew.iter().filter_map(|worker| worker.deadline);
            self.look(deadlines.min().map(Deadline::left))?;
        }
    }

    /// Fills the windows with ready tasks, and sends what the sockets accept.
    fn hand_out(&mut self) {
        while let Some(&task) = self.ready.front() {
            let fewest = self.crew.iter_mut().min_by_key(|worker| worker.held.len());
            let Some(worker) = fewest.filter(|worker| worker.held.len() < self.window) else {
                break;
            };
            self.ready.pop_front();
            worker.outbox.extend(task.0.to_ne_bytes());
            worker.held.push_back(task);
            if worker.held.len() == 1 {
                worker.deadline = Deadline::after(self.task_timeout);
            }
        }
        self.crew.iter_mut().for_each(CrewWorker::send);
    }

    /// Waits for answers and deaths, for at most `limit` if there is one, and handles them.
    fn look(&mut self, limit: Option<Timespec>) -> Result<(), Halt> {
        for (index, seen) in self.wait(limit).into_iter().enumerate() {
            if seen.answers {
                self.collect(index)?;
            }
            if seen.death {
                self.replace(index)?;
            }
        }
        let is_late = |worker: &&CrewWorker| worker.deadline.is_some_and(Deadline::has_passed);
        let late = self.crew.iter().filter(is_late);
        // The next call notices that they have ended.
        late.for_each(|worker| worker.process.kill());
        Ok(())
    }

    /// Waits until something happens, and returns what happened to each worker.
    fn wait(&self, limit: Option<Timespec>) -> Vec<WorkerEvents> {
        let mut watched = Vec::with_capacity(2 * self.crew.len());
        for worker in &self.crew {
            let sending = match worker.outbox.is_empty() {
                true => PollFlags::empty(),
                false => PollFlags::OUT,
            };
            watched.push(PollFd::new(&worker.socket, PollFlags::IN | sending));
            watched.push(PollFd::new(&worker.process, PollFlags::IN));
        }
        process::wait_for_any(&mut watched, limit);
        let pairs = watched.chunks_exact(2);
        pairs
            .map(|pair| WorkerEvents {
                answers: !(pair[0].revents() - PollFlags::OUT).is_empty(),
                death: !pair[1].revents().is_empty(),
            })
            .collect()
    }

    /// Reads the answers of a worker once, and releases the dependents.
    fn collect(&mut self, index: usize) -> Result<Filled, Halt> {
        let worker = &mut self.crew[index];
        let filled = worker.inbox.fill(&worker.socket);
        if filled == Filled::End {
            // It cannot answer any more, and most likely it is dead already.
            worker.process.kill();
        }
        while let Some(id) = worker.inbox.take() {
            if worker.held.pop_front() != Some(id) {
                let message = format!("unexpected reply: worker {index} answered task {id}");
                return Err(self.job.fail(message));
            }
            if id != SET_UP {
                self.job.complete(id, |ready| self.ready.push_back(ready));
            }
            worker.deadline = match worker.held.is_empty() {
                true => None,
                false => Deadline::after(self.task_timeout),
            };
        }
        Ok(filled)
    }

    /// Replaces a worker that has died.
    fn replace(&mut self, index: usize) -> Result<(), Halt> {
        // The answers that it sent before it died.
        while self.collect(index)? == Filled::More {}
        if self.job.is_halted() {
            // The failure already has a reason. `fail` waits until it is written, before its writer is killed.
            return Err(self.job.fail(format!("worker {index} died")));
        }
        let fresh = self.hire(index).map_err(|error| {
            let message = format!("worker {index} died and cannot be replaced: {error}");
            self.job.fail(message)
        })?;
        let dead = std::mem::replace(&mut self.crew[index], fresh);
        let (ending, mut held) = (dead.process.reap(), dead.held);
        let was_set_up = held.front() != Some(&SET_UP);
        if !was_set_up {
            held.pop_front();
        }
        while let Some(&task) = held.front().filter(|task| self.job.is_done(**task)) {
            held.pop_front();
            self.job.complete(task, |ready| self.ready.push_back(ready));
        }
        let ran = held.front().copied().filter(|_| was_set_up);
        self.casualties.enter(&self.job, index, ending, ran)?;
        if ran.is_some_and(|task| self.casualties.given_up().contains(&task)) {
            held.pop_front();
        }
        for task in held.into_iter().rev() {
            self.ready.push_front(task);
        }
        Ok(())
    }

    /// Forks worker `me`.
    fn hire(&mut self, me: usize) -> io::Result<CrewWorker> {
        let worker_count = self.worker_count;
        let refused = |error| cannot_start_worker(me, worker_count, &error);
        let (ours, theirs) = UnixStream::pair().map_err(refused)?;
        ours.set_nonblocking(true)?;
        let mut ours = Some(ours);
        let process = WorkerProcess::fork(|| {
            // These are the coordinator's ends of the sockets, which only the coordinator may hold open.
            self.crew.clear();
            ours = None;
            process::work(&self.job, me, &self.placement, || serve(&self.job, &theirs))
        });
        let process = process.map_err(refused)?;
        Ok(CrewWorker {
            process,
            socket: ours.expect("only the child closed it"),
            held: VecDeque::from([SET_UP]),
            deadline: None,
            inbox: Inbox::new(),
            outbox: Vec::new(),
        })
    }

    /// Ends all workers, and leaves no zombie. No worker has to give anything back.
    fn stop(&mut self) {
        self.ready.clear();
        self.crew.iter().for_each(|worker| worker.process.kill());
        for worker in self.crew.drain(..) {
            worker.process.reap();
        }
    }
}

impl Drop for DispatchPool {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What happened at a worker.
struct WorkerEvents {
    /// There is something to read, or the stream has ended.
    answers: bool,
    death: bool,
}

impl CrewWorker {
    /// Sends as much of the outbox as the socket accepts now.
    fn send(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        match (&self.socket).write(&self.outbox) {
            Ok(count) => drop(self.outbox.drain(..count)),
            Err(error) if is_for_later(&error) => {}
            // The worker does not read any more; the process descriptor shows why.
            Err(_) => self.outbox.clear(),
        }
    }
}

/// What a worker does once it is set up: it runs the tasks that it receives and answers each, until the coordinator
/// has closed the socket.
fn serve(job: &Job, socket: &UnixStream) -> Result<(), Halt> {
    let mut inbox = Inbox::new();
    let answer = |task: TaskId| (&mut &*socket).write_all(&task.0.to_ne_bytes());
    let mut is_heard = answer(SET_UP).is_ok();
    while is_heard {
        is_heard = inbox.fill(socket) != Filled::End;
        while let Some(task) = inbox.take() {
            job.run(task)?;
            is_heard &= answer(task).is_ok();
        }
    }
    Ok(())
}
