//! Compared cases, for the tests of everything that reads comparisons. A test changes only what matters to it.

use super::{ComparedCase, Judgement, Verdict};
use crate::record::Channel;
use crate::record::fixture::case;

/// A judgement after 30 pairs, without an interval.
pub(crate) fn judgement(verdict: Verdict, ratio: f64) -> Judgement {
    Judgement {
        verdict,
        ratio,
        interval: None,
        alpha: 0.01,
        threshold_ratio: 0.01,
        pair_count: 30,
        more_pair_count: None,
        p_regressed: 0.5,
        p_improved: 0.5,
        p_unchanged: 0.5,
    }
}

/// The case of `workload` on `rayon` with two workers, with this judgement of its wall time.
pub(crate) fn compared(workload: &str, wall: Option<Judgement>) -> ComparedCase {
    ComparedCase {
        case: case(workload, "rayon", 2).record().case,
        judged: Channel::Wall,
        has_latencies: false,
        wall,
        cpu: None,
        times: None,
        elapsed_ns: 0,
        error: None,
        not_judged: None,
        not_steady: None,
    }
}
