use super::*;
use crate::random::SplitMix64;
use crate::stats::median_interval;

/// `count` differences around `centre`, a tenth of a per cent apart.
fn around(centre: f64, count: i32) -> Vec<f64> {
    let offsets = (0..count).map(|i| f64::from(i) - f64::from(count - 1) / 2.0);
    offsets.map(|offset| centre + offset * 0.001).collect()
}

fn evidence(differences: &[f64]) -> Evidence<'_> {
    Evidence {
        differences,
        threshold_ratio: 0.01,
        settled: None,
    }
}

fn judged(differences: &[f64]) -> Judgement {
    judge(&[evidence(differences)], Looks::Once, 0.01)
        .remove(0)
        .unwrap()
}

#[test]
fn one_case_is_judged_by_comparing_its_interval_with_the_threshold() {
    // 30 values 0.001 apart: the interval reaches from the 8th to the 23rd, 0.0075 to either side.
    for (centre, verdict) in [
        (0.05, Verdict::Regressed),
        (0.0175, Verdict::Regressed),
        (0.0174, Verdict::Inconclusive),
        (-0.0174, Verdict::Inconclusive),
        (-0.0175, Verdict::Improved),
        (0.0, Verdict::Unchanged),
        (0.0024, Verdict::Unchanged),
        (0.0025, Verdict::Inconclusive),
    ] {
        assert_eq!(judged(&around(centre, 30)).verdict, verdict, "{centre}");
    }
}

#[test]
fn estimate_and_interval_are_ratios() {
    let judgement = judged(&around(0.05, 30));
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12);
    close(judgement.ratio, 0.05f64.exp());
    let interval = judgement.interval.unwrap();
    close(interval.low, 0.0425f64.exp());
    close(interval.high, 0.0575f64.exp());
    assert_eq!(judgement.pair_count, 30);
    assert_eq!(judgement.more_pair_count, None);
}

#[test]
fn too_few_pairs_have_no_interval_and_no_verdict() {
    // Seven pairs cannot reach 0.005 per side: 2^-7 is 0.0078. Eight can.
    let seven = judged(&[0.05; 7]);
    assert_eq!(seven.verdict, Verdict::Inconclusive);
    assert_eq!(seven.interval, None);
    assert_eq!(seven.more_pair_count, Some(1));
    assert_eq!(judged(&[0.05; 8]).verdict, Verdict::Regressed);
    assert_eq!(judge(&[evidence(&[])], Looks::Once, 0.01), [None]);
    assert!(judge(&[], Looks::Once, 0.01).is_empty());
}

#[test]
fn no_number_of_pairs_settles_a_change_at_the_threshold() {
    let at_threshold = judged(&around(0.01f64.ln_1p(), 30));
    assert_eq!(at_threshold.verdict, Verdict::Inconclusive);
    assert_eq!(at_threshold.more_pair_count, None);
    // No change, but too few pairs to show it.
    let dim: Vec<f64> = around(0.0, 30).iter().map(|d| d * 1.5).collect();
    let dim = judged(&dim);
    assert_eq!(dim.verdict, Verdict::Inconclusive);
    assert!(dim.more_pair_count.unwrap() > 0);
}

#[test]
fn more_cases_need_stronger_evidence() {
    // Nine pairs on one side: 2^-9 is 0.002, enough for one case and not for the smallest of three.
    let nine = [0.05; 9];
    let ten = [0.05; 10];
    assert_eq!(judged(&nine).verdict, Verdict::Regressed);
    let noise = around(0.01, 30);
    let verdicts = |cases: &[&[f64]]| {
        let evidence: Vec<_> = cases.iter().map(|one| evidence(one)).collect();
        let judged = judge(&evidence, Looks::Once, 0.01).into_iter().flatten();
        judged.map(|one| one.verdict).collect::<Vec<_>>()
    };
    assert_eq!(
        verdicts(&[&nine, &noise, &noise]),
        [Verdict::Inconclusive; 3]
    );
    // 2^-10 is below 0.005 / 3; once that one is rejected, 2^-9 is compared with 0.005 / 2.
    assert_eq!(
        verdicts(&[&nine, &ten, &noise]),
        [
            Verdict::Regressed,
            Verdict::Regressed,
            Verdict::Inconclusive
        ]
    );
}

#[test]
fn an_earlier_verdict_stands_and_relaxes_only_its_own_family() {
    let nine = [0.05; 9];
    let noise = around(0.01, 30);
    let second = |settled| {
        let first = Evidence {
            settled: Some(settled),
            ..evidence(&noise)
        };
        let judged = judge(
            &[first, evidence(&nine), evidence(&noise)],
            Looks::Once,
            0.01,
        );
        let verdict = |index: usize| judged[index].as_ref().unwrap().verdict;
        assert_eq!(verdict(0), settled);
        verdict(1)
    };
    assert_eq!(second(Verdict::Regressed), Verdict::Regressed);
    assert_eq!(second(Verdict::Improved), Verdict::Inconclusive);
    assert_eq!(second(Verdict::Unchanged), Verdict::Inconclusive);
}

/// Normally distributed numbers (Box and Muller, Annals of Mathematical Statistics 29:2, 1958).
struct Normal(SplitMix64);

impl Normal {
    fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// A number in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[test]
fn intervals_cover_the_truth_as_often_as_their_level_says() {
    // A distribution like that of run times: skewed, with two modes and outliers. Its median is 0 by construction,
    // because the sign is drawn first.
    let mut random = Normal::new(1);
    let mut draw = || {
        let size = random.next().exp() + if random.uniform() < 0.1 { 20.0 } else { 0.0 };
        if random.uniform() < 0.5 {
            size
        } else {
            -size / 5.0
        }
    };
    let trials = 20_000u32;
    for count in [8, 22, 30, 50, 60, 100] {
        let mut covered = 0;
        for _ in 0..trials {
            let values: Vec<f64> = (0..count).map(|_| draw()).collect();
            let interval = median_interval(&values, 0.01).unwrap();
            covered += u32::from(interval.low <= 0.0 && 0.0 <= interval.high);
        }
        // The interval is wider than necessary, because ranks are whole numbers. The margin is large enough for this
        // check.
        assert!(covered >= trials / 100 * 99, "{count}: {covered}");
    }
}

#[test]
fn false_alarms_in_many_cases_stay_below_alpha_at_the_worst_place() {
    // Five cases at once, each exactly at the threshold, where a false alarm is most likely.
    let mut random = Normal::new(2);
    let limit = 0.01f64.ln_1p();
    let (gates, alpha) = (1000, 0.05);
    let mut alarms = 0;
    for _ in 0..gates {
        let mut draw = || (0..30).map(|_| limit + 0.01 * random.next()).collect();
        let cases: Vec<Vec<f64>> = (0..5).map(|_| draw()).collect();
        let evidence: Vec<_> = cases.iter().map(|one| evidence(one)).collect();
        let judged = judge(&evidence, Looks::Once, alpha).into_iter().flatten();
        alarms += u32::from(
            judged
                .into_iter()
                .any(|one| one.verdict == Verdict::Regressed),
        );
    }
    // Half of alpha is for regressions. The limit is three standard deviations above it.
    let most = f64::from(gates) * alpha / 2.0;
    assert!(f64::from(alarms) <= most + 3.0 * most.sqrt(), "{alarms}");
    assert!(alarms > 0, "this test must be able to see false alarms");
}

#[test]
fn looks_after_every_pair_stay_below_alpha_however_the_pairs_are_distributed() {
    // Three cases, each exactly at the threshold. The next pair goes to the one that is closest to a false alarm.
    let mut random = Normal::new(3);
    let limit = 0.01f64.ln_1p();
    let (gates, alpha) = (300, 0.2);
    let mut alarms = 0;
    for _ in 0..gates {
        let mut cases = vec![Vec::new(); 3];
        let is_alarm = (0..60).any(|_| {
            let sides = |case: &&mut Vec<f64>| -> i32 {
                let sides = case.iter().map(|d| if *d > limit { 1 } else { -1 });
                sides.sum()
            };
            let closest = cases.iter_mut().max_by_key(sides).unwrap();
            closest.push(limit + 0.01 * random.next());
            let evidence: Vec<_> = cases.iter().map(|one| evidence(one)).collect();
            let mut judged = judge(&evidence, Looks::AfterEveryPair, alpha)
                .into_iter()
                .flatten();
            judged.any(|one| one.verdict == Verdict::Regressed)
        });
        alarms += u32::from(is_alarm);
    }
    // Half of alpha is for regressions. The limit is three standard deviations above it.
    let most = f64::from(gates) * alpha / 2.0;
    assert!(f64::from(alarms) <= most + 3.0 * most.sqrt(), "{alarms}");
    assert!(alarms > 0, "this test must be able to see false alarms");
}

#[test]
fn the_interval_has_the_level_at_which_its_case_was_decided() {
    let (slow, noise) = ([0.05; 20], around(0.01, 30));
    let cases = [&slow[..], &slow, &noise];
    let judged = judge(&cases.map(evidence), Looks::AfterEveryPair, 0.03);
    // The third is undecided. As a slow-down it would have to meet the whole level, otherwise a third of it.
    for (judgement, level) in judged.iter().flatten().zip([0.01, 0.015, 0.01]) {
        assert!(
            (judgement.alpha - level).abs() < 1e-12,
            "{}",
            judgement.alpha
        );
    }
    assert_eq!(judged[2].as_ref().unwrap().verdict, Verdict::Inconclusive);
}

#[test]
fn an_interval_never_contradicts_its_verdict() {
    let mut random = Normal::new(4);
    let mut seen = Vec::new();
    for _ in 0..200 {
        let mut draw = || -> Vec<f64> {
            let (centre, spread) = (0.02 * random.next(), 0.01 * random.uniform());
            let count = 5 + (40.0 * random.uniform()) as usize;
            (0..count)
                .map(|_| centre + spread * random.next())
                .collect()
        };
        let cases = [draw(), draw(), draw(), draw()];
        for looks in [Looks::Once, Looks::AfterEveryPair] {
            let evidence: Vec<_> = cases.iter().map(|one| evidence(one)).collect();
            for judgement in judge(&evidence, looks, 0.01).iter().flatten() {
                let shown = judgement.interval.map(|interval| {
                    let (low, high) = (interval.low.ln(), interval.high.ln());
                    let limit = 0.01f64.ln_1p();
                    match () {
                        () if low > limit => Verdict::Regressed,
                        () if high < -limit => Verdict::Improved,
                        () if low > -limit && high < limit => Verdict::Unchanged,
                        () => Verdict::Inconclusive,
                    }
                });
                assert_eq!(shown.unwrap_or(Verdict::Inconclusive), judgement.verdict);
                seen.push(judgement.verdict);
            }
        }
    }
    assert!(Verdict::ALL.iter().all(|verdict| seen.contains(verdict)));
}
