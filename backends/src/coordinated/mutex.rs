use std::io;

use super::support::CoordinatedKind;
use super::support::lock::{self, FORM, INCREMENTS, OverLock};
use crate::coordination::{Coordinated, MutexWork};
use crate::kernel::{Kernel, Pace, Setting};
use crate::parameter::Parameters;
use crate::sync::Lock;

/// Parties that increment one counter under a lock.
pub const MUTEX: CoordinatedKind = CoordinatedKind {
    name: "mutex",
    why: "coordinates: all tasks increment one counter, each time under a lock",
    parameters: &[INCREMENTS, FORM],
    size_parameter: Some("increments"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits: lock::fits,
    build: lock::build::<OfMutex>,
};

struct OfMutex;

impl OverLock for OfMutex {
    fn build(
        lock: impl Lock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count() as u64;
        let work = MutexWork::new(lock, party_count, parameters.count("increments"))?;
        Coordinated::boxed(work, setting)
    }
}
