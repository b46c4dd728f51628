//! Memory that threads and forked processes access in the same way.
//!
//! Everything that a run writes is in anonymous `MAP_SHARED` pages. The code that executes tasks therefore need not
//! know whether a worker is a thread or a forked process. The pages vanish with the last process that maps them.
//! They have no name, so nothing is left behind when a process dies.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// A type that may live in shared pages.
///
/// # Safety
///
/// All bytes zero must be a valid value. Every change must go through atomics, because other processes have
/// references to the same bytes. The type must not need dropping.
pub unsafe trait Shareable: Sync {}

// SAFETY: zero is a valid atomic integer, it is changed atomically, and it needs no drop.
unsafe impl Shareable for AtomicU32 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicU64 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicI64 {}
// SAFETY: padding adds bytes behind the value and changes nothing else.
unsafe impl<T: Shareable> Shareable for Padded<T> {}

/// A value that has its cache lines to itself, so that a core that writes it does not slow down the cores that use what
/// lies beside it.
///
/// It is aligned to 128 bytes: x86-64 processors prefetch lines of 64 bytes in pairs, and some ARM processors have lines
/// of 128 bytes.
#[repr(align(128))]
#[derive(Debug, Default)]
pub struct Padded<T>(T);

impl<T> Padded<T> {
    /// Pads `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A slice in shared, zero-initialised pages, unmapped when dropped.
///
/// The Linux kernel allocates a page when it is first touched, so a large slice costs nothing until it is used.
pub struct SharedSlice<T: Shareable> {
    start: NonNull<T>,
    len: usize,
    /// Keeps the pages mapped; other slices may use them too.
    _mapping: Arc<Mapping>,
}

// SAFETY: the slice is plain memory of `T: Sync`, and no other slice overlaps it.
unsafe impl<T: Shareable> Send for SharedSlice<T> {}
// SAFETY: it gives access only to `&T`, and `T: Sync`.
unsafe impl<T: Shareable> Sync for SharedSlice<T> {}

/// Shared pages from which several slices are cut in sequence. Mapping, touching and unmapping pages takes some 12
/// µs per mapping (Linux 6.18), which small slices with the same lifetime need to pay only once.
pub struct SharedPages {
    mapping: Arc<Mapping>,
    /// The bytes already cut off.
    used: usize,
}

impl SharedPages {
    /// Maps `byte_len` zeroed bytes. If each slice is aligned to the sizes of the slices before it, it takes exactly
    /// [`byte_len`](SharedSlice::byte_len) bytes.
    ///
    /// # Errors
    ///
    /// If the system refuses the mapping.
    pub fn new(byte_len: usize) -> io::Result<Self> {
        Ok(Self {
            mapping: Arc::new(Mapping::new(byte_len)?),
            used: 0,
        })
    }

    /// Maps the first `byte_len` bytes of `file`, for reading and writing. Whoever maps the same file shares them.
    ///
    /// # Errors
    ///
    /// If the file is shorter, or the system refuses the mapping.
    pub fn map(file: &File, byte_len: usize) -> io::Result<Self> {
        let file_len = file.metadata()?.len();
        if file_len < byte_len as u64 {
            let message = format!("the file has {file_len} bytes, and {byte_len} are needed");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        Ok(Self {
            mapping: Arc::new(Mapping::of_file(file, byte_len)?),
            used: 0,
        })
    }

    /// Cuts off the next `len` values.
    ///
    /// # Panics
    ///
    /// If the pages are too small.
    pub fn cut<T: Shareable>(&mut self, len: usize) -> SharedSlice<T> {
        let first = self.used.next_multiple_of(align_of::<T>());
        let end = SharedSlice::<T>::byte_len(len).and_then(|bytes| first.checked_add(bytes));
        let end = end.filter(|end| *end <= self.mapping.byte_len);
        self.used = end.expect("the pages were mapped large enough");
        SharedSlice {
            // SAFETY: `first` is at most the length of the mapping.
            start: unsafe { self.mapping.start.byte_add(first) }.cast(),
            len,
            _mapping: Arc::clone(&self.mapping),
        }
    }
}

/// Shared pages, unmapped when dropped.
struct Mapping {
    start: NonNull<u8>,
    byte_len: usize,
}

// SAFETY: it is an address and a length. The slices protect the data.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(byte_len: usize) -> io::Result<Self> {
        // The system refuses to map an empty range.
        let byte_len = byte_len.max(1);
        // SAFETY: a new anonymous mapping at an address that the system chooses aliases nothing.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                byte_len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::NORESERVE,
            )
        }?;
        Self::at(start.cast(), byte_len)
    }

    fn of_file(file: &File, byte_len: usize) -> io::Result<Self> {
        let byte_len = byte_len.max(1);
        // SAFETY: a new mapping at an address that the system chooses aliases nothing of this process. Other processes
        // may change the bytes, which is what `Shareable` allows.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                byte_len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                0,
            )
        }?;
        Self::at(start.cast(), byte_len)
    }

    fn at(start: *mut u8, byte_len: usize) -> io::Result<Self> {
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, byte_len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is the one that was mapped, and no slice outlives its mapping. A failure can only mean a
        // wrong range, which is ruled out.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.byte_len) };
    }
}

impl<T: Shareable> SharedSlice<T> {
    /// Maps `len` zeroed values. A length of 0 gives an empty slice.
    ///
    /// # Errors
    ///
    /// If the size overflows or the system refuses the mapping.
    pub fn new(len: usize) -> io::Result<Self> {
        let byte_len = Self::byte_len(len).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(SharedPages::new(byte_len)?.cut(len))
    }

    /// The bytes that `len` values take; `None` if the number overflows.
    pub fn byte_len(len: usize) -> Option<usize> {
        len.checked_mul(size_of::<T>())
    }
}

impl<T: Shareable> Deref for SharedSlice<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the mapping holds `len` values there. They are aligned, valid when zeroed (`Shareable`), and live
        // as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
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
    fn slices_of_the_same_pages_are_aligned_and_apart_and_keep_them() {
        let mut pages = SharedPages::new(5 * 4 + 4 + 3 * 8).unwrap();
        let small = pages.cut::<AtomicU32>(5);
        let large = pages.cut::<AtomicU64>(3);
        drop(pages);
        small
            .iter()
            .for_each(|word| word.store(1, Ordering::Relaxed));
        assert!(large.as_ptr().is_aligned());
        assert!(large.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        drop(small);
        large[2].store(7, Ordering::Relaxed);
        assert_eq!(large[2].load(Ordering::Relaxed), 7);
    }

    #[test]
    #[should_panic(expected = "large enough")]
    fn no_slice_reaches_beyond_its_pages() {
        SharedPages::new(15).unwrap().cut::<AtomicU64>(2);
    }

    #[test]
    fn refuses_a_size_that_overflows() {
        assert!(SharedSlice::<AtomicU64>::new(usize::MAX).is_err());
    }
}
