//! When an idle worker keeps a task that waits for one more input, and how it waits for that input. See
//! [`Job::execute_or_reserve`].

use crate::execute::{Job, Reserved};
use crate::graph::TaskId;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

/// Whether workers reserve tasks at all. `no` shows what reserving gains, or measures the bare queues.
pub(in crate::backend) const RESERVE: Parameter = Parameter {
    name: "reserve",
    why: "whether a spinning idle worker keeps a task that waits for one more input, and watches this input",
    kind: ParameterKind::Choice(&["yes", "no"]),
    default: Some(DefaultValue::Text("yes")),
};

/// The most idle spells that a worker skips before it reserves again.
const LONGEST_PENALTY: u32 = 256;

/// Pauses before the first search for other work; they double after each search. Searching takes the cache lines of
/// other deques just when their owners are about to make the input.
const FIRST_PAUSES: u32 = 4;

/// The most pauses between two searches.
const MOST_PAUSES: u32 = 16;

/// Whether and how one worker reserves tasks.
///
/// Reserving pays if neighbouring tasks are due at the same moment, step after step. If there is other work, or if
/// the input takes long, the worker has to give the task back. Both operations take a cache line from the workers
/// that count. After such a failure the worker does not reserve for a while, and for twice as long after the next
/// one. Each success halves that time.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct Reserving {
    /// Spells left to skip; `None` if this worker never reserves.
    left: Option<u32>,
    penalty: u32,
}

/// The result of waiting for a reserved task.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::backend) struct Waited {
    /// The task to run next, if there is any.
    pub(in crate::backend) next: Option<TaskId>,
    /// Another task that now belongs to the worker. The worker must put it where others can find it.
    pub(in crate::backend) spare: Option<TaskId>,
}

impl Waited {
    fn for_task(next: Option<TaskId>) -> Self {
        Self { next, spare: None }
    }
}

impl Reserving {
    /// `is_apt` says whether there are other workers to wait for, and whether an idle worker spins on a core of its
    /// own. Otherwise it could not run the reserved task at once.
    pub(in crate::backend) fn new(plan: &Parameters, is_apt: bool) -> Self {
        let is_wanted = plan.text(RESERVE.name) == "yes";
        Self {
            left: (is_wanted && is_apt).then_some(0),
            penalty: 1,
        }
    }

    /// Whether to reserve a task if the worker becomes idle.
    #[inline]
    pub(in crate::backend) fn is_on(&self) -> bool {
        self.left == Some(0)
    }

    /// The worker has run out of work.
    pub(in crate::backend) fn count_spell(&mut self) {
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    /// Waits until `reserved` can run. It stops if `look` finds other work, or if `pause`, which waits for a moment,
    /// says that the worker should not wait longer.
    pub(in crate::backend) fn wait(
        &mut self,
        job: &Job,
        reserved: Reserved,
        mut pause: impl FnMut() -> bool,
        mut look: impl FnMut() -> Option<TaskId>,
    ) -> Waited {
        let Some(awaited) = job.awaited_input(&reserved) else {
            return self.has_paid(reserved);
        };
        let mut pauses = FIRST_PAUSES;
        loop {
            let goes_on = (0..pauses).all(|_| !job.is_done(awaited) && pause());
            if job.is_done(awaited) {
                return self.has_paid(reserved);
            }
            if let Some(found) = look() {
                self.sit_out(self.penalty);
                return Waited {
                    next: Some(found),
                    spare: job.release(reserved),
                };
            }
            if !goes_on {
                // The current spell continues, and will be counted.
                self.sit_out(self.penalty + 1);
                return Waited::for_task(job.release(reserved));
            }
            pauses = (2 * pauses).min(MOST_PAUSES);
        }
    }

    fn has_paid(&mut self, reserved: Reserved) -> Waited {
        self.penalty = (self.penalty / 2).max(1);
        Waited::for_task(Some(reserved.into_task()))
    }

    fn sit_out(&mut self, spells: u32) {
        self.left = self.left.map(|_| spells);
        self.penalty = (2 * self.penalty).min(LONGEST_PENALTY);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::backend::support::fixture::reserved;
    use crate::parameter::Value;

    fn nothing() -> Option<TaskId> {
        None
    }

    fn reserving(choice: &str, is_apt: bool) -> Reserving {
        let given = BTreeMap::from([("reserve".into(), Value::Text(choice.into()))]);
        Reserving::new(&Parameters::check(&[RESERVE], &given).unwrap(), is_apt)
    }

    /// The tasks that the second source makes ready: those that no worker keeps.
    fn made_ready_by_the_other(job: &Job) -> Vec<TaskId> {
        let mut ready = Vec::new();
        job.execute(TaskId(1), |task| ready.push(task)).unwrap();
        ready
    }

    #[test]
    fn it_runs_what_it_has_kept_once_the_input_is_there() {
        let (job, reserved) = reserved();
        let mut pauses = 0;
        let pause = || {
            pauses += 1;
            if pauses == 3 {
                assert_eq!(made_ready_by_the_other(&job), [TaskId(2)]);
            }
            true
        };
        let waited = reserving("yes", true).wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(Some(TaskId(3))));
    }

    #[test]
    fn an_input_that_is_there_already_is_not_waited_for() {
        let (job, reserved) = reserved();
        made_ready_by_the_other(&job);
        let pause = || panic!("the input is already available");
        let waited = reserving("yes", true).wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(Some(TaskId(3))));
    }

    #[test]
    fn what_was_kept_is_given_back_for_other_work() {
        let (job, reserved) = reserved();
        let other = Some(TaskId(7));
        let waited = reserving("yes", true).wait(&job, reserved, || true, || other);
        assert_eq!(waited, Waited::for_task(other));
        assert_eq!(made_ready_by_the_other(&job), [TaskId(2), TaskId(3)]);
    }

    #[test]
    fn what_became_ready_beside_other_work_is_not_lost() {
        let (job, reserved) = reserved();
        let look = || {
            made_ready_by_the_other(&job);
            Some(TaskId(7))
        };
        let waited = reserving("yes", true).wait(&job, reserved, || true, look);
        assert_eq!(
            (waited.next, waited.spare),
            (Some(TaskId(7)), Some(TaskId(3)))
        );
    }

    #[test]
    fn it_does_not_wait_for_ever() {
        let (job, reserved) = reserved();
        let mut left = 1000;
        let pause = || {
            left -= 1;
            left > 0
        };
        let waited = reserving("yes", true).wait(&job, reserved, pause, nothing);
        assert_eq!(waited, Waited::for_task(None));
        assert_eq!(made_ready_by_the_other(&job), [TaskId(2), TaskId(3)]);
    }

    /// How many spells it skips from now on.
    fn drain(reserving: &mut Reserving) -> u32 {
        let mut spells = 0;
        while !reserving.is_on() {
            reserving.count_spell();
            spells += 1;
        }
        spells
    }

    #[test]
    fn each_time_in_vain_costs_twice_as_many_spells_and_success_half() {
        let mut reserving = reserving("yes", true);
        let in_vain = |reserving: &mut Reserving| {
            let (job, reserved) = reserved();
            reserving.wait(&job, reserved, || true, || Some(TaskId(7)));
            drain(reserving)
        };
        let spells = [(); 10].map(|()| in_vain(&mut reserving));
        assert_eq!(spells, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256]);
        for _ in 0..3 {
            let (job, reserved) = reserved();
            made_ready_by_the_other(&job);
            reserving.wait(&job, reserved, || true, nothing);
            assert!(reserving.is_on());
        }
        assert_eq!(in_vain(&mut reserving), 32);
    }

    #[test]
    fn a_wait_that_was_too_long_costs_one_spell_more_than_the_one_it_was_in() {
        let mut reserving = reserving("yes", true);
        let (job, reserved) = reserved();
        reserving.wait(&job, reserved, || false, nothing);
        assert_eq!(drain(&mut reserving), 2);
    }

    #[test]
    fn a_worker_that_cannot_wait_or_is_not_to_never_reserves() {
        for mut never in [reserving("yes", false), reserving("no", true)] {
            never.count_spell();
            assert!(!never.is_on());
        }
    }
}
