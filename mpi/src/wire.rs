//! The calls of MPI. Everything is sent in words of 64 bits to one communicator, and nothing blocks.

use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use mpi::ffi;

use crate::trouble::Trouble;

/// The most words of a message.
pub const MOST_WORDS: usize = 8192;

/// How many receives are posted at a time. A message that finds none is kept by MPI until there is one.
const RING_LEN: usize = 16;

/// A buffer in MPI's hands.
struct Posted {
    request: ffi::MPI_Request,
    /// MPI reads or writes what it holds, which does not move with the vector.
    buffer: Vec<u64>,
}

/// This rank's end of all connections. Only the thread that made it calls MPI.
pub struct Wire {
    /// This rank, from 0.
    pub rank: usize,
    /// The number of ranks.
    pub size: usize,
    /// Receives in the order in which they were posted, from any source. Messages match them in this order, so only the
    /// first is tested.
    ring: VecDeque<Posted>,
    sending: VecDeque<Posted>,
    spare: Vec<Vec<u64>>,
}

/// Fails with the name of an MPI call that failed.
fn done(call: &str, code: c_int) -> Result<(), Trouble> {
    match code {
        0 => Ok(()),
        code => Err(Trouble::backend(format!(
            "{call} failed with the error code {code}"
        ))),
    }
}

/// What an MPI call writes as text into a buffer of 8192 bytes.
fn text(call: impl FnOnce(*mut c_char, &mut c_int) -> c_int) -> String {
    let mut bytes = vec![0u8; 8192];
    let mut len = 0;
    if call(bytes.as_mut_ptr().cast(), &mut len) != 0 {
        return "unknown".into();
    }
    bytes.truncate(usize::try_from(len).unwrap_or(0));
    let text = String::from_utf8_lossy(&bytes);
    text.trim_end_matches('\0').trim().into()
}

impl Wire {
    /// Starts MPI.
    ///
    /// # Errors
    ///
    /// If MPI cannot start.
    pub fn start() -> Result<Self, Trouble> {
        let mut provided = 0;
        // SAFETY: null stands for no arguments; this is the first call of MPI.
        let code = unsafe {
            ffi::MPI_Init_thread(
                null_mut(),
                null_mut(),
                ffi::RSMPI_THREAD_FUNNELED,
                &mut provided,
            )
        };
        done("MPI_Init_thread", code)?;
        let (mut rank, mut size): (c_int, c_int) = (0, 0);
        // SAFETY: MPI runs, and the place is valid.
        done("MPI_Comm_rank", unsafe {
            ffi::MPI_Comm_rank(ffi::RSMPI_COMM_WORLD, &mut rank)
        })?;
        // SAFETY: as above.
        done("MPI_Comm_size", unsafe {
            ffi::MPI_Comm_size(ffi::RSMPI_COMM_WORLD, &mut size)
        })?;
        let mut wire = Self {
            rank: rank as usize,
            size: size as usize,
            ring: VecDeque::new(),
            sending: VecDeque::new(),
            spare: Vec::new(),
        };
        for _ in 0..RING_LEN {
            wire.post(vec![0; MOST_WORDS])?;
        }
        Ok(wire)
    }

    /// Posts a receive into `buffer`, which has [`MOST_WORDS`] words.
    fn post(&mut self, mut buffer: Vec<u64>) -> Result<(), Trouble> {
        let mut request = MaybeUninit::uninit();
        // SAFETY: the buffer has as many words as are stated, and stays where it is until the request is done: only
        // `take` removes it. MPI writes the request.
        let code = unsafe {
            ffi::MPI_Irecv(
                buffer.as_mut_ptr().cast::<c_void>(),
                MOST_WORDS as c_int,
                ffi::RSMPI_UINT64_T,
                ffi::RSMPI_ANY_SOURCE,
                0,
                ffi::RSMPI_COMM_WORLD,
                request.as_mut_ptr(),
            )
        };
        done("MPI_Irecv", code)?;
        // SAFETY: the call succeeded, so it has written the request.
        let request = unsafe { request.assume_init() };
        self.ring.push_back(Posted { request, buffer });
        Ok(())
    }

    /// The next message, its source and its length in words, if one has arrived. [`give_back`](Self::give_back) its buffer.
    #[inline]
    pub fn take(&mut self) -> Result<Option<(usize, usize, Vec<u64>)>, Trouble> {
        let Some(first) = self.ring.front_mut() else {
            return Ok(None);
        };
        let mut flag = 0;
        let mut status = MaybeUninit::<ffi::MPI_Status>::uninit();
        // SAFETY: the request was posted and is not done yet; both places are valid.
        let code = unsafe { ffi::MPI_Test(&mut first.request, &mut flag, status.as_mut_ptr()) };
        done("MPI_Test", code)?;
        if flag == 0 {
            return Ok(None);
        }
        // SAFETY: the request is done, so the status is written.
        let status = unsafe { status.assume_init() };
        let mut len = 0;
        // SAFETY: the status is that of a receive of this type.
        let code = unsafe { ffi::MPI_Get_count(&status, ffi::RSMPI_UINT64_T, &mut len) };
        done("MPI_Get_count", code)?;
        let posted = self.ring.pop_front();
        Ok(posted.map(|posted| (status.MPI_SOURCE as usize, len as usize, posted.buffer)))
    }

    /// Posts a receive into the buffer of a message that has been read.
    #[inline]
    pub fn give_back(&mut self, buffer: Vec<u64>) -> Result<(), Trouble> {
        self.post(buffer)
    }

    /// Sends a message of at most [`MOST_WORDS`] words. Returns at once.
    #[inline]
    pub fn send(&mut self, to: usize, message: &[u64]) -> Result<(), Trouble> {
        self.reap()?;
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(message);
        let mut request = MaybeUninit::uninit();
        // SAFETY: the buffer holds the message, and is neither changed nor dropped until the request is done: only
        // `reap` removes it. MPI writes the request.
        let code = unsafe {
            ffi::MPI_Isend(
                buffer.as_ptr().cast::<c_void>(),
                buffer.len() as c_int,
                ffi::RSMPI_UINT64_T,
                to as c_int,
                0,
                ffi::RSMPI_COMM_WORLD,
                request.as_mut_ptr(),
            )
        };
        done("MPI_Isend", code)?;
        // SAFETY: the call succeeded, so it has written the request.
        let request = unsafe { request.assume_init() };
        self.sending.push_back(Posted { request, buffer });
        Ok(())
    }

    /// Takes back the buffers of messages that MPI has sent. Returns whether all are.
    pub fn reap(&mut self) -> Result<bool, Trouble> {
        while let Some(first) = self.sending.front_mut() {
            let mut flag = 0;
            // SAFETY: the request was started and is not done yet; no status is wanted.
            let code =
                unsafe { ffi::MPI_Test(&mut first.request, &mut flag, ffi::RSMPI_STATUS_IGNORE) };
            done("MPI_Test", code)?;
            if flag == 0 {
                return Ok(false);
            }
            self.spare
                .extend(self.sending.pop_front().map(|sent| sent.buffer));
        }
        Ok(true)
    }

    /// The name and version of the MPI library, as it says it.
    pub fn library() -> String {
        // SAFETY: the buffer is as long as MPI_MAX_LIBRARY_VERSION_STRING of all known libraries.
        text(|place, len| unsafe { ffi::MPI_Get_library_version(place, len) })
    }

    /// The name of this host.
    pub fn host() -> String {
        // SAFETY: the buffer is longer than MPI_MAX_PROCESSOR_NAME.
        text(|place, len| unsafe { ffi::MPI_Get_processor_name(place, len) })
    }

    /// Ends MPI, after an orderly end.
    ///
    /// # Errors
    ///
    /// If MPI says so.
    pub fn finish(mut self) -> Result<(), Trouble> {
        while !self.reap()? {
            std::thread::yield_now();
        }
        for posted in &mut self.ring {
            // SAFETY: the request was posted and is not done yet.
            done("MPI_Cancel", unsafe {
                ffi::MPI_Cancel(&mut posted.request)
            })?;
            // SAFETY: a cancelled receive is done at once; no status is wanted.
            done("MPI_Wait", unsafe {
                ffi::MPI_Wait(&mut posted.request, ffi::RSMPI_STATUS_IGNORE)
            })?;
        }
        // SAFETY: no request is left, and this is the last call of MPI.
        done("MPI_Finalize", unsafe { ffi::MPI_Finalize() })
    }
}
