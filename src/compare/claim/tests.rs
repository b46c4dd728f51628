use serde_json::json;

use super::*;
use crate::record::{CaseError, ErrorKind, fixture};

/// A record of one side of claim 1 with these wall times in microseconds, one per round from 0.
fn side(name: &str, inequalities: &[Inequality], walls_us: &[u64]) -> Record {
    let mut record = fixture::case("claim-1", name, 1)
        .walls_us(walls_us)
        .record();
    record.claim = Some(ClaimSide {
        id: "1".into(),
        statement: "one is slow".into(),
        side: name.into(),
        scale_ratio: 0.1,
        inequalities: inequalities.to_vec(),
        rounds: (0..walls_us.len() as u64).collect(),
        kept_update_counts: Vec::new(),
        arrivals_ns: Vec::new(),
    });
    record
}

/// That this side is more than `factor` × the side `fast`.
fn above(factor: f64) -> Inequality {
    Inequality {
        statement: "slow takes longer than fast".into(),
        quantity: Quantity::WallTime,
        less: "fast".into(),
        factor_ratio: factor,
        is_aside: false,
    }
}

/// The verdict on "slow > factor × fast", with these times of `slow`. `fast` always takes 100 µs.
fn verdict(factor: f64, slow_us: &[u64]) -> ClaimVerdict {
    let fast = vec![100; slow_us.len()];
    let records = [
        side("slow", &[above(factor)], slow_us),
        side("fast", &[], &fast),
    ];
    let claims = judged_claims(&records);
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].figures.len(), 1);
    assert_eq!(claims[0].verdict, claims[0].figures[0].verdict);
    claims[0].verdict
}

#[test]
fn the_whole_interval_must_be_on_one_side_of_the_limit() {
    // With 8 pairs, the interval reaches from the smallest ratio to the largest.
    let around_2 = [200, 190, 210, 205, 195, 201, 199, 202];
    assert_eq!(verdict(1.0, &around_2), ClaimVerdict::Holds);
    assert_eq!(verdict(1.8, &around_2), ClaimVerdict::Holds);
    assert_eq!(verdict(2.0, &around_2), ClaimVerdict::CannotTell);
    assert_eq!(verdict(2.2, &around_2), ClaimVerdict::DoesNotHold);
}

#[test]
fn an_interval_that_touches_the_limit_does_not_show_that_it_is_exceeded() {
    let from_1 = [100, 120, 110, 130, 110, 115, 120, 105];
    assert_eq!(verdict(1.0, &from_1), ClaimVerdict::CannotTell);
    // "More than 1" is refuted if the median is at most 1.
    let up_to_1 = [100, 80, 90, 70, 90, 85, 80, 95];
    assert_eq!(verdict(1.0, &up_to_1), ClaimVerdict::DoesNotHold);
    assert_eq!(verdict(1.0, &[100; 8]), ClaimVerdict::DoesNotHold);
}

#[test]
fn fewer_than_eight_pairs_cannot_tell() {
    assert_eq!(verdict(1.0, &[200; 7]), ClaimVerdict::CannotTell);
    assert_eq!(verdict(1.0, &[200; 8]), ClaimVerdict::Holds);
    let records = [
        side("slow", &[above(1.0)], &[200; 7]),
        side("fast", &[], &[100; 9]),
    ];
    let figures = &judged_claims(&records)[0].figures[0];
    assert_eq!(
        figures.reason.as_deref(),
        Some("7 pairs: at least 8 are needed")
    );
    assert_eq!((figures.ratio, figures.interval), (Some(2.0), None));
}

#[test]
fn samples_of_different_rounds_are_no_pair() {
    let mut slow = side("slow", &[above(1.0)], &[200; 8]);
    let fast = side("fast", &[], &[100; 8]);
    slow.claim.as_mut().unwrap().rounds = (1..9).collect();
    let figures = &judged_claims(&[slow.clone(), fast.clone()])[0].figures[0];
    assert_eq!(
        (figures.pair_count, figures.verdict),
        (7, ClaimVerdict::CannotTell)
    );
    // Neither is a sample whose time says nothing.
    slow.claim.as_mut().unwrap().rounds = (0..8).collect();
    slow.samples[3].is_degraded = true;
    assert_eq!(judged_claims(&[slow, fast])[0].figures[0].pair_count, 7);
}

#[test]
fn a_side_that_failed_is_the_reason_why_nothing_can_be_told() {
    let mut fast = side("fast", &[], &[]);
    fast.error = Some(CaseError::new(ErrorKind::SetUp, "cannot find `python3`"));
    let slow = side("slow", &[above(1.0)], &[200; 8]);
    let claim = &judged_claims(&[slow.clone(), fast])[0];
    assert_eq!(claim.verdict, ClaimVerdict::CannotTell);
    let reason = |claim: &JudgedClaim| claim.figures[0].reason.clone().unwrap();
    assert_eq!(reason(claim), "cannot find `python3`");
    let claim = &judged_claims(&[slow])[0];
    assert!(
        reason(claim).contains("no record of the side “fast”"),
        "{}",
        reason(claim)
    );
}

#[test]
fn a_claim_holds_if_all_parts_do_that_are_not_beside_it() {
    let aside = |factor| Inequality {
        is_aside: true,
        ..above(factor)
    };
    let verdict = |parts: &[Inequality]| {
        let records = [side("slow", parts, &[200; 8]), side("fast", &[], &[100; 8])];
        judged_claims(&records)[0].verdict
    };
    assert_eq!(verdict(&[above(1.0), above(1.5)]), ClaimVerdict::Holds);
    assert_eq!(
        verdict(&[above(1.0), above(3.0)]),
        ClaimVerdict::DoesNotHold
    );
    assert_eq!(verdict(&[above(1.0), aside(3.0)]), ClaimVerdict::Holds);
    assert_eq!(verdict(&[aside(1.0)]), ClaimVerdict::CannotTell);
    let unknown = Inequality {
        less: "nobody".into(),
        ..above(1.0)
    };
    assert_eq!(
        verdict(&[above(1.0), unknown.clone()]),
        ClaimVerdict::CannotTell
    );
    // What is known to be wrong stays wrong, whatever the rest is.
    assert_eq!(verdict(&[unknown, above(3.0)]), ClaimVerdict::DoesNotHold);
}

#[test]
fn overhead_is_what_exceeds_the_shortest_run_with_the_start() {
    let overhead = Inequality {
        quantity: Quantity::Overhead,
        ..above(2.5)
    };
    let bound = crate::record::Bound {
        work_ns: 2_000_000,
        span_ns: 1_000_000,
        parallelism: Some(2),
        lower_bound_ns: 900_000,
        certified_optimum_ns: Some(1_000_000),
    };
    // The workers of the fixture take 100 µs to start: 300 µs against 110 µs are over the ideal.
    let mut records = [
        side("slow", &[overhead], &[1200; 8]),
        side("fast", &[], &[1010; 8]),
    ];
    let none = &judged_claims(&records)[0].figures[0];
    assert_eq!((none.pair_count, none.more.overhead_ns), (0, None));
    records
        .iter_mut()
        .for_each(|record| record.bound = Some(bound));
    let figures = &judged_claims(&records)[0].figures[0];
    assert_eq!(figures.more.overhead_ns, Some(300_000.0));
    assert_eq!(figures.less.overhead_ns, Some(110_000.0));
    assert_eq!(figures.ratio, Some(300.0 / 110.0));
    assert_eq!(figures.verdict, ClaimVerdict::Holds);
}

#[test]
fn updates_are_compared_per_run() {
    let kept = Inequality {
        quantity: Quantity::KeptUpdates,
        ..above(1.0)
    };
    let mut slow = side("slow", &[kept], &[50; 8]);
    let mut fast = side("fast", &[], &[10; 8]);
    slow.claim.as_mut().unwrap().kept_update_counts = vec![1000; 8];
    fast.claim.as_mut().unwrap().kept_update_counts = vec![3000; 8];
    fast.samples
        .iter_mut()
        .for_each(|sample| sample.run_count = 4);
    let figures = &judged_claims(&[slow, fast])[0].figures[0];
    assert_eq!(figures.less.kept_update_count, Some(750.0));
    assert_eq!(figures.ratio, Some(1000.0 / 750.0));
    assert_eq!(figures.verdict, ClaimVerdict::Holds);
}

#[test]
fn claims_are_an_array_of_id_statement_verdict_and_figures() {
    let plain = fixture::case("empty", "rayon", 2).record();
    let mut second = side("slow", &[above(5.0)], &[200; 8]);
    second.claim.as_mut().unwrap().id = "2".into();
    let records = [
        plain,
        side("slow", &[above(1.0)], &[200; 8]),
        side("fast", &[], &[100; 8]),
        second,
    ];
    let claims = serde_json::to_value(judged_claims(&records)).unwrap();
    let claims = claims.as_array().unwrap();
    assert_eq!(claims.len(), 2);
    let keys: Vec<&String> = claims[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["figures", "id", "statement", "verdict"]);
    assert_eq!(claims[0]["id"], "1");
    assert_eq!(claims[0]["statement"], "one is slow");
    assert_eq!(
        [&claims[0]["verdict"], &claims[1]["verdict"]],
        ["holds", "cannot-tell"]
    );
    let figures = &claims[0]["figures"][0];
    assert_eq!(figures["interval"], json!({ "low": 2.0, "high": 2.0 }));
    assert_eq!(figures["quantity"], "wall-time");
    assert_eq!(figures["more"]["median_ns"], 200_000.0);
    assert_eq!(figures["less"]["backend"], "fast");
    let refuted = judged_claims(&[
        side("slow", &[above(5.0)], &[200; 8]),
        side("fast", &[], &[100; 8]),
    ]);
    assert_eq!(
        serde_json::to_value(refuted).unwrap()[0]["verdict"],
        "does-not-hold"
    );
}
