//! The locks and semaphores of other crates. A party that waits for one of parking_lot looks now and then whether the run has
//! failed. One that waits for one of tokio is dropped by the runtime when it has.

#[cfg(feature = "parking_lot")]
pub use of_parking_lot::ParkingLotLock;
#[cfg(feature = "parking_lot")]
pub(super) use of_parking_lot::{ParkingLotReadWriteLock, ParkingLotReentrantLock};
#[cfg(feature = "tokio")]
pub(in crate::coordinated) use of_tokio::TokioPause;
#[cfg(feature = "tokio")]
pub(super) use of_tokio::TokioReadWriteLock;
#[cfg(feature = "tokio")]
pub use of_tokio::{TokioLock, TokioSemaphore};

#[cfg(feature = "parking_lot")]
mod of_parking_lot {
    use std::time::{Duration, Instant};

    use parking_lot::{
        Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard, RwLock, RwLockReadGuard,
        RwLockWriteGuard,
    };

    use crate::memory::Padded;
    use crate::sync::{
        Halted, Lock, Party, ReadWriteLock, TimedLock, WAITS_TO_READ_UNDER, WAITS_TO_WRITE_UNDER,
    };

    /// The mutex of parking_lot.
    pub struct ParkingLotLock {
        /// By itself, as in a [`ThreadLock`](crate::sync::ThreadLock).
        mutex: Padded<Mutex<()>>,
        name: &'static str,
        /// The end of a wait that is over, so that no clock is read.
        past: Instant,
    }

    impl ParkingLotLock {
        /// A lock that parties call `name` when they wait for it.
        pub fn new(name: &'static str) -> Self {
            Self {
                mutex: Padded::new(Mutex::new(())),
                name,
                past: Instant::now(),
            }
        }
    }

    impl Lock for ParkingLotLock {
        type Guard<'a> = MutexGuard<'a, ()>;

        #[inline]
        fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
            self.mutex.try_lock()
        }

        /// Like the bare lock until that sleeps: it takes the lock in one step, or looks at it for some time. `try_lock` would
        /// first read the lock, which costs a tenth more while others want it.
        #[inline]
        fn lock_awake(&self) -> Option<MutexGuard<'_, ()>> {
            self.mutex.try_lock_until(self.past)
        }

        async fn wait<'a>(&'a self, party: Party<'a>) -> Result<MutexGuard<'a, ()>, Halted> {
            party.blocks(self.name, |limit| self.mutex.try_lock_for(limit))
        }
    }

    impl TimedLock for ParkingLotLock {
        async fn wait_within<'a>(
            &'a self,
            limit: Duration,
            party: Party<'a>,
        ) -> Result<Option<MutexGuard<'a, ()>>, Halted> {
            party.blocks_within(self.name, limit, |limit| self.mutex.try_lock_for(limit))
        }
    }

    /// The mutex of parking_lot that its holder may take again.
    pub(in crate::coordinated::support) struct ParkingLotReentrantLock {
        mutex: ReentrantMutex<()>,
        name: &'static str,
    }

    impl ParkingLotReentrantLock {
        pub(in crate::coordinated::support) fn new(name: &'static str) -> Self {
            let mutex = ReentrantMutex::new(());
            Self { mutex, name }
        }
    }

    impl Lock for ParkingLotReentrantLock {
        type Guard<'a> = ReentrantMutexGuard<'a, ()>;

        #[inline]
        fn try_lock(&self) -> Option<ReentrantMutexGuard<'_, ()>> {
            self.mutex.try_lock()
        }

        async fn wait<'a>(
            &'a self,
            party: Party<'a>,
        ) -> Result<ReentrantMutexGuard<'a, ()>, Halted> {
            party.blocks(self.name, |limit| self.mutex.try_lock_for(limit))
        }
    }

    /// The lock of parking_lot that readers share.
    #[derive(Default)]
    pub(in crate::coordinated::support) struct ParkingLotReadWriteLock(RwLock<()>);

    impl ReadWriteLock for ParkingLotReadWriteLock {
        type ReadGuard<'a> = RwLockReadGuard<'a, ()>;
        type WriteGuard<'a> = RwLockWriteGuard<'a, ()>;

        #[inline]
        fn try_read(&self) -> Option<RwLockReadGuard<'_, ()>> {
            self.0.try_read()
        }

        async fn wait_read<'a>(
            &'a self,
            party: Party<'a>,
        ) -> Result<RwLockReadGuard<'a, ()>, Halted> {
            party.blocks(WAITS_TO_READ_UNDER, |limit| self.0.try_read_for(limit))
        }

        #[inline]
        fn try_write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
            self.0.try_write()
        }

        async fn wait_write<'a>(
            &'a self,
            party: Party<'a>,
        ) -> Result<RwLockWriteGuard<'a, ()>, Halted> {
            party.blocks(WAITS_TO_WRITE_UNDER, |limit| self.0.try_write_for(limit))
        }
    }
}

#[cfg(feature = "tokio")]
mod of_tokio {
    use std::time::Duration;

    use tokio::sync::{
        Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, SemaphorePermit,
    };
    use tokio::time;

    use crate::sync::{
        Halted, Lock, Party, Pause, ReadWriteLock, Semaphore, TimedLock, WAITS_TO_READ_UNDER,
        WAITS_TO_WRITE_UNDER,
    };

    /// The mutex of tokio.
    pub struct TokioLock {
        mutex: Mutex<()>,
        name: &'static str,
    }

    impl TokioLock {
        /// A lock that parties call `name` when they wait for it.
        pub fn new(name: &'static str) -> Self {
            let mutex = Mutex::new(());
            Self { mutex, name }
        }
    }

    impl Lock for TokioLock {
        type Guard<'a> = MutexGuard<'a, ()>;

        #[inline]
        fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
            self.mutex.try_lock().ok()
        }

        async fn wait<'a>(&'a self, party: Party<'a>) -> Result<MutexGuard<'a, ()>, Halted> {
            let _waiting = party.waits_for(self.name);
            Ok(self.mutex.lock().await)
        }
    }

    impl TimedLock for TokioLock {
        async fn wait_within<'a>(
            &'a self,
            limit: Duration,
            party: Party<'a>,
        ) -> Result<Option<MutexGuard<'a, ()>>, Halted> {
            let _waiting = party.waits_for(self.name);
            Ok(time::timeout(limit, self.mutex.lock()).await.ok())
        }
    }

    /// The lock of tokio that readers share.
    #[derive(Default)]
    pub(in crate::coordinated::support) struct TokioReadWriteLock(RwLock<()>);

    impl ReadWriteLock for TokioReadWriteLock {
        type ReadGuard<'a> = RwLockReadGuard<'a, ()>;
        type WriteGuard<'a> = RwLockWriteGuard<'a, ()>;

        #[inline]
        fn try_read(&self) -> Option<RwLockReadGuard<'_, ()>> {
            self.0.try_read().ok()
        }

        async fn wait_read<'a>(
            &'a self,
            party: Party<'a>,
        ) -> Result<RwLockReadGuard<'a, ()>, Halted> {
            let _waiting = party.waits_for(WAITS_TO_READ_UNDER);
            Ok(self.0.read().await)
        }

        #[inline]
        fn try_write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
            self.0.try_write().ok()
        }

        async fn wait_write<'a>(
            &'a self,
            party: Party<'a>,
        ) -> Result<RwLockWriteGuard<'a, ()>, Halted> {
            let _waiting = party.waits_for(WAITS_TO_WRITE_UNDER);
            Ok(self.0.write().await)
        }
    }

    /// The semaphore of tokio.
    pub struct TokioSemaphore(tokio::sync::Semaphore);

    impl TokioSemaphore {
        /// A semaphore with this many permits.
        pub fn new(permit_count: u32) -> Self {
            Self(tokio::sync::Semaphore::new(permit_count as usize))
        }
    }

    impl Semaphore for TokioSemaphore {
        type Permit<'a> = SemaphorePermit<'a>;

        #[inline]
        fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
            self.0.try_acquire().ok()
        }

        async fn wait(&self) -> SemaphorePermit<'_> {
            let permit = self.0.acquire().await;
            permit.expect("nobody closes the semaphore")
        }
    }

    /// A timer of tokio.
    pub(in crate::coordinated) struct TokioPause;

    impl Pause for TokioPause {
        async fn pause(&self, duration: Duration) {
            // Even a timer of no duration goes through the runtime, which takes up to a millisecond.
            if !duration.is_zero() {
                time::sleep(duration).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "parking_lot")]
    #[test]
    fn a_failed_run_ends_the_wait_for_a_lock_that_is_never_given_back() {
        use std::thread;

        use super::of_parking_lot::{
            ParkingLotLock, ParkingLotReadWriteLock, ParkingLotReentrantLock,
        };
        use crate::graph::TaskId;
        use crate::sync::{Halted, Lock, Party, ReadWriteLock, TimedLock, WaitTable, at_once};

        const HOURS: std::time::Duration = std::time::Duration::from_hours(9);
        let table = WaitTable::new(1).unwrap();
        table.halt();
        let party = Party::new(&table, TaskId(0));
        let (mutex, reentrant) = (
            ParkingLotLock::new("it"),
            ParkingLotReentrantLock::new("it"),
        );
        let shared = ParkingLotReadWriteLock::default();
        let _held = (mutex.try_lock(), reentrant.try_lock(), shared.try_write());
        // Another thread, because the holder may take one of them again.
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                [
                    at_once(mutex.lock(party)).err(),
                    at_once(mutex.lock_within(HOURS, party)).err(),
                    at_once(reentrant.lock(party)).err(),
                    at_once(shared.read(party)).err(),
                    at_once(shared.write(party)).err(),
                ]
            });
            assert_eq!(waits.join().unwrap(), [Some(Halted); 5]);
        });
        assert_eq!(table.waiting(), []);
    }
}
