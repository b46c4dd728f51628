//! Memory that threads and forked processes see alike.
//!
//! Everything a run writes lives in anonymous `MAP_SHARED` pages. A thread of this process and a
//! process forked from it then look the same to the code that executes tasks. The pages vanish with
//! the last process that maps them: there is no name to clean up, whatever dies.

use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// A type that may live in shared pages.
///
/// # Safety
///
/// All bytes zero must be a valid value, every change must go through atomics (other processes hold
/// references to the same bytes), and the type must not need dropping.
pub unsafe trait Shareable: Sync {}

// SAFETY: zero is a valid atomic integer, it is changed atomically, and it needs no drop.
unsafe impl Shareable for AtomicU32 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicU64 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicI64 {}
// SAFETY: padding adds bytes around the value and changes nothing else.
unsafe impl<T: Shareable> Shareable for crossbeam_utils::CachePadded<T> {}

/// A slice in shared, zero-initialised pages, unmapped when dropped.
///
/// Pages are given by the kernel when they are first touched, so a large slice costs nothing until
/// it is used.
pub struct SharedSlice<T: Shareable> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: the mapping is plain memory of `T: Sync`, and it is owned by this value alone.
unsafe impl<T: Shareable> Send for SharedSlice<T> {}
// SAFETY: only `&T` is handed out, and `T: Sync`.
unsafe impl<T: Shareable> Sync for SharedSlice<T> {}

impl<T: Shareable> SharedSlice<T> {
    /// Maps `len` zeroed values. A length of 0 gives an empty slice.
    ///
    /// # Errors
    ///
    /// When the size overflows or the kernel refuses the mapping.
    pub fn new(len: usize) -> io::Result<Self> {
        let bytes = Self::byte_len(len).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice aliases nothing.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::NORESERVE,
            )
        }?;
        let start = NonNull::new(start.cast::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }

    /// The size of the mapping; at least 1 byte, since the kernel maps no empty range.
    fn byte_len(len: usize) -> Option<usize> {
        len.checked_mul(size_of::<T>()).map(|bytes| bytes.max(1))
    }
}

impl<T: Shareable> Deref for SharedSlice<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the mapping holds `len` values, page-aligned, valid when zeroed (`Shareable`), and
        // lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Shareable> Drop for SharedSlice<T> {
    fn drop(&mut self) {
        let bytes = Self::byte_len(self.len).expect("the size was computed when mapping");
        // SAFETY: the range is the one mapped in `new`, and no reference outlives `self`.
        // A failure can only mean a wrong range, which `new` rules out.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn starts_zeroed_and_keeps_what_is_written() {
        let slice = SharedSlice::<AtomicU64>::new(1000).unwrap();
        assert!(slice.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        slice[999].store(7, Ordering::Relaxed);
        assert_eq!(slice[999].load(Ordering::Relaxed), 7);
    }

    #[test]
    fn may_be_empty() {
        assert!(SharedSlice::<AtomicU32>::new(0).unwrap().is_empty());
    }

    #[test]
    fn refuses_a_size_that_overflows() {
        assert!(SharedSlice::<AtomicU64>::new(usize::MAX).is_err());
    }
}
