use std::io;

use super::support::CoordinatedKind;
use super::support::lock::{self, INCREMENTS, OverLock, REENTRANT_FORM};
use crate::coordination::{Coordinated, ReentrantWork};
use crate::kernel::{Kernel, Pace, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::Lock;

/// Parties that increment one counter under a lock that its holder takes again.
pub const REENTRANT: CoordinatedKind = CoordinatedKind {
    name: "reentrant",
    why: "coordinates: all tasks increment one counter under a lock that its holder takes again",
    parameters: &[
        INCREMENTS,
        Parameter {
            name: "depth",
            why: "how often a task takes the lock for one increment",
            kind: ParameterKind::Count { min: 1, max: 1000 },
            default: Some(DefaultValue::Count(3)),
        },
        REENTRANT_FORM,
    ],
    size_parameter: Some("increments"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits: lock::fits_reentrant,
    build: lock::build_reentrant::<OfReentrant>,
};

struct OfReentrant;

impl OverLock for OfReentrant {
    fn build(
        lock: impl Lock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count() as u64;
        let (increments, depth) = (parameters.count("increments"), parameters.count("depth"));
        let work = ReentrantWork::new(lock, party_count, increments, depth)?;
        Coordinated::boxed(work, setting)
    }
}
