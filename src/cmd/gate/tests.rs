use super::*;
use crate::compare::Side;
use crate::compare::fixture::{compared, judgement};
use crate::record::{CaseError, ErrorKind};

fn control(verdict: Verdict, ratio: f64) -> ComparedCase {
    compared("x", Some(judgement(verdict, ratio)))
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
