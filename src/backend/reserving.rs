//! When an idle worker keeps a task that waits for one more input, and how it waits for that input. See
//! [`Job::execute_or_reserve`].

use crate::execute::{Job, Reserved};
use crate::graph::TaskId;

/// Spells without work that a worker sits out at most before it reserves again.
const LONGEST_PENALTY: u32 = 256;

/// Pauses before the first look for other work; they double from look to look. Looking takes the lines of the others'
/// deques, just when they are about to make the input.
const FIRST_PAUSES: u32 = 4;

/// Pauses between two looks, at most.
const MOST_PAUSES: u32 = 64;

/// Whether and how one worker reserves tasks.
///
/// It pays where tasks are due next door at the same moment, step after step. Where there is other work to be found,
/// what was reserved has to be given back, and both take a cache line from those who count: so a worker whom this
/// happens leaves it for a while, and for twice as long the next time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserving {
    /// Spells to sit out; `None` if this worker never reserves.
    left: Option<u32>,
    penalty: u32,
}

/// What came of waiting for a reserved task.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waited {
    /// The task to run next, if there is any.
    pub(super) next: Option<TaskId>,
    /// Another that is the worker's now. It must be put where others find it.
    pub(super) spare: Option<TaskId>,
}

impl Waited {
    fn for_task(next: Option<TaskId>) -> Self {
        Self { next, spare: None }
    }
}

impl Reserving {
    /// `is_apt` says whether there is anyone to wait for, and an idle worker spins for a while on a core of its own:
    /// else it could not run at once what it has kept.
    pub(super) fn new(is_apt: bool) -> Self {
        Self {
            left: is_apt.then_some(0),
            penalty: 1,
        }
    }

    /// Whether to reserve, should the worker be idle.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.left == Some(0)
    }

    /// The worker has run out of work and has reserved nothing.
    pub(super) fn count_spell(&mut self) {
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    /// Waits until `reserved` can run, unless `look` finds other work first or `pause`, which lets a moment pass,
    /// says that the worker should not go on waiting.
    pub(super) fn wait(
        &mut self,
        job: &Job,
        reserved: Reserved,
        mut pause: impl FnMut() -> bool,
        mut look: impl FnMut() -> Option<TaskId>,
    ) -> Waited {
        let Some(awaited) = job.awaited_input(&reserved) else {
            return Waited::for_task(Some(reserved.into_task()));
        };
        // Whoever makes an input that nothing else needs has nothing else to go on with, and the input at hand.
        if job.graph().successors(awaited).len() == 1 {
            self.leave_it();
            return Waited::for_task(job.release(reserved));
        }
        let mut pauses = FIRST_PAUSES;
        loop {
            let goes_on = (0..pauses).all(|_| !job.is_done(awaited) && pause());
            if job.is_done(awaited) {
                self.penalty = 1;
                return Waited::for_task(Some(reserved.into_task()));
            }
            if let Some(found) = look() {
                self.leave_it();
                return Waited {
                    next: Some(found),
                    spare: job.release(reserved),
                };
            }
            if !goes_on {
                return Waited::for_task(job.release(reserved));
            }
            pauses = (2 * pauses).min(MOST_PAUSES);
        }
    }

    fn leave_it(&mut self) {
        self.left = self.left.map(|_| self.penalty);
        self.penalty = (2 * self.penalty).min(LONGEST_PENALTY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraphBuilder;
    use crate::kernel::Kernel;

    struct Pass;

    impl Kernel for Pass {
        fn run(&self, _: TaskId, seed: u64) -> u64 {
            seed
        }
    }

    /// Two sources; `common` tasks wait for both, of which the last is reserved by the worker of the first source.
    fn reserved(common: usize) -> (Job, Reserved) {
        let mut builder = TaskGraphBuilder::default();
        let sources = [(); 2].map(|()| builder.push([]).unwrap());
        for _ in 0..common {
            builder.push(sources).unwrap();
        }
        let job = Job::new(builder.finish(), Box::new(Pass)).unwrap();
        job.begin_run();
        let none = |task| panic!("{task:?} is ready");
        let reserved = job.execute_or_reserve(sources[0], none, || true);
        (job, reserved.unwrap().unwrap())
    }

    fn nothing() -> Option<TaskId> {
        None
    }

    #[test]
    fn it_runs_what_it_has_kept_once_the_input_is_there() {
        let (job, reserved) = reserved(2);
        let mut reserving = Reserving::new(true);
        let mut pauses = 0;
        let pause = || {
            pauses += 1;
            if pauses == 3 {
                job.execute(TaskId(1), |_| {}).unwrap();
            }
            true
        };
        let waited = reserving.wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(Some(TaskId(3))));
        assert!(reserving.is_on());
    }

    #[test]
    fn an_input_that_is_there_already_is_not_waited_for() {
        let (job, reserved) = reserved(2);
        job.execute(TaskId(1), |_| {}).unwrap();
        let pause = || panic!("there is nothing to wait for");
        let waited = Reserving::new(true).wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(Some(TaskId(3))));
    }

    #[test]
    fn what_was_kept_is_given_back_for_other_work() {
        let (job, reserved) = reserved(2);
        let other = TaskId(7);
        let waited = Reserving::new(true).wait(&job, reserved, || true, || Some(other));
        assert_eq!(waited, Waited::for_task(Some(other)));
        let mut ready = Vec::new();
        job.execute(TaskId(1), |task| ready.push(task)).unwrap();
        assert_eq!(ready, [TaskId(2), TaskId(3)]);
    }

    #[test]
    fn what_became_ready_beside_other_work_is_not_lost() {
        let (job, reserved) = reserved(2);
        let look = || {
            job.execute(TaskId(1), |_| {}).unwrap();
            Some(TaskId(7))
        };
        let waited = Reserving::new(true).wait(&job, reserved, || true, look);
        assert_eq!(
            (waited.next, waited.spare),
            (Some(TaskId(7)), Some(TaskId(3)))
        );
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let (job, reserved) = reserved(2);
        let mut left = 1000;
        let pause = || {
            left -= 1;
            left > 0
        };
        let waited = Reserving::new(true).wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(None));
    }

    #[test]
    fn the_only_dependent_of_an_input_is_left_to_who_makes_it() {
        let (job, reserved) = reserved(1);
        let pause = || panic!("it need not be waited for");
        let mut reserving = Reserving::new(true);
        let waited = reserving.wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(None));
        assert!(!reserving.is_on());
    }

    #[test]
    fn each_time_in_vain_costs_twice_as_many_spells() {
        let mut reserving = Reserving::new(true);
        let mut spells = Vec::new();
        for _ in 0..12 {
            let (job, reserved) = reserved(2);
            reserving.wait(&job, reserved, || true, || Some(TaskId(7)));
            spells.push(
                (0..)
                    .take_while(|_| {
                        !reserving.is_on() && {
                            reserving.count_spell();
                            true
                        }
                    })
                    .count(),
            );
        }
        assert_eq!(spells, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256, 256]);
        let (job, reserved) = reserved(2);
        job.execute(TaskId(1), |_| {}).unwrap();
        reserving.wait(&job, reserved, || true, nothing);
        assert!(reserving.is_on());
    }

    #[test]
    fn a_worker_that_cannot_wait_never_reserves() {
        let mut reserving = Reserving::new(false);
        reserving.count_spell();
        assert!(!reserving.is_on());
    }
}
