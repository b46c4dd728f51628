//! How fast the machine is right now: a fixed loop, timed.
//!
//! The loop is the same in every build that is compared, since it is the measuring program that runs it,
//! while the programs that are measured wait.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::record::Calibration;

/// Steps of the loop. Each waits for a multiplication and an addition, 4 to 5 cycles, so that all of them
/// take about 0.2 ms: long against the clock, short against a slice.
const STEPS: u64 = 150_000;

/// Times the loop on one thread, and then on `worker_count` threads at once if that is more than one.
pub fn calibrate(worker_count: u32) -> Calibration {
    Calibration {
        single_ns: nanoseconds(timed_loop()),
        parallel_ns: (worker_count > 1).then(|| nanoseconds(slowest_of(worker_count as usize))),
    }
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
fn slowest_of(thread_count: usize) -> Duration {
    let together = Barrier::new(thread_count);
    let run = || {
        together.wait();
        timed_loop()
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..thread_count).map(|_| scope.spawn(run)).collect();
        let own = run();
        let others = others.into_iter();
        let times = others.map(|thread| thread.join().expect("the loop does not panic"));
        times.fold(own, Duration::max)
    })
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_has_one_figure_and_more_have_two() {
        let one = calibrate(1);
        // A cycle a step is the least that any processor takes, and none has 10 GHz.
        assert!(one.single_ns >= STEPS / 10);
        assert_eq!(one.parallel_ns, None);
        assert!(calibrate(3).parallel_ns.unwrap() >= STEPS / 10);
    }
}
