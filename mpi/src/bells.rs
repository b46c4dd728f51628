//! How ranks that share cores wait: each has a bell in memory that all ranks of its host share. Who sends a message rings the
//! bell of the receiver, so that a rank that waits can leave its core to others until then.
//!
//! A rank that looks again and again takes its fair share of the core, even if it yields after every look: the kernel makes
//! the rank that works wait for as long as it has worked. A rank that sleeps takes nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// A rank's bell, in cache lines of its own.
#[repr(C, align(128))]
struct Bell {
    /// How often it has rung. Ranks sleep on this word.
    rings: AtomicU32,
    /// 1 while its rank sleeps or is about to.
    is_asleep: AtomicU32,
    /// A number that only ranks of this start know: on another host, the same path may lead to other memory.
    mark: AtomicU64,
}

/// The bells of the ranks of one host.
pub struct Bells {
    first: NonNull<Bell>,
    count: usize,
    /// Keeps the memory for ranks that have yet to open it.
    file: File,
}

/// How a rank finds the bells that another rank has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The process that made them.
    pub process: u64,
    /// Its descriptor of them.
    pub descriptor: u64,
    /// What is in the memory.
    pub mark: u64,
}

// SAFETY: all accesses to the memory are atomic, and none depends on the thread.
unsafe impl Send for Bells {}

impl Bells {
    /// New bells for so many ranks.
    ///
    /// # Errors
    ///
    /// If the system has no such memory.
    pub fn new(count: usize, mark: u64) -> io::Result<Self> {
        // SAFETY: the name is a string that ends with 0.
        let descriptor = unsafe { libc::memfd_create(c"ranks".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and belongs to nobody else.
        let file = unsafe { File::from_raw_fd(descriptor) };
        file.set_len((count * size_of::<Bell>()) as u64)?;
        let bells = Self::map(file, count)?;
        // The address is handed over in a message, which orders this store before every read of it.
        bells.bell(0).mark.store(mark, Ordering::Relaxed);
        Ok(bells)
    }

    /// Where others find them.
    pub fn address(&self) -> Address {
        Address {
            process: std::process::id().into(),
            descriptor: self.file.as_raw_fd() as u64,
            mark: self.bell(0).mark.load(Ordering::Relaxed),
        }
    }

    /// The bells that another rank of this host has made.
    ///
    /// # Errors
    ///
    /// If they are not there.
    pub fn open(address: Address, count: usize) -> io::Result<Self> {
        let Address {
            process,
            descriptor,
            mark,
        } = address;
        let path = format!("/proc/{process}/fd/{descriptor}");
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        // Memory beyond the end of a file cannot be touched.
        if file.metadata()?.len() != (count * size_of::<Bell>()) as u64 {
            return Err(io::ErrorKind::NotFound.into());
        }
        let bells = Self::map(file, count)?;
        match bells.address().mark == mark {
            true => Ok(bells),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn map(file: File, count: usize) -> io::Result<Self> {
        // SAFETY: a new mapping of a file, at a place that the system chooses.
        let place = unsafe {
            libc::mmap(
                null_mut(),
                count * size_of::<Bell>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(place.cast::<Bell>()) {
            Some(first) if place != libc::MAP_FAILED => Ok(Self { first, count, file }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn bell(&self, index: usize) -> &Bell {
        assert!(index < self.count);
        // SAFETY: the mapping has so many bells.
        let bell = unsafe { self.first.add(index) };
        // SAFETY: the mapping is there as long as `self`. Zeros are valid, all accesses are atomic, and a mapping begins at
        // a page, which is aligned enough.
        unsafe { bell.as_ref() }
    }

    /// How often this bell has rung.
    #[inline]
    pub fn rings(&self, index: usize) -> u32 {
        // Acquire: a message that was sent before a ring that is counted here is found by the next look.
        self.bell(index).rings.load(Ordering::Acquire)
    }

    /// Rings this bell, after a message was sent.
    #[inline]
    pub fn ring(&self, index: usize) {
        let bell = self.bell(index);
        // SeqCst, here and in `sleep`: either this rank sees that the other sleeps, or the other sees the ring.
        bell.rings.fetch_add(1, Ordering::SeqCst);
        if bell.is_asleep.load(Ordering::SeqCst) != 0 {
            futex(&bell.rings, libc::FUTEX_WAKE, 1, null());
        }
    }

    /// Sleeps until this bell has rung more often than `seen`, or for so long. May end early.
    pub fn sleep(&self, index: usize, seen: u32, longest: Duration) {
        let bell = self.bell(index);
        bell.is_asleep.store(1, Ordering::SeqCst);
        if bell.rings.load(Ordering::SeqCst) == seen {
            let time = libc::timespec {
                tv_sec: longest.as_secs() as libc::time_t,
                tv_nsec: longest.subsec_nanos().into(),
            };
            // The kernel compares the word again, so a ring that comes now is not missed.
            futex(&bell.rings, libc::FUTEX_WAIT, seen, &time);
        }
        // Relaxed: who still sees the 1 wakes nobody.
        bell.is_asleep.store(0, Ordering::Relaxed);
    }
}

impl Drop for Bells {
    fn drop(&mut self) {
        // SAFETY: the mapping is of this size, and nothing refers to it any more.
        unsafe { libc::munmap(self.first.as_ptr().cast(), self.count * size_of::<Bell>()) };
    }
}

fn futex(word: &AtomicU32, operation: libc::c_int, value: u32, time: *const libc::timespec) {
    // SAFETY: the word is mapped, and the time is null or valid. A failure only ends the wait early.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, time) };
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Nothing here takes as long.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn bells_are_found_by_their_address_only() {
        let bells = Bells::new(3, 77).unwrap();
        let other = Bells::open(bells.address(), 3).unwrap();
        other.ring(2);
        assert_eq!((bells.rings(1), bells.rings(2)), (0, 1));
        let wrong = Address {
            mark: 78,
            ..bells.address()
        };
        assert!(Bells::open(wrong, 3).is_err());
        assert!(Bells::open(bells.address(), 4).is_err());
        let gone = bells.address();
        drop(bells);
        assert!(Bells::open(gone, 3).is_err());
    }

    #[test]
    fn who_sleeps_is_woken_and_a_ring_before_is_not_missed() {
        let bells = Bells::new(2, 1).unwrap();
        bells.ring(0);
        bells.sleep(0, 0, LONG);
        let other = Bells::open(bells.address(), 2).unwrap();
        let both = thread::spawn(move || {
            for round in 0..1000 {
                while other.rings(1) == round {
                    other.sleep(1, round, LONG);
                }
                other.ring(0);
            }
        });
        for round in 1..=1000 {
            bells.ring(1);
            while bells.rings(0) == round {
                bells.sleep(0, round, LONG);
            }
        }
        both.join().unwrap();
        bells.sleep(0, 1001, Duration::from_nanos(1));
    }
}
