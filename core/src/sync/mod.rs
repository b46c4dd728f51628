//! What concurrent programs share: counters, and the primitives by which tasks wait for each other.
//!
//! A primitive is a trait with one form per family of workers: threads use what the standard library has, processes use
//! words in shared pages, and async tasks use what their runtime has. The forms of other crates are beside the backends.
//! Every operation is an `async fn`, so the body of a kernel is written once. An operation of a form that blocks is ready
//! when it is first polled, and [`at_once`] turns it into a plain call.
//!
//! A task that waits for other tasks is a [`Party`]. Before it blocks, it says in a [`WaitTable`] what it waits for, so that
//! a run that never ends can be explained. While it is blocked, it looks now and then whether the run has failed.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

mod barrier;
mod byte_pipe;
mod channel;
mod counter;
mod event;
mod futex;
mod lock;
mod monitor;
mod party;
mod pause;
mod permits;
mod posix_mutex;
mod read_write_lock;
mod ring;
mod semaphore;
mod shared_channel;
mod shared_monitor;
mod spin_lock;
mod timers;

pub use barrier::{Barrier, BreakableBarrier, SharedBarrier, ThreadBarrier};
pub use byte_pipe::{BlockingPipe, BytePipe, PipeEnds, WAITS_TO_READ, WAITS_TO_WRITE};
pub use channel::{
    ChannelEnds, ChannelKind, MESSAGE, Message, ROOM, Receiver, Sender, ThreadChannel, ThreadSender,
};
pub use counter::{
    AtomicCounter, MutexCounter, ProcessMutexCounter, RacyCounter, ShardedCounter, SharedCounter,
    ThreadLocalCounter,
};
pub use event::{Event, SharedEvent, ThreadEvent};
pub use lock::{Lock, ThreadLock, TimedLock};
pub use monitor::{Monitor, PLACE_COUNT, ThreadMonitor};
pub use party::{Halted, LOOK_INTERVAL, Party, WaitTable, Waiting};
pub use pause::{BlockingPause, Pause};
pub use posix_mutex::{PosixGuard, PosixMutex};
pub use read_write_lock::{
    PosixReadWriteGuard, PosixReadWriteLock, ReadWriteLock, ThreadReadWriteLock,
    WAITS_TO_READ_UNDER, WAITS_TO_WRITE_UNDER,
};
pub use semaphore::{Semaphore, SharedPermit, SharedSemaphore, ThreadPermit, ThreadSemaphore};
pub use shared_channel::{
    PIPE_MESSAGE_BYTES, PipeChannel, PipeReceiver, PipeSender, RingChannel, RingEnd,
};
pub use shared_monitor::SharedMonitor;
pub use spin_lock::{SpinGuard, SpinLock};
pub use timers::{SharedTimers, ThreadTimers, Timers};

/// The atomics of `permits`, `ring` and `shared_monitor`. Model checks compile these with others.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}

/// The result of an operation that blocks instead of being pending.
///
/// # Panics
///
/// If it is pending after all.
#[inline]
pub fn at_once<T>(operation: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(operation).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a form that blocks is never pending"),
    }
}
