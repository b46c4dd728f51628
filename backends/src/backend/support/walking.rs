//! Runs the tasks of a recursive program on a worker with a queue, see [`Places`].

use super::children::Places;
use crate::execute::{Halt, Job};
use crate::graph::TaskId;
use crate::recursion::{Carried, FirstStep, Folded, ProgramVisitor, Recursion, Run};

/// The queue of a worker that runs a recursive program, and how the worker waits.
pub(in crate::backend) trait ChildQueue {
    /// The number of the worker.
    fn me(&self) -> usize;

    /// Pushes children. Others can take them from now on.
    fn push(&mut self, tasks: impl Iterator<Item = TaskId>);

    /// Takes the task of this worker that was pushed last, if another worker has not taken it.
    fn pop(&mut self) -> Option<TaskId>;

    /// Waits for a task of any worker; `None` if `is_done` returns `true` before there is one.
    ///
    /// # Errors
    ///
    /// [`Halt`] if the run has failed.
    fn wait(&mut self, is_done: impl Fn() -> bool) -> Result<Option<TaskId>, Halt>;

    /// Wakes this worker, which may wait for a child that is now done.
    fn wake(&self, worker: usize);
}

/// Runs a task that was taken from a queue outside of all others: the root, or a child of another worker. Returns whether
/// it was the root.
///
/// # Errors
///
/// [`Halt`] if the run has failed.
pub(in crate::backend) fn run_task(
    job: &Job,
    places: &Places,
    queue: &mut impl ChildQueue,
    task: TaskId,
) -> Result<bool, Halt> {
    let program = job.recursion().expect("the job is a recursive program");
    program.visit(TaskRun {
        job,
        places,
        queue,
        task,
    })
}

struct TaskRun<'a, Q> {
    job: &'a Job,
    places: &'a Places,
    queue: &'a mut Q,
    task: TaskId,
}

impl<Q: ChildQueue> ProgramVisitor for TaskRun<'_, Q> {
    type Output = Result<bool, Halt>;

    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Self::Output {
        let first = self.queue.me() * self.places.per_worker();
        let mut spawner = ChildSpawner {
            job: self.job,
            run: Run::new(program, self.job.recursion_seed()),
            places: self.places,
            queue: self.queue,
            next_place: first,
            end_place: first + self.places.per_worker(),
            executed: 0,
        };
        match place_of(self.task) {
            None => {
                let walk = |_| spawner.walk_root();
                self.job.run_recursion(walk).map(|()| true)
            }
            Some(place) => {
                let ran = self.job.catch_panic(|| spawner.run_taken(place));
                ran.flatten().map(|()| false)
            }
        }
    }
}

/// The place of the child of this number; `None` for the root.
fn place_of(task: TaskId) -> Option<usize> {
    (task.0 as usize).checked_sub(1)
}

/// The worker that has spawned this child; `None` for the root.
pub(in crate::backend) fn parent_worker(places: &Places, task: TaskId) -> Option<usize> {
    place_of(task).map(|place| places.owner(place))
}

fn number(place: usize) -> TaskId {
    TaskId(place as u32 + 1)
}

/// A worker in the middle of tasks of a program.
struct ChildSpawner<'a, R: ?Sized, Q> {
    job: &'a Job,
    run: Run<'a, R>,
    places: &'a Places,
    queue: &'a mut Q,
    /// The first place of this worker that is not in use. The places before it belong to tasks that wait further up on
    /// this worker's stack.
    next_place: usize,
    end_place: usize,
    /// How many tasks were executed since this was last counted for all workers.
    executed: u64,
}

impl<R: Recursion + ?Sized, Q: ChildQueue> ChildSpawner<'_, R, Q> {
    /// Runs the whole program, and checks that as many tasks were executed as were joined. A child that two workers
    /// execute, and one of them joins, shows only here.
    fn walk_root(&mut self) -> Result<Folded, Halt> {
        self.places.begin_count();
        let root = self.walk(self.run.root())?;
        self.count();
        let executed = self.places.counted();
        match executed == root.task_count {
            true => Ok(root),
            false => Err(self.job.fail(format!(
                "{executed} tasks of the recursive program were executed, and {} were joined",
                root.task_count
            ))),
        }
    }

    /// Counts what this worker has executed for all workers.
    fn count(&mut self) {
        self.places.count(std::mem::take(&mut self.executed));
    }

    /// Runs a task and everything below it.
    fn walk(&mut self, mut state: R::State) -> Result<Folded, Halt> {
        self.executed += 1;
        match self.run.begin(&mut state) {
            FirstStep::Ended(folded) => Ok(folded),
            FirstStep::Waits(0) => Ok(self.run.end(&state, Folded::default())),
            FirstStep::Waits(count) => {
                let base = self.spawn(&state, count)?;
                let first = self.walk(self.run.child(&state, 0))?;
                let mut children = self.run.joined(0, first);
                for index in (1..count).rev() {
                    let child = self.join(&state, index, base + index as usize - 1)?;
                    children = children.plus(self.run.joined(index, child));
                }
                self.next_place = base;
                Ok(self.run.end(&state, children))
            }
        }
    }

    /// Pushes all children of `parent` but the first. Returns the place of the second.
    #[inline]
    fn spawn(&mut self, parent: &R::State, count: u32) -> Result<usize, Halt> {
        let base = self.next_place;
        let places = base..base + count as usize - 1;
        if places.end > self.end_place {
            return Err(self.job.fail(format!(
                "more than {} children wait on one worker: the program is too deep, or has too many children per task",
                self.places.per_worker()
            )));
        }
        self.next_place = places.end;
        for (place, index) in places.clone().zip(1..) {
            self.places
                .put(place, self.run.child(parent, index).to_words());
        }
        self.queue.push(places.map(number));
        Ok(base)
    }

    /// The result of a child: runs it, if no other worker has taken it.
    #[inline]
    fn join(&mut self, parent: &R::State, index: u32, place: usize) -> Result<Folded, Halt> {
        let next = self.queue.pop();
        match next == Some(number(place)) {
            true => self.walk(self.run.child(parent, index)),
            false => self.await_child(next, place),
        }
    }

    /// Waits for a child that another worker has taken, and runs `next` and other tasks meanwhile.
    #[cold]
    fn await_child(&mut self, mut next: Option<TaskId>, place: usize) -> Result<Folded, Halt> {
        loop {
            if let Some(task) = next {
                // The root is in a queue only before a run.
                let taken = place_of(task).expect("the root has begun");
                self.run_taken(taken)?;
            }
            if self.places.is_done(place) {
                return Ok(self.places.result(place));
            }
            next = self.queue.wait(|| self.places.is_done(place))?;
        }
    }

    /// Runs a child that was taken from another worker.
    fn run_taken(&mut self, place: usize) -> Result<(), Halt> {
        let state = R::State::from_words(self.places.state(place));
        let folded = self.walk(state)?;
        self.count();
        if !self.places.finish(place, folded) {
            return Err(self
                .job
                .fail("a child of a recursive program was run twice"));
        }
        self.queue.wake(self.places.owner(place));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraphBuilder;
    use crate::kernel::{FIB, KernelKind, Setting, Sharing};
    use crate::parameter::Parameters;

    /// The queue of the only worker.
    #[derive(Default)]
    struct OneQueue {
        tasks: Vec<TaskId>,
        /// How many tasks to hand out twice.
        repeat_count: usize,
    }

    impl ChildQueue for OneQueue {
        fn me(&self) -> usize {
            0
        }

        fn push(&mut self, tasks: impl Iterator<Item = TaskId>) {
            self.tasks.extend(tasks);
        }

        fn pop(&mut self) -> Option<TaskId> {
            let repeat = self.repeat_count.checked_sub(1);
            if let (Some(left), Some(task)) = (repeat, self.tasks.last()) {
                self.repeat_count = left;
                return Some(*task);
            }
            self.tasks.pop()
        }

        fn wait(&mut self, _: impl Fn() -> bool) -> Result<Option<TaskId>, Halt> {
            Ok(self.pop())
        }

        fn wake(&self, _: usize) {}
    }

    /// Runs `fib` on one worker whose queue hands out this many tasks twice. Returns why the run failed.
    fn failure(repeat_count: usize) -> Option<String> {
        let mut graph = TaskGraphBuilder::default();
        graph.push([]).unwrap();
        let graph = graph.finish();
        let parameters = Parameters::check(FIB.parameters(), &Default::default()).unwrap();
        let setting = Setting::new(&graph, Sharing::Threads, 1);
        let kernel = FIB.build(&parameters, &setting).unwrap();
        let job = Job::new(graph, kernel).unwrap();
        let places = Places::with_places(1, 100).unwrap();
        let mut queue = OneQueue {
            repeat_count,
            ..OneQueue::default()
        };
        job.begin_run();
        let ran = run_task(&job, &places, &mut queue, TaskId(0));
        assert_eq!(ran.is_err(), job.is_halted());
        job.failure().map(|failure| failure.to_string())
    }

    #[test]
    fn a_child_that_is_executed_twice_and_joined_once_is_caught() {
        assert_eq!(failure(0), None);
        let why = failure(1).unwrap();
        assert!(
            why.contains("tasks of the recursive program were executed, and "),
            "{why}"
        );
    }
}
