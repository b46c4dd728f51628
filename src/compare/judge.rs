//! Turns differences into verdicts.

use super::model::{Judgement, RatioInterval, Verdict};
use crate::stats::holm::{adjusted, levels};
use crate::stats::median;
use crate::stats::paired::{Looks, SignTests, sign_counts};

/// The data about one channel of one case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Evidence<'a> {
    /// One difference of logarithms per pair, head minus base. Empty if there is nothing to judge.
    pub differences: &'a [f64],
    /// Changes smaller than this are ignored: 0.01 for one per cent. Above 0.
    pub threshold_ratio: f64,
    /// The verdict that an earlier look settled. It stands, and its differences are not tested again.
    pub settled: Option<Verdict>,
}

/// Judges all cases of one channel together, at one look.
///
/// There are three families of hypotheses: that no case regressed, that no case improved, and that no case is
/// unchanged. Each is tested by sign tests with Holm's correction at `alpha / 2`. The chance of any false `Regressed` or
/// `Improved` in any case is therefore at most `alpha`, and the chance of a false `Unchanged` is at most half of it. With
/// [`Looks::AfterEveryPair`] this holds for all looks together, however the pairs are distributed over the cases: a
/// false rejection needs a bet on one of the m true hypotheses that ever reaches 2m / alpha, and each does so with a
/// chance of at most alpha / 2m, whatever the others do.
///
/// A case that an earlier look settled stays rejected in its own family, and is not tested in the others (Maurer and
/// Bretz, "Multiple Testing in Group Sequential Trials Using Graphical Approaches", Statistics in Biopharmaceutical
/// Research 5:4, 2013).
///
/// Returns one judgement per entry, `None` if there are no differences.
pub(crate) fn judge(evidence: &[Evidence<'_>], looks: Looks, alpha: f64) -> Vec<Option<Judgement>> {
    let tests: Vec<SignTests> = evidence.iter().map(|one| one.p_values(looks)).collect();
    let family = |p: fn(&SignTests) -> f64| {
        let p_values: Vec<f64> = tests.iter().map(p).collect();
        (adjusted(&p_values), levels(&p_values, alpha / 2.0))
    };
    let above = family(|tests| tests.above);
    let below = family(|tests| tests.below);
    let within = family(|tests| tests.within);
    let judged = evidence.iter().enumerate().map(|(index, evidence)| {
        let test = |family: &(Vec<f64>, Vec<f64>), p: fn(&SignTests) -> f64| CorrectedTest {
            p: p(&tests[index]),
            adjusted: family.0[index],
            level: family.1[index],
        };
        let tests = SignTests {
            above: test(&above, |tests| tests.above),
            below: test(&below, |tests| tests.below),
            within: test(&within, |tests| tests.within),
        };
        evidence.judgement(looks, tests)
    });
    judged.collect()
}

/// The result of one test among those of other cases.
#[derive(Debug, Clone, Copy)]
struct CorrectedTest {
    p: f64,
    /// The p-value after Holm's correction.
    adjusted: f64,
    /// What `p` is compared with.
    level: f64,
}

impl CorrectedTest {
    fn is_rejected(self) -> bool {
        self.p <= self.level
    }
}

impl Evidence<'_> {
    /// The threshold as a logarithm: changes between minus this and this are ignored.
    fn limit(&self) -> f64 {
        self.threshold_ratio.ln_1p()
    }

    fn p_values(&self, looks: Looks) -> SignTests {
        if let Some(settled) = self.settled {
            let p = |verdict| if settled == verdict { 0.0 } else { 1.0 };
            return SignTests {
                above: p(Verdict::Regressed),
                below: p(Verdict::Improved),
                within: p(Verdict::Unchanged),
            };
        }
        let counts = sign_counts(self.differences, self.limit());
        let p = |count| looks.p_value(count, self.differences.len() as u64);
        SignTests {
            above: p(counts.above),
            below: p(counts.below),
            within: p(counts.within),
        }
    }

    fn judgement(&self, looks: Looks, tests: SignTests<CorrectedTest>) -> Option<Judgement> {
        let estimate = median(self.differences)?;
        let (verdict, level) = decision(tests);
        // Both sides of an interval have this level.
        let alpha = 2.0 * level;
        Some(Judgement {
            verdict,
            ratio: estimate.exp(),
            interval: looks
                .interval(self.differences, alpha)
                .map(|interval| RatioInterval {
                    low: interval.low.exp(),
                    high: interval.high.exp(),
                }),
            alpha,
            threshold_ratio: self.threshold_ratio,
            pair_count: self.differences.len() as u64,
            more_pair_count: match verdict {
                Verdict::Inconclusive => self.more_needed(looks, tests),
                _ => None,
            },
            p_regressed: tests.above.adjusted,
            p_improved: tests.below.adjusted,
            p_unchanged: tests.within.adjusted,
        })
    }

    /// About how many more pairs would bring one of the tests to its level.
    fn more_needed(&self, looks: Looks, tests: SignTests<CorrectedTest>) -> Option<u64> {
        let counts = sign_counts(self.differences, self.limit());
        let more = |count, level| looks.more_needed(count, self.differences.len() as u64, level);
        [
            more(counts.above, tests.above.level),
            more(counts.below, tests.below.level),
            more(counts.within, tests.within.level),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// The verdict, and the level of the test that decided it. Without a decision, it is the strictest of the levels that are
/// still to be met: at this level the interval contradicts none of the three hypotheses.
fn decision(tests: SignTests<CorrectedTest>) -> (Verdict, f64) {
    let in_order = [
        (Verdict::Regressed, tests.above),
        (Verdict::Improved, tests.below),
        (Verdict::Unchanged, tests.within),
    ];
    let decided = in_order.iter().find(|(_, test)| test.is_rejected());
    let levels = in_order.iter().map(|(_, test)| test.level);
    match decided {
        Some((verdict, test)) => (*verdict, test.level),
        None => (Verdict::Inconclusive, levels.fold(f64::INFINITY, f64::min)),
    }
}

/// The verdict for the hypothesis whose corrected p-value is at most `level`. At a level below one half, at most one is
/// rejected, because each rejection needs more than half of the differences on its own side.
pub(super) fn verdict(p: SignTests, level: f64) -> Verdict {
    if p.above <= level {
        Verdict::Regressed
    } else if p.below <= level {
        Verdict::Improved
    } else if p.within <= level {
        Verdict::Unchanged
    } else {
        Verdict::Inconclusive
    }
}

#[cfg(test)]
mod tests;
