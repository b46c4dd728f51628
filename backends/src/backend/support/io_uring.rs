//! Whether this system allows `io_uring`. Containers often do not.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// The bytes of `struct io_uring_params`.
const PARAMETER_BYTES: usize = 120;

/// Checks that `io_uring` can be used, for a backend that needs it.
///
/// # Errors
///
/// That the system refuses it, and what to do.
pub(in crate::backend) fn check(backend: &str) -> Result<(), String> {
    set_up().map_err(|error| refusal(backend, &error))
}

/// Sets up a ring of one entry, and closes it.
fn set_up() -> io::Result<()> {
    let mut parameters = [0u64; PARAMETER_BYTES / 8];
    // SAFETY: The system reads and writes the parameters, which are as large as it expects, and nothing else.
    let result = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1u32, parameters.as_mut_ptr()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: The call has just returned this descriptor, which nobody else has.
    drop(unsafe { OwnedFd::from_raw_fd(result as i32) });
    Ok(())
}

fn refusal(backend: &str, error: &io::Error) -> String {
    format!(
        "`{backend}` needs io_uring, which this system refuses ({error}): the profiles of most containers do, and so does \
         kernel.io_uring_disabled = 2"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_backend_and_the_reason() {
        let text = refusal("monoio", &io::Error::from_raw_os_error(libc::EPERM));
        assert!(
            text.starts_with(
                "`monoio` needs io_uring, which this system refuses (Operation not permitted"
            ),
            "{text}"
        );
    }
}
