//! The primitives of smol, for async tasks on executors of smol.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use event_listener::Event as Wakeups;
use smol::Timer;
use smol::channel::{self, TrySendError};
use smol::future::or;
use smol::lock::{self, MutexGuard, RwLockReadGuard, RwLockWriteGuard, SemaphoreGuard};

use super::async_monitor::{AsyncMonitor, WaitingPlace};
use crate::sync::{
    ChannelEnds, ChannelKind, Halted, Lock, MESSAGE, Message, Party, Pause, ROOM, ReadWriteLock,
    Receiver, Semaphore, Sender, TimedLock, Timers, WAITS_TO_READ_UNDER, WAITS_TO_WRITE_UNDER,
};

/// The monitor of smol: its event at each place.
pub(in crate::coordinated) type SmolMonitor = AsyncMonitor<Wakeups>;

impl WaitingPlace for Wakeups {
    async fn wait_unless<R: Send>(&self, mut check: impl FnMut() -> Option<R> + Send) -> Option<R> {
        let woken = self.listen();
        let found = check();
        if found.is_none() {
            woken.await;
        }
        found
    }

    fn wake_one(&self) {
        // One more than have been woken and have not noticed it yet.
        self.notify_additional(1);
    }

    fn wake_all(&self) {
        self.notify(usize::MAX);
    }
}

/// The timers of smol, each with an event that ends its waiting.
pub(in crate::coordinated) struct SmolTimers(Vec<SmolTimer>);

struct SmolTimer {
    /// One of the words below. It leaves `OPEN` by a compare-exchange, so a timer has one fate.
    fate: AtomicU32,
    is_cancelled: Wakeups,
}

const OPEN: u32 = 0;
const FIRED: u32 = 1;
const CANCELLED: u32 = 2;

impl SmolTimers {
    pub(in crate::coordinated) fn new(party_count: usize) -> Self {
        let timer = || SmolTimer {
            fate: AtomicU32::new(OPEN),
            is_cancelled: Wakeups::new(),
        };
        Self((0..party_count).map(|_| timer()).collect())
    }
}

impl SmolTimer {
    fn decide(&self, chosen: u32) -> bool {
        // AcqRel: whoever decides releases what it did before to the other side, whose exchange fails and acquires it.
        self.fate
            .compare_exchange(OPEN, chosen, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Timers for SmolTimers {
    async fn wait(&self, party: Party<'_>, due: Instant) -> Result<bool, Halted> {
        let timer = &self.0[party.index];
        let _waiting = party.waits_for("its timer");
        // It listens before it looks, so a cancellation after that reaches it.
        let cancelled = timer.is_cancelled.listen();
        // Acquire: pairs with `decide` in `cancel`.
        if timer.fate.load(Ordering::Acquire) != OPEN {
            return Ok(false);
        }
        let is_due = or(
            async {
                cancelled.await;
                false
            },
            async {
                Timer::at(due).await;
                true
            },
        );
        Ok(is_due.await && timer.decide(FIRED))
    }

    fn cancel(&self, index: usize) -> bool {
        let timer = &self.0[index];
        let is_in_time = timer.decide(CANCELLED);
        if is_in_time {
            timer.is_cancelled.notify(1);
        }
        is_in_time
    }

    fn reset(&self) {
        for timer in &self.0 {
            // Relaxed: nobody uses the timers, and the end of the run orders this before whoever does next.
            timer.fate.store(OPEN, Ordering::Relaxed);
        }
    }
}

/// The mutex of smol.
pub(in crate::coordinated) struct SmolLock {
    mutex: lock::Mutex<()>,
    name: &'static str,
}

impl SmolLock {
    pub(in crate::coordinated) fn new(name: &'static str) -> Self {
        let mutex = lock::Mutex::new(());
        Self { mutex, name }
    }
}

impl Lock for SmolLock {
    type Guard<'a> = MutexGuard<'a, ()>;

    #[inline]
    fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
        self.mutex.try_lock()
    }

    async fn wait<'a>(&'a self, party: Party<'a>) -> Result<MutexGuard<'a, ()>, Halted> {
        let _waiting = party.waits_for(self.name);
        Ok(self.mutex.lock().await)
    }
}

impl TimedLock for SmolLock {
    async fn wait_within<'a>(
        &'a self,
        limit: Duration,
        party: Party<'a>,
    ) -> Result<Option<MutexGuard<'a, ()>>, Halted> {
        let _waiting = party.waits_for(self.name);
        Ok(at_most(limit, self.mutex.lock()).await)
    }
}

/// What `future` returns, if it does so in time.
async fn at_most<R>(limit: Duration, future: impl Future<Output = R>) -> Option<R> {
    let late = async {
        Timer::after(limit).await;
        None
    };
    or(async { Some(future.await) }, late).await
}

/// The lock of smol that readers share.
#[derive(Default)]
pub(in crate::coordinated) struct SmolReadWriteLock(lock::RwLock<()>);

impl ReadWriteLock for SmolReadWriteLock {
    type ReadGuard<'a> = RwLockReadGuard<'a, ()>;
    type WriteGuard<'a> = RwLockWriteGuard<'a, ()>;

    #[inline]
    fn try_read(&self) -> Option<RwLockReadGuard<'_, ()>> {
        self.0.try_read()
    }

    async fn wait_read<'a>(&'a self, party: Party<'a>) -> Result<RwLockReadGuard<'a, ()>, Halted> {
        let _waiting = party.waits_for(WAITS_TO_READ_UNDER);
        Ok(self.0.read().await)
    }

    #[inline]
    fn try_write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        self.0.try_write()
    }

    async fn wait_write<'a>(
        &'a self,
        party: Party<'a>,
    ) -> Result<RwLockWriteGuard<'a, ()>, Halted> {
        let _waiting = party.waits_for(WAITS_TO_WRITE_UNDER);
        Ok(self.0.write().await)
    }
}

/// The semaphore of smol.
pub(in crate::coordinated) struct SmolSemaphore(lock::Semaphore);

impl SmolSemaphore {
    pub(in crate::coordinated) fn new(permit_count: u32) -> Self {
        Self(lock::Semaphore::new(permit_count as usize))
    }
}

impl Semaphore for SmolSemaphore {
    type Permit<'a> = SemaphoreGuard<'a>;

    #[inline]
    fn try_acquire(&self) -> Option<SemaphoreGuard<'_>> {
        self.0.try_acquire()
    }

    async fn wait(&self) -> SemaphoreGuard<'_> {
        self.0.acquire().await
    }
}

/// A timer of smol.
pub(in crate::coordinated) struct SmolPause;

impl Pause for SmolPause {
    async fn pause(&self, duration: Duration) {
        if !duration.is_zero() {
            Timer::after(duration).await;
        }
    }
}

/// Makes the channels of smol, which have any number of senders and receivers.
pub(in crate::coordinated) struct SmolChannel {
    /// How many messages a channel holds, at least one; `None` if there is no limit.
    pub(in crate::coordinated) capacity: Option<usize>,
}

/// The end that sends.
pub(in crate::coordinated) struct SmolSender(channel::Sender<Message>);

/// The end that receives.
pub(in crate::coordinated) struct SmolReceiver(channel::Receiver<Message>);

impl ChannelKind for SmolChannel {
    type Sender = SmolSender;
    type Receiver = SmolReceiver;

    fn open(&self, sender_count: usize, receiver_count: usize) -> io::Result<ChannelEnds<Self>> {
        let (sender, receiver) = match self.capacity {
            Some(capacity) => channel::bounded(capacity),
            None => channel::unbounded(),
        };
        let senders = (0..sender_count).map(|_| SmolSender(sender.clone()));
        let receivers = (0..receiver_count).map(|_| SmolReceiver(receiver.clone()));
        Ok((senders.collect(), receivers.collect()))
    }
}

impl Sender for SmolSender {
    #[inline]
    async fn send(&mut self, party: Party<'_>, message: Message) -> Result<(), Halted> {
        match self.0.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(message)) => {
                let sent = party.awaits(ROOM, self.0.send(message)).await;
                sent.map_err(|_| Halted)
            }
            Err(TrySendError::Closed(_)) => Err(Halted),
        }
    }
}

impl Receiver for SmolReceiver {
    #[inline]
    async fn receive(&mut self, party: Party<'_>) -> Result<Message, Halted> {
        let received = party.awaits(MESSAGE, self.0.recv()).await;
        received.map_err(|_| Halted)
    }
}
