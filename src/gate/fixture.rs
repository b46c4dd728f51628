//! A contest and its pairs, for the tests of what a gate makes of them.

use std::path::Path;

use super::pair::{PairSlice, SliceSample};
use super::{Arm, Both, Contest, ListedCase, Pair};
use crate::compare::Side;
use crate::record::fixture::case;
use crate::record::{Calibration, Channel};

/// A contest with a threshold of 1%. No program runs.
pub(super) fn contest() -> Contest {
    let arm = Arm::of_build(Path::new("/no/such/program"), 1);
    Contest {
        case: ListedCase {
            case: case("periodic", "rayon", 2).record().case,
            timeout_ns: None,
            task_timeout_ns: None,
            retry_limit: 0,
            threshold_ratio: None,
            certified_optimum_ns: None,
            can_pin: true,
        },
        arms: Both {
            base: arm.clone(),
            head: arm,
        },
        threshold_ratio: 0.01,
        is_control: false,
    }
}

/// A pair of one round. Each side has this wall time, and this CPU time.
fn pair(judged: Channel, wall_ns: Both<u64>, cpu_ns: Both<Option<u64>>) -> Pair {
    let sides = [Side::Base, Side::Head, Side::Head, Side::Base];
    let slices = sides.map(|side| PairSlice {
        round: 0,
        side,
        calibration: Calibration {
            single_ns: 1,
            parallel_ns: None,
        },
        samples: vec![SliceSample {
            wall_ns: *wall_ns.of(side),
            cpu_ns: *cpu_ns.of(side),
            run_count: 1,
        }],
        usage: None,
    });
    Pair {
        judged,
        has_latencies: true,
        ..Pair::invented(slices.to_vec())
    }
}

/// A pair of the same wall times that is judged by these CPU times.
pub(super) fn pair_of_cpu(base: Option<u64>, head: Option<u64>) -> Pair {
    let wall_ns = Both {
        base: 1_000_000,
        head: 1_000_000,
    };
    pair(Channel::Cpu, wall_ns, Both { base, head })
}

/// A pair that is judged by wall time, whose head takes this percentage of the base's.
pub(super) fn pair_of_wall(per_cent: u64) -> Pair {
    let wall_ns = Both {
        base: 1_000_000,
        head: per_cent * 10_000,
    };
    let cpu_ns = Both {
        base: Some(1_000_000),
        head: Some(1_000_000),
    };
    pair(Channel::Wall, wall_ns, cpu_ns)
}
