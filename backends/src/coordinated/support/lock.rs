//! Which form of a lock the workers of a backend get.

use std::io;

use super::Form;
use crate::kernel::{Kernel, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind};
use crate::sync::{
    Lock, PosixMutex, PosixReadWriteLock, ReadWriteLock, SpinLock, ThreadLock, ThreadReadWriteLock,
    TimedLock,
};

/// What a blocked party is said to wait for.
const THE_LOCK: &str = "the lock";

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
pub(in crate::coordinated) enum LockForm {
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
pub(in crate::coordinated) enum Need {
    /// Nothing.
    Nothing,
    /// The holder may take it again, or others wait for it with a limit: the standard library has neither.
    MoreThanStd,
}

/// What is built with a lock of a form that is chosen later.
pub(in crate::coordinated) trait OverLock {
    fn build(self, lock: impl Lock) -> io::Result<Box<dyn Kernel>>;
}

/// [`OverLock`] for a lock that can be waited for with a limit.
pub(in crate::coordinated) trait OverTimedLock {
    fn build(self, lock: impl TimedLock) -> io::Result<Box<dyn Kernel>>;
}

/// [`OverLock`] for a lock that readers share.
pub(in crate::coordinated) trait OverReadWriteLock {
    fn build(self, lock: impl ReadWriteLock) -> io::Result<Box<dyn Kernel>>;
}

impl LockForm {
    /// The form that a value of [`FORM`] means at `venue`.
    ///
    /// # Errors
    ///
    /// If it is made for other workers, or this build does not have it.
    pub(in crate::coordinated) fn at(
        word: &str,
        need: Need,
        venue: &Venue<'_>,
    ) -> Result<Self, String> {
        let workers = Form::at(venue)?;
        let form = Self::new(word, need, workers);
        match (form, workers) {
            (Self::Std | Self::ParkingLot, Form::Processes) => Err(format!(
                "the lock `{word}` is for threads of one process: form=natural is for all workers"
            )),
            (Self::Tokio, Form::Threads | Form::Processes | Form::SmolTasks) => Err(
                "the lock `tokio` is for tasks of tokio: form=natural is for all workers".into(),
            ),
            (Self::ParkingLot, _) if !cfg!(feature = "parking_lot") => Err(
                "this build has no locks of parking_lot: build it with the feature `parking_lot`"
                    .into(),
            ),
            _ => Ok(form),
        }
    }

    /// The form that a value of [`FORM`] means for `workers`.
    pub(in crate::coordinated) fn new(word: &str, need: Need, workers: Form) -> Self {
        match (word, workers) {
            ("std", _) => Self::Std,
            ("parking-lot", _) => Self::ParkingLot,
            ("posix", _) => Self::Posix,
            ("spin", _) => Self::Spin,
            ("tokio", _) | (_, Form::TokioTasks | Form::OtherTasks) => Self::Tokio,
            (_, Form::SmolTasks) => Self::Smol,
            (_, Form::Processes) => Self::Posix,
            (_, Form::Threads) if need == Need::MoreThanStd => Self::Posix,
            (_, Form::Threads) => Self::Std,
        }
    }

    /// Builds `what` with a lock.
    pub(in crate::coordinated) fn build(self, what: impl OverLock) -> io::Result<Box<dyn Kernel>> {
        match self {
            Self::Std => what.build(ThreadLock::new(THE_LOCK)),
            #[cfg(feature = "parking_lot")]
            Self::ParkingLot => what.build(super::locks::ParkingLotLock::new(THE_LOCK)),
            Self::Posix => what.build(PosixMutex::new(THE_LOCK)?),
            Self::Spin => what.build(SpinLock::new(THE_LOCK)?),
            #[cfg(feature = "tokio")]
            Self::Tokio => what.build(super::locks::TokioLock::new(THE_LOCK)),
            #[cfg(feature = "smol")]
            Self::Smol => what.build(super::of_smol::SmolLock::new(THE_LOCK)),
            #[allow(
                unreachable_patterns,
                reason = "reached in builds without some runtimes"
            )]
            _ => self.is_lacking(),
        }
    }

    /// Builds `what` with a lock that its holder may take again.
    pub(in crate::coordinated) fn build_reentrant(
        self,
        what: impl OverLock,
    ) -> io::Result<Box<dyn Kernel>> {
        match self {
            #[cfg(feature = "parking_lot")]
            Self::ParkingLot => what.build(super::locks::ParkingLotReentrantLock::new(THE_LOCK)),
            Self::Posix => what.build(PosixMutex::reentrant(THE_LOCK)?),
            _ => self.is_lacking(),
        }
    }

    /// Builds `what` with a lock that can be waited for with a limit.
    pub(in crate::coordinated) fn build_timed(
        self,
        what: impl OverTimedLock,
    ) -> io::Result<Box<dyn Kernel>> {
        match self {
            #[cfg(feature = "parking_lot")]
            Self::ParkingLot => what.build(super::locks::ParkingLotLock::new(THE_LOCK)),
            Self::Posix => what.build(PosixMutex::new(THE_LOCK)?),
            #[cfg(feature = "tokio")]
            Self::Tokio => what.build(super::locks::TokioLock::new(THE_LOCK)),
            #[cfg(feature = "smol")]
            Self::Smol => what.build(super::of_smol::SmolLock::new(THE_LOCK)),
            _ => self.is_lacking(),
        }
    }

    /// Builds `what` with a lock that readers share.
    pub(in crate::coordinated) fn build_read_write(
        self,
        what: impl OverReadWriteLock,
    ) -> io::Result<Box<dyn Kernel>> {
        match self {
            Self::Std => what.build(ThreadReadWriteLock::default()),
            #[cfg(feature = "parking_lot")]
            Self::ParkingLot => what.build(super::locks::ParkingLotReadWriteLock::default()),
            Self::Posix => what.build(PosixReadWriteLock::new()?),
            #[cfg(feature = "tokio")]
            Self::Tokio => what.build(super::locks::TokioReadWriteLock::default()),
            #[cfg(feature = "smol")]
            Self::Smol => what.build(super::of_smol::SmolReadWriteLock::default()),
            _ => self.is_lacking(),
        }
    }

    /// Reached only if [`at`](Self::at) was not asked first.
    fn is_lacking(self) -> io::Result<Box<dyn Kernel>> {
        let message = format!("there is no lock of the form {self:?} that can do this");
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}
