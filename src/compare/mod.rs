//! Compares two builds, or two sets of records. Nothing here runs anything.
//!
//! [`judge()`] turns differences into verdicts. [`Comparison`] is the whole result as plain data. Everything that shows
//! or exports a comparison reads it. FORMAT.md describes it field by field.

use crate::record::Record;

mod baseline;
mod claim;
mod examples;
#[cfg(test)]
pub(crate) mod fixture;
mod history;
mod judge;
mod model;
mod order;
mod repeats;
mod sessions;
mod steady;
mod stored;
mod unlike;

pub(crate) use baseline::{Baseline, Baselines, is_baseline_name, one_baseline};
pub(crate) use claim::{ClaimVerdict, JudgedClaim, JudgedInequality, SideFigures, judged_claims};
pub(crate) use examples::few;
#[cfg(test)]
pub(crate) use history::HistoryPoint;
pub(crate) use history::{Change, HISTORY_VERSION, History, HistoryPlan, Series, history};
pub(crate) use judge::{Evidence, judge};
pub(crate) use model::{
    Allowed, Build, COMPARISON_VERSION, ComparedCase, Comparison, ComparisonSource, Course,
    Judgement, MissingCase, Outcome, RatioInterval, Side, SideError, SideTimes, Verdict,
};
pub(crate) use order::by_commit;
pub(crate) use repeats::{apart, each_once};
pub(crate) use steady::not_steady;
pub(crate) use stored::{NotComparable, Stored, StoredPlan, compare_records};

/// A record, with the file and line that it comes from.
pub(crate) type Placed = (String, Record);
