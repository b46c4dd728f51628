//! What efficiency is told against: how long tasks take at peak.

use super::{PROBE_TASKS, Sweepable, Sweeper, median_wall_ns};
use crate::case::{Idle, Session};
use crate::measure::SlicePlan;
use crate::record::{CaseError, Probe};

/// A task of a probe lasts at least this long, so that what it costs to start one is no part of it.
const PROBE_TASK_NS: f64 = 20_000.0;

/// What tells how long a task takes at peak for each unit of its size.
pub(super) enum Ruler {
    /// The clock, which the tasks go by.
    Clock {
        /// By definition.
        unit_ns: f64,
    },
    /// A probe that is up.
    Probe {
        // Boxed, because the other kind of ruler takes eight bytes.
        session: Box<Session>,
        size: f64,
        /// When it was last looked at.
        unit_ns: f64,
    },
}

impl Ruler {
    /// What a task takes for each unit of its size, when it was last looked at.
    pub(super) fn unit_ns(&self) -> f64 {
        match self {
            Self::Clock { unit_ns } | Self::Probe { unit_ns, .. } => *unit_ns,
        }
    }

    /// Looks at it again, as far as three samples tell.
    pub(super) fn look(&mut self, idle: &mut dyn Idle) -> Result<(), CaseError> {
        if let Self::Probe {
            session,
            size,
            unit_ns,
        } = self
        {
            *unit_ns = median_wall_ns(session, idle)? / (PROBE_TASKS as f64 * *size);
        }
        Ok(())
    }

    /// One sample of the probe, where there is one.
    pub(super) fn probe(&mut self, idle: &mut dyn Idle) -> Result<Option<Probe>, CaseError> {
        let Self::Probe { session, .. } = self else {
            return Ok(None);
        };
        session.renew();
        let slice = session.slice(SlicePlan::samples(1), idle)?;
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
            Self::Probe { .. } => PROBE_TASKS,
        }
    }
}

impl Sweeper<'_> {
    /// The ruler of the sweep before if it will do, or a new one.
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
            Some(timed) => Ok(Ruler::Clock {
                unit_ns: timed.unit_ns,
            }),
            None => self.probe(sweepable, idle),
        }
    }

    /// A new probe: its size grows until its tasks are long.
    fn probe(&self, sweepable: &Sweepable, idle: &mut dyn Idle) -> Result<Ruler, CaseError> {
        let sizes = sweepable.sizes;
        let mut size = sizes.least;
        loop {
            let mut session = self.start(sweepable, sweepable.probe_case(size), idle)?;
            let task_ns = median_wall_ns(&mut session, idle)? / PROBE_TASKS as f64;
            if task_ns >= PROBE_TASK_NS || size >= sizes.most {
                return Ok(Ruler::Probe {
                    session: Box::new(session),
                    size,
                    unit_ns: task_ns / size,
                });
            }
            // Two steps at most beyond what is needed, however the first, which is mostly overhead, came out.
            let factor = (1.2 * PROBE_TASK_NS / task_ns).ceil().clamp(2.0, 64.0);
            size = sizes.at_most(size * factor);
        }
    }
}
