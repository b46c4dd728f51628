//! Which form of a lock the workers of a backend get.

use std::io;

#[cfg(feature = "parking_lot")]
use super::locks::{ParkingLotLock, ParkingLotReadWriteLock, ParkingLotReentrantLock};
#[cfg(feature = "tokio")]
use super::locks::{TokioLock, TokioReadWriteLock};
#[cfg(feature = "smol")]
use super::of_smol::{SmolLock, SmolReadWriteLock};
use super::{Form, TIMES};
use crate::kernel::{Kernel, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{
    Lock, PosixMutex, PosixReadWriteLock, ReadWriteLock, SpinLock, ThreadLock, ThreadReadWriteLock,
    TimedLock,
};

/// What a blocked party is said to wait for.
const THE_LOCK: &str = "the lock";

/// How often a counter is incremented under a lock.
pub(in crate::coordinated) const INCREMENTS: Parameter = Parameter {
    name: "increments",
    why: "how many times a task increments it",
    kind: TIMES,
    default: Some(DefaultValue::Count(1000)),
};

/// Which lock a workload uses, if one that is taken and given back is enough.
pub(in crate::coordinated) const FORM: Parameter = Parameter {
    name: "form",
    why: "which lock: `natural` is `std` for threads, `posix` for processes, that of the runtime for async tasks",
    kind: ParameterKind::Choice(&["natural", "std", "parking-lot", "posix", "spin", "tokio"]),
    default: Some(DefaultValue::Text("natural")),
};

/// [`FORM`], for a lock that readers share.
pub(in crate::coordinated) const READ_WRITE_FORM: Parameter = Parameter {
    kind: ParameterKind::Choice(&["natural", "std", "parking-lot", "posix", "tokio"]),
    ..FORM
};

/// [`FORM`], for a lock that can be waited for with a limit. The standard library has none.
pub(in crate::coordinated) const TIMED_FORM: Parameter = Parameter {
    why: "which lock: `natural` is `posix` for threads and processes, that of the runtime for async tasks",
    kind: ParameterKind::Choice(&["natural", "parking-lot", "posix", "tokio"]),
    ..FORM
};

/// [`FORM`], for a lock that its holder may take again. The standard library and the async runtimes have none.
pub(in crate::coordinated) const REENTRANT_FORM: Parameter = Parameter {
    why: "which lock: `natural` is `posix` for threads and processes; async tasks have none",
    kind: ParameterKind::Choice(&["natural", "parking-lot", "posix"]),
    ..FORM
};

/// A form of lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockForm {
    /// That of the standard library.
    Std,
    ParkingLot,
    /// That of the system, in shared pages.
    Posix,
    /// One whose waiters stay on their cores, in shared pages.
    Spin,
    Tokio,
    Smol,
}

/// What a workload needs beside a lock that can be taken, tried and given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    /// Others wait for it with a limit.
    Limit,
    /// The holder may take it again.
    Reentrance,
}

/// What a kernel does with a lock of a form that is chosen later.
pub(in crate::coordinated) trait OverLock {
    fn build(
        lock: impl Lock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>>;
}

/// [`OverLock`] for a lock that can be waited for with a limit.
pub(in crate::coordinated) trait OverTimedLock {
    fn build(
        lock: impl TimedLock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>>;
}

/// [`OverLock`] for a lock that readers share.
pub(in crate::coordinated) trait OverReadWriteLock {
    fn build(
        lock: impl ReadWriteLock,
        parameters: &Parameters,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>>;
}

impl LockForm {
    /// The form that the parameter `form` means at `venue`.
    ///
    /// # Errors
    ///
    /// If it is made for other workers, lacks what is needed, or this build does not have it.
    fn at(parameters: &Parameters, need: Need, venue: &Venue<'_>) -> Result<Self, String> {
        let word = parameters.text("form");
        let workers = Form::at(venue)?;
        let form = Self::new(word, need, workers);
        match (form, workers) {
            (Self::Std | Self::ParkingLot, Form::Processes) => Err(format!(
                "the lock `{word}` is for threads of one process: form=natural is for all workers"
            )),
            (Self::Tokio, Form::Threads | Form::Processes | Form::SmolTasks) => Err(
                "the lock `tokio` is for tasks of tokio: form=natural is for all workers".into(),
            ),
            (Self::Tokio | Self::Smol, _) if need == Need::Reentrance => {
                Err("async runtimes have no lock that its holder may take again".into())
            }
            (Self::ParkingLot, _) if !cfg!(feature = "parking_lot") => Err(
                "this build has no locks of parking_lot: build it with the feature `parking_lot`"
                    .into(),
            ),
            _ => Ok(form),
        }
    }

    /// The form that the parameter `form` means for the workers of `setting`.
    fn of(parameters: &Parameters, need: Need, setting: &Setting<'_>) -> Self {
        Self::new(parameters.text("form"), need, Form::of(setting))
    }

    fn new(word: &str, need: Need, workers: Form) -> Self {
        match (word, workers) {
            ("std", _) => Self::Std,
            ("parking-lot", _) => Self::ParkingLot,
            ("posix", _) => Self::Posix,
            ("spin", _) => Self::Spin,
            ("tokio", _) | (_, Form::TokioTasks | Form::OtherTasks) => Self::Tokio,
            (_, Form::SmolTasks) => Self::Smol,
            (_, Form::Processes) => Self::Posix,
            // The standard library has a lock for those who need nothing else.
            (_, Form::Threads) if need == Need::Nothing => Self::Std,
            (_, Form::Threads) => Self::Posix,
        }
    }

    /// Reached only if [`at`](Self::at) was not asked first.
    fn is_lacking(self) -> io::Result<Box<dyn Kernel>> {
        let message = format!("there is no lock of the form {self:?} that can do this");
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}

/// Whether there is a lock for the workers at `venue`.
pub(in crate::coordinated) fn fits(
    parameters: &Parameters,
    venue: &Venue<'_>,
) -> Result<(), String> {
    LockForm::at(parameters, Need::Nothing, venue).map(drop)
}

/// Builds `W` with a lock for the workers of `setting`.
pub(in crate::coordinated) fn build<W: OverLock>(
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    match LockForm::of(parameters, Need::Nothing, setting) {
        LockForm::Std => W::build(ThreadLock::new(THE_LOCK), parameters, setting),
        #[cfg(feature = "parking_lot")]
        LockForm::ParkingLot => W::build(ParkingLotLock::new(THE_LOCK), parameters, setting),
        LockForm::Posix => W::build(PosixMutex::new(THE_LOCK)?, parameters, setting),
        LockForm::Spin => W::build(SpinLock::new(THE_LOCK)?, parameters, setting),
        #[cfg(feature = "tokio")]
        LockForm::Tokio => W::build(TokioLock::new(THE_LOCK), parameters, setting),
        #[cfg(feature = "smol")]
        LockForm::Smol => W::build(SmolLock::new(THE_LOCK), parameters, setting),
        #[allow(
            unreachable_patterns,
            reason = "reached in builds without some runtimes"
        )]
        form => form.is_lacking(),
    }
}

/// [`build`] with a lock that readers share.
pub(in crate::coordinated) fn build_read_write<W: OverReadWriteLock>(
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    match LockForm::of(parameters, Need::Nothing, setting) {
        LockForm::Std => W::build(ThreadReadWriteLock::default(), parameters, setting),
        #[cfg(feature = "parking_lot")]
        LockForm::ParkingLot => W::build(ParkingLotReadWriteLock::default(), parameters, setting),
        LockForm::Posix => W::build(PosixReadWriteLock::new()?, parameters, setting),
        #[cfg(feature = "tokio")]
        LockForm::Tokio => W::build(TokioReadWriteLock::default(), parameters, setting),
        #[cfg(feature = "smol")]
        LockForm::Smol => W::build(SmolReadWriteLock::default(), parameters, setting),
        form => form.is_lacking(),
    }
}

/// [`fits`] for a lock that can be waited for with a limit.
pub(in crate::coordinated) fn fits_timed(
    parameters: &Parameters,
    venue: &Venue<'_>,
) -> Result<(), String> {
    LockForm::at(parameters, Need::Limit, venue).map(drop)
}

/// [`build`] with a lock that can be waited for with a limit.
pub(in crate::coordinated) fn build_timed<W: OverTimedLock>(
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    match LockForm::of(parameters, Need::Limit, setting) {
        #[cfg(feature = "parking_lot")]
        LockForm::ParkingLot => W::build(ParkingLotLock::new(THE_LOCK), parameters, setting),
        LockForm::Posix => W::build(PosixMutex::new(THE_LOCK)?, parameters, setting),
        #[cfg(feature = "tokio")]
        LockForm::Tokio => W::build(TokioLock::new(THE_LOCK), parameters, setting),
        #[cfg(feature = "smol")]
        LockForm::Smol => W::build(SmolLock::new(THE_LOCK), parameters, setting),
        form => form.is_lacking(),
    }
}

/// [`fits`] for a lock that its holder may take again.
pub(in crate::coordinated) fn fits_reentrant(
    parameters: &Parameters,
    venue: &Venue<'_>,
) -> Result<(), String> {
    LockForm::at(parameters, Need::Reentrance, venue).map(drop)
}

/// [`build`] with a lock that its holder may take again.
pub(in crate::coordinated) fn build_reentrant<W: OverLock>(
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    match LockForm::of(parameters, Need::Reentrance, setting) {
        #[cfg(feature = "parking_lot")]
        LockForm::ParkingLot => {
            W::build(ParkingLotReentrantLock::new(THE_LOCK), parameters, setting)
        }
        LockForm::Posix => W::build(PosixMutex::reentrant(THE_LOCK)?, parameters, setting),
        form => form.is_lacking(),
    }
}
