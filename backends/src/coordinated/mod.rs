//! The kernels whose tasks coordinate, and the form of each primitive that a backend's workers get. There is one file per
//! kernel, and one line per kernel in [`COORDINATED`]. A file declares its kernel as data and builds the body, which is in
//! [`coordination`](crate::coordination), over the primitive: `mutex` is an example for locks, `threadring` for channels, and
//! `event` for a primitive of its own.

use crate::kernel::KernelKind;

mod actor;
mod barrier;
mod condition;
mod event;
mod io_pipe;
mod map_order;
mod mutex;
mod ping_pong;
mod producer_consumer;
mod reentrant;
mod rwlock;
mod semaphore;
mod support;
mod threadring;
mod timed_lock;
mod timer;
mod try_lock;

pub use actor::ACTOR;
pub use barrier::BARRIER;
pub use condition::CONDITION;
pub use event::EVENT;
pub use io_pipe::IO_PIPE;
pub use map_order::MAP_ORDER;
pub use mutex::MUTEX;
pub use ping_pong::PING_PONG;
pub use producer_consumer::PRODUCER_CONSUMER;
pub use reentrant::REENTRANT;
pub use rwlock::RWLOCK;
pub use semaphore::SEMAPHORE;
#[cfg(feature = "crossbeam")]
pub use support::channels::CrossbeamChannel;
#[cfg(feature = "flume")]
pub use support::channels::FlumeChannel;
#[cfg(feature = "tokio")]
pub use support::channels::TokioChannel;
#[cfg(feature = "parking_lot")]
pub use support::locks::ParkingLotLock;
#[cfg(feature = "tokio")]
pub use support::locks::{TokioLock, TokioSemaphore};
pub use threadring::THREADRING;
pub use timed_lock::TIMED_LOCK;
pub use timer::TIMER;
pub use try_lock::TRY_LOCK;

/// The kernels whose tasks coordinate.
pub const COORDINATED: &[&dyn KernelKind] = &[
    &BARRIER,
    &PRODUCER_CONSUMER,
    &THREADRING,
    &PING_PONG,
    &ACTOR,
    &MUTEX,
    &RWLOCK,
    &REENTRANT,
    &TRY_LOCK,
    &TIMED_LOCK,
    &SEMAPHORE,
    &CONDITION,
    &EVENT,
    &MAP_ORDER,
    &TIMER,
    &IO_PIPE,
];
