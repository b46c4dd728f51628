//! How fast the machine is right now: a fixed loop, timed.
//!
//! The loop is the same in every build that is compared, since it is the measuring program that runs it,
//! while the programs that are measured wait.

use std::hint::black_box;
use std::io;
use std::sync::{Barrier, RwLock};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::record::{Calibration, nanoseconds};
use crate::system::limit::cannot_start;

/// Steps of the loop. Each waits for a multiplication and an addition, 4 to 5 cycles, so that all of them
/// take about 0.2 ms: long against the clock, short against a slice.
const STEPS: u64 = 150_000;

/// Times the loop on one thread, and then on `worker_count` threads at once if that is more than one.
///
/// # Errors
///
/// When the system refuses a thread.
pub(crate) fn calibrate(worker_count: u32) -> io::Result<Calibration> {
    calibrate_on(worker_count, |_| Builder::new())
}

/// Times the loop on one thread, the calling one: it needs nothing of the system.
pub(crate) fn calibrate_alone() -> Calibration {
    Calibration {
        single_ns: nanoseconds(timed_loop()),
        parallel_ns: None,
    }
}

/// [`calibrate`], with threads of these builders.
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
    // A linear congruential generator (Knuth's MMIX): no step can begin before the one before has ended.
    let step = |x: u64, _| {
        x.wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407)
    };
    black_box((0..STEPS).fold(black_box(1), step));
    start.elapsed()
}

/// Has that many threads start the loop together.
fn slowest_of(thread_count: usize, builder: impl Fn(usize) -> Builder) -> io::Result<Duration> {
    let together = Barrier::new(thread_count);
    let run = || {
        together.wait();
        timed_loop()
    };
    // A barrier for more threads than there are would hold up those there are for ever. So nobody comes to it before it
    // is known that all could be started.
    let are_complete = RwLock::new(false);
    let help = || are_complete.read().is_ok_and(|all| *all).then(run);
    thread::scope(|scope| {
        let mut complete = are_complete.write().expect("nobody has had it yet");
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
    fn one_worker_has_one_figure_and_more_have_two() {
        let one = calibrate(1).unwrap();
        // A cycle a step is the least that any processor takes, and none has 10 GHz.
        assert!(one.single_ns >= STEPS / 10);
        assert_eq!(one.parallel_ns, None);
        assert!(calibrate(3).unwrap().parallel_ns.unwrap() >= STEPS / 10);
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_an_error_and_holds_up_nobody() {
        // No address space has room for such a stack: the system refuses the thread.
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
