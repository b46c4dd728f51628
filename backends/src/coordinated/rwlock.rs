use std::io;

use super::support::lock::{self, OverReadWriteLock, READ_WRITE_FORM};
use super::support::{CoordinatedKind, TIMES};
use crate::coordination::{Coordinated, ReadWriteWork};
use crate::kernel::{Kernel, Pace, Setting};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::ReadWriteLock;

/// Parties that read or increment one value under a lock that readers share.
pub const RWLOCK: CoordinatedKind = CoordinatedKind {
    name: "rwlock",
    why: "coordinates: all tasks read or increment one value, under a lock that readers share",
    parameters: &[
        Parameter {
            name: "operations",
            why: "how many times a task reads or increments the value",
            kind: TIMES,
            default: Some(DefaultValue::Count(1000)),
        },
        Parameter {
            name: "read_percent",
            why: "how many of a hundred operations are reads",
            kind: ParameterKind::Count { min: 0, max: 100 },
            default: Some(DefaultValue::Count(90)),
        },
        READ_WRITE_FORM,
    ],
    size_parameter: Some("operations"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits: lock::fits,
    build: lock::build_read_write::<OfRwLock>,
};

struct OfRwLock;

impl OverReadWriteLock for OfRwLock {
    fn build(
        lock: impl ReadWriteLock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        let party_count = setting.graph.task_count() as u64;
        let (operations, read_percent) = (
            parameters.count("operations"),
            parameters.count("read_percent"),
        );
        let work = ReadWriteWork::new(lock, party_count, operations, read_percent)?;
        Coordinated::boxed(work, setting)
    }
}
