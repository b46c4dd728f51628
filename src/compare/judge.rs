//! Turns differences into verdicts.

use super::model::{Judgement, RatioInterval, Verdict};
use crate::stats::holm::adjusted;
use crate::stats::paired::{SignTests, more_needed, sign_tests};
use crate::stats::{median, median_interval};

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
/// unchanged. Each is tested by exact sign tests with Holm's correction at `alpha / 2`. The chance of any false
/// `Regressed` or `Improved` in any case is therefore at most `alpha`, and the chance of a false `Unchanged` is at most
/// half of it. For a single case this is the same as comparing the two ends of its exact interval with the threshold. A
/// case that an earlier look settled stays rejected in its own family, and is not tested in the others (Maurer and
/// Bretz, "Multiple Testing in Group Sequential Trials Using Graphical Approaches", Statistics in Biopharmaceutical
/// Research 5:4, 2013).
///
/// Returns one judgement per entry, `None` if there are no differences.
pub(crate) fn judge(evidence: &[Evidence<'_>], alpha: f64) -> Vec<Option<Judgement>> {
    let tests: Vec<SignTests> = evidence.iter().map(Evidence::tests).collect();
    let family = |p: fn(&SignTests) -> f64| adjusted(&tests.iter().map(p).collect::<Vec<_>>());
    let regressed = family(|tests| tests.above);
    let improved = family(|tests| tests.below);
    let unchanged = family(|tests| tests.within);
    let judged = evidence.iter().enumerate().map(|(index, evidence)| {
        let corrected = SignTests {
            above: regressed[index],
            below: improved[index],
            within: unchanged[index],
        };
        evidence.judgement(corrected, alpha, tests.len())
    });
    judged.collect()
}

impl Evidence<'_> {
    /// The threshold as a logarithm: changes between minus this and this are ignored.
    fn limit(&self) -> f64 {
        self.threshold_ratio.ln_1p()
    }

    fn tests(&self) -> SignTests {
        let Some(settled) = self.settled else {
            return sign_tests(self.differences, self.limit());
        };
        let p = |verdict| if settled == verdict { 0.0 } else { 1.0 };
        SignTests {
            above: p(Verdict::Regressed),
            below: p(Verdict::Improved),
            within: p(Verdict::Unchanged),
        }
    }

    fn judgement(&self, p: SignTests, alpha: f64, case_count: usize) -> Option<Judgement> {
        let estimate = median(self.differences)?;
        let verdict = verdict(p, alpha / 2.0);
        let more = || {
            more_needed(
                self.differences,
                self.limit(),
                alpha / 2.0 / case_count as f64,
            )
        };
        Some(Judgement {
            verdict,
            ratio: estimate.exp(),
            interval: median_interval(self.differences, alpha).map(|interval| RatioInterval {
                low: interval.low.exp(),
                high: interval.high.exp(),
            }),
            alpha,
            threshold_ratio: self.threshold_ratio,
            pair_count: self.differences.len() as u64,
            more_pair_count: match verdict {
                Verdict::Inconclusive => more(),
                _ => None,
            },
            p_regressed: p.above,
            p_improved: p.below,
            p_unchanged: p.within,
        })
    }
}

/// Returns the verdict for the hypothesis that is rejected at `level`. At a level below one half, at most one is
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
