//! The control loop: a fixed loop whose duration shows how fast the machine is at the moment.
//!
//! The measuring program runs the loop while the measured programs wait. So the loop is the same for all builds that
//! are compared.

use std::hint::black_box;
use std::io;
use std::sync::{Barrier, RwLock};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::record::{Calibration, nanoseconds};
use crate::system::limit::cannot_start;

/// The number of steps of the loop. Each step waits for a shift, an exclusive or, and a multiplication, which take 5
/// cycles. All steps take about 0.2 ms: much longer than reading the clock, and much shorter than a slice.
const STEPS: u64 = 150_000;

/// Times the loop on one thread, and then on `worker_count` threads at the same time if there is more than one worker.
///
/// # Errors
///
/// If the system cannot start a thread.
pub(crate) fn calibrate(worker_count: u32) -> io::Result<Calibration> {
    calibrate_on(worker_count, |_| Builder::new())
}

/// Times the loop on the calling thread only. It starts no threads, so it cannot fail.
pub fn calibrate_alone() -> Calibration {
    Calibration {
        single_ns: nanoseconds(timed_loop()),
        parallel_ns: None,
    }
}

/// [`calibrate`] with the given builder for each thread. Tests pass builders that fail.
fn calibrate_on(worker_count: u32, builder: impl Fn(usize) -> Builder) -> io::Result<Calibration> {
    let alone = calibrate_alone();
    if worker_count <= 1 {
        return Ok(alone);
    }
    let slowest = slowest_of(worker_count as usize, builder)?;
    Ok(Calibration {
        parallel_ns: Some(nanoseconds(slowest)),
        ..alone
    })
}

fn timed_loop() -> Duration {
    let start = Instant::now();
    // A step cannot begin before the previous step has ended. It is not linear: the compiler would turn eight steps of a
    // linear generator into one. The multiplier is that of Knuth's MMIX.
    let step = |x: u64, _| (x ^ (x >> 32)).wrapping_mul(6_364_136_223_846_793_005);
    black_box((0..STEPS).fold(black_box(1), step));
    start.elapsed()
}

/// Starts the loop on `thread_count` threads at the same time, and returns the longest duration.
fn slowest_of(thread_count: usize, builder: impl Fn(usize) -> Builder) -> io::Result<Duration> {
    let together = Barrier::new(thread_count);
    let run = || {
        together.wait();
        timed_loop()
    };
    // If a thread could not be started, the others would wait at the barrier forever. So they wait for this lock first,
    // and skip the loop unless all threads were started.
    let are_complete = RwLock::new(false);
    let help = || are_complete.read().is_ok_and(|all| *all).then(run);
    thread::scope(|scope| {
        let mut complete = are_complete
            .write()
            .expect("no other thread has locked it yet");
        let others: io::Result<Vec<_>> = (1..thread_count)
            .map(|index| {
                let started = builder(index).spawn_scoped(scope, help);
                let what = || format!("thread {} of {thread_count} of the control loop", index + 1);
                started.map_err(|error| cannot_start(what(), &error))
            })
            .collect();
        *complete = others.is_ok();
        drop(complete);
        let others = others?;
        let own = run();
        let others = others.into_iter();
        let times = others.filter_map(|thread| thread.join().expect("the loop does not panic"));
        Ok(times.fold(own, Duration::max))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_has_one_time_and_more_have_two() {
        let one = calibrate(1).unwrap();
        // No processor multiplies in less than 3 cycles, or needs less than 5 per step, and none runs at 10 GHz.
        assert!(one.single_ns >= STEPS / 2);
        assert_eq!(one.parallel_ns, None);
        assert!(calibrate(3).unwrap().parallel_ns.unwrap() >= STEPS / 2);
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_an_error_and_blocks_no_other() {
        // No address space has room for this stack, so the system refuses to start the thread.
        let refused = |missing| {
            move |index| match index == missing {
                true => Builder::new().stack_size(1 << 60),
                false => Builder::new(),
            }
        };
        for missing in [1, 2, 3] {
            let error = calibrate_on(4, refused(missing)).unwrap_err().to_string();
            let expected = format!(
                "cannot start thread {} of 4 of the control loop: ",
                missing + 1
            );
            assert!(error.starts_with(&expected), "{error}");
        }
        assert!(calibrate_on(1, refused(1)).is_ok());
    }
}
