//! What textbooks claim, and whether it holds here.

use serde::Serialize;

use super::round::figure;
use crate::compare::{ClaimVerdict, JudgedClaim, JudgedInequality};
use crate::report::words::{claim_scale, claim_sides, claim_test};

/// A claim.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageClaim {
    /// The id of the claim.
    pub id: String,
    /// The claim, in the words of textbooks.
    pub statement: String,
    /// The verdict on all its inequalities.
    pub verdict: ClaimVerdict,
    /// The same in words.
    pub verdict_words: &'static str,
    /// How long the tasks were, compared with those of textbooks.
    pub scale_text: String,
    /// One entry per inequality.
    pub parts: Vec<PageInequality>,
}

/// An inequality of a claim.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageInequality {
    /// The inequality in words.
    pub inequality: String,
    /// Whether it holds.
    pub verdict: ClaimVerdict,
    /// The same in words.
    pub verdict_words: &'static str,
    /// Whether it is only reported.
    pub is_aside: bool,
    /// The median ratio.
    pub ratio: Option<f64>,
    /// Its 99% interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// The ratio must be above this.
    pub limit: f64,
    /// The number of pairs.
    pub pair_count: usize,
    /// Why the data do not decide.
    pub reason: Option<String>,
    /// The ratio, its interval and its limit in words.
    pub test_text: String,
    /// The medians of both sides in words.
    pub sides_text: String,
}

impl PageClaim {
    /// The data of a claim.
    pub(super) fn new(claim: &JudgedClaim) -> Self {
        Self {
            id: claim.id.clone(),
            statement: claim.statement.clone(),
            verdict: claim.verdict,
            verdict_words: claim.verdict.words(),
            scale_text: claim_scale(claim),
            parts: claim.figures.iter().map(part).collect(),
        }
    }
}

fn part(part: &JudgedInequality) -> PageInequality {
    PageInequality {
        inequality: part.inequality.clone(),
        verdict: part.verdict,
        verdict_words: part.verdict.words(),
        is_aside: part.is_aside,
        ratio: part.ratio.map(figure),
        low: part.interval.map(|one| figure(one.low)),
        high: part.interval.map(|one| figure(one.high)),
        limit: part.factor_ratio,
        pair_count: part.pair_count,
        reason: part.reason.clone(),
        test_text: claim_test(part),
        sides_text: claim_sides(part),
    }
}
