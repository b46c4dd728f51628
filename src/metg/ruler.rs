//! The ruler: how long tasks take at the peak rate, which efficiency is relative to.

use super::{PROBE_TASKS, Sweepable, Sweeper, median_wall_ns};
use crate::case::{Idle, Session};
use crate::measure::SlicePlan;
use crate::record::{CaseError, Probe};

/// A task of a probe lasts at least this long, so that the cost of starting a task is negligible.
const PROBE_TASK_NS: f64 = 20_000.0;
/// The same in another program, which may be an interpreter: there, starting a task takes about a microsecond.
const FOREIGN_PROBE_TASK_NS: f64 = 200_000.0;

/// Gives the time of a task at the peak rate per unit of its size.
pub(super) enum Ruler {
    /// The clock, for tasks that last for a known time.
    Clock {
        /// Known by definition.
        unit_ns: f64,
    },
    /// A probe whose child is running.
    Probe {
        // Boxed, because the other variant has only eight bytes.
        session: Box<Session>,
        size: f64,
        task_count: u64,
        /// As last measured.
        unit_ns: f64,
    },
}

impl Ruler {
    /// The time of a task per unit of its size, as last measured.
    pub(super) fn unit_ns(&self) -> f64 {
        match self {
            Self::Clock { unit_ns } | Self::Probe { unit_ns, .. } => *unit_ns,
        }
    }

    /// Measures it again with three samples.
    pub(super) fn look(&mut self, idle: &mut dyn Idle) -> Result<(), CaseError> {
        if let Self::Probe {
            session,
            size,
            task_count,
            unit_ns,
        } = self
        {
            *unit_ns = median_wall_ns(session, idle)? / (*task_count as f64 * *size);
        }
        Ok(())
    }

    /// Takes one sample of the probe, if there is a probe.
    pub(super) fn probe(&mut self, idle: &mut dyn Idle) -> Result<Option<Probe>, CaseError> {
        let Self::Probe { session, .. } = self else {
            return Ok(None);
        };
        session.renew();
        let slice = session.slice(SlicePlan::exactly(1), idle)?;
        Ok(slice.samples.first().map(|sample| Probe {
            wall_ns: sample.wall_ns,
            run_count: sample.run_count,
        }))
    }

    /// See [`crate::record::Peak::probe_size`].
    pub(super) fn probe_size(&self) -> f64 {
        match self {
            Self::Clock { .. } => 0.0,
            Self::Probe { size, .. } => *size,
        }
    }

    /// See [`crate::record::Peak::probe_task_count`].
    pub(super) fn probe_task_count(&self) -> u64 {
        match self {
            Self::Clock { .. } => 0,
            Self::Probe { task_count, .. } => *task_count,
        }
    }
}

impl Sweeper<'_> {
    /// Returns the ruler of the previous sweep if it fits, or a new one.
    pub(super) fn ruler(
        &mut self,
        sweepable: &Sweepable,
        idle: &mut dyn Idle,
    ) -> Result<Ruler, CaseError> {
        if let Some((ruler, key)) = self.ruler.take()
            && key == sweepable.probe_key()
        {
            return Ok(ruler);
        }
        match sweepable.timed {
            _ if sweepable.next_cut_off.is_some() => self.whole_program(sweepable, idle),
            Some(timed) => Ok(Ruler::Clock {
                unit_ns: timed.unit_ns,
            }),
            None => self.probe(sweepable, idle),
        }
    }

    /// Starts the probe of a recursive program, whose unit is the whole program.
    fn whole_program(
        &self,
        sweepable: &Sweepable,
        idle: &mut dyn Idle,
    ) -> Result<Ruler, CaseError> {
        // With the largest cut-off, the program is one task.
        let case = sweepable.serial_case(sweepable.sizes.most);
        let (mut session, _) = self.start(sweepable, case, idle)?;
        let unit_ns = median_wall_ns(&mut session, idle)?;
        Ok(Ruler::Probe {
            session: Box::new(session),
            size: 1.0,
            task_count: 1,
            unit_ns,
        })
    }

    /// Starts a new probe. Its size grows until its tasks are long enough.
    fn probe(&self, sweepable: &Sweepable, idle: &mut dyn Idle) -> Result<Ruler, CaseError> {
        let sizes = sweepable.sizes;
        let mut size = sizes.least;
        let least_ns = match sweepable.is_foreign() {
            true => FOREIGN_PROBE_TASK_NS,
            false => PROBE_TASK_NS,
        };
        loop {
            let (mut session, _) = self.start(sweepable, sweepable.probe_case(size), idle)?;
            let task_ns = median_wall_ns(&mut session, idle)? / PROBE_TASKS as f64;
            if task_ns >= least_ns || size >= sizes.most {
                return Ok(Ruler::Probe {
                    session: Box::new(session),
                    size,
                    task_count: PROBE_TASKS,
                    unit_ns: task_ns / size,
                });
            }
            // Grow by a limited factor, because the first measurement is mostly overhead.
            let factor = (1.2 * least_ns / task_ns).ceil().clamp(2.0, 64.0);
            size = sizes.at_most(size * factor);
        }
    }
}
