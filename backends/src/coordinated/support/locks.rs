//! The locks and semaphores of other crates.

#[cfg(feature = "parking_lot")]
pub(super) use of_parking_lot::{ParkingLotLock, ParkingLotReadWriteLock, ParkingLotReentrantLock};
#[cfg(feature = "tokio")]
pub(super) use of_tokio::{TokioLock, TokioReadWriteLock};
#[cfg(feature = "tokio")]
pub(in crate::coordinated) use of_tokio::{TokioPause, TokioSemaphore};

#[cfg(feature = "parking_lot")]
mod of_parking_lot {
    use std::time::Duration;

    use parking_lot::{
        Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard, RwLock, RwLockReadGuard,
        RwLockWriteGuard,
    };

    use crate::sync::{Lock, ReadWriteLock, TimedLock};

    /// The mutex of parking_lot.
    pub(in crate::coordinated::support) struct ParkingLotLock {
        mutex: Mutex<()>,
        name: &'static str,
    }

    impl ParkingLotLock {
        pub(in crate::coordinated::support) fn new(name: &'static str) -> Self {
            let mutex = Mutex::new(());
            Self { mutex, name }
        }
    }

    impl Lock for ParkingLotLock {
        type Guard<'a> = MutexGuard<'a, ()>;

        fn name(&self) -> &'static str {
            self.name
        }

        #[inline]
        fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
            self.mutex.try_lock()
        }

        async fn wait(&self) -> MutexGuard<'_, ()> {
            self.mutex.lock()
        }
    }

    impl TimedLock for ParkingLotLock {
        async fn wait_at_most(&self, limit: Duration) -> Option<MutexGuard<'_, ()>> {
            self.mutex.try_lock_for(limit)
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

        fn name(&self) -> &'static str {
            self.name
        }

        #[inline]
        fn try_lock(&self) -> Option<ReentrantMutexGuard<'_, ()>> {
            self.mutex.try_lock()
        }

        async fn wait(&self) -> ReentrantMutexGuard<'_, ()> {
            self.mutex.lock()
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

        async fn wait_read(&self) -> RwLockReadGuard<'_, ()> {
            self.0.read()
        }

        #[inline]
        fn try_write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
            self.0.try_write()
        }

        async fn wait_write(&self) -> RwLockWriteGuard<'_, ()> {
            self.0.write()
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

    use crate::sync::{Lock, Pause, ReadWriteLock, Semaphore, TimedLock};

    /// The mutex of tokio.
    pub(in crate::coordinated::support) struct TokioLock {
        mutex: Mutex<()>,
        name: &'static str,
    }

    impl TokioLock {
        pub(in crate::coordinated::support) fn new(name: &'static str) -> Self {
            let mutex = Mutex::new(());
            Self { mutex, name }
        }
    }

    impl Lock for TokioLock {
        type Guard<'a> = MutexGuard<'a, ()>;

        fn name(&self) -> &'static str {
            self.name
        }

        #[inline]
        fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
            self.mutex.try_lock().ok()
        }

        async fn wait(&self) -> MutexGuard<'_, ()> {
            self.mutex.lock().await
        }
    }

    impl TimedLock for TokioLock {
        async fn wait_at_most(&self, limit: Duration) -> Option<MutexGuard<'_, ()>> {
            time::timeout(limit, self.mutex.lock()).await.ok()
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

        async fn wait_read(&self) -> RwLockReadGuard<'_, ()> {
            self.0.read().await
        }

        #[inline]
        fn try_write(&self) -> Option<RwLockWriteGuard<'_, ()>> {
            self.0.try_write().ok()
        }

        async fn wait_write(&self) -> RwLockWriteGuard<'_, ()> {
            self.0.write().await
        }
    }

    /// The semaphore of tokio.
    pub(in crate::coordinated) struct TokioSemaphore(tokio::sync::Semaphore);

    impl TokioSemaphore {
        pub(in crate::coordinated) fn new(permit_count: u32) -> Self {
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
