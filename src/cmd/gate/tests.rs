use std::collections::BTreeMap;

use super::*;
use crate::compare::{Judgement, Side};
use crate::record::{Case, CaseError, ErrorKind};

fn control(verdict: Verdict, ratio: f64) -> ComparedCase {
    ComparedCase {
        case: Case {
            workload: "x".into(),
            variant: String::new(),
            backend: "rayon".into(),
            workers: 2,
            parameters: serde_json::Value::Null,
            continuation: None,
            pin: false,
            options: BTreeMap::new(),
        },
        wall: Some(Judgement {
            verdict,
            ratio,
            interval: None,
            alpha: 0.01,
            threshold_ratio: 0.01,
            pair_count: 30,
            more_pair_count: None,
            p_regressed: 1.0,
            p_improved: 1.0,
            p_unchanged: 1.0,
        }),
        cpu: None,
        elapsed_ns: 0,
        error: None,
        not_judged: None,
        not_steady: None,
    }
}

#[test]
fn a_control_that_comes_out_as_anything_but_itself_is_a_reason_for_distrust() {
    assert_eq!(distrust(&control(Verdict::Unchanged, 1.0)), None);
    // An inconclusive control shows noise, which favours neither side.
    assert_eq!(distrust(&control(Verdict::Inconclusive, 1.02)), None);
    for (verdict, ratio, words) in [
        (
            Verdict::Regressed,
            1.031,
            "x/rayon/2, came out as regressed (+3.1%)",
        ),
        (
            Verdict::Improved,
            0.97,
            "x/rayon/2, came out as improved (−3.0%)",
        ),
    ] {
        let reason = distrust(&control(verdict, ratio)).unwrap();
        assert!(reason.contains(words), "{reason}");
    }
    let failed = ComparedCase {
        wall: None,
        error: Some(SideError {
            side: Some(Side::Base),
            error: CaseError::new(ErrorKind::Killed, "it died"),
        }),
        ..control(Verdict::Unchanged, 1.0)
    };
    assert!(distrust(&failed).unwrap().contains("killed: it died"));
}
