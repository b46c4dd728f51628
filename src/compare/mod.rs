//! Compares two builds, or two sets of records. Nothing here runs anything.
//!
//! [`judge()`] turns differences into verdicts. [`Comparison`] is the whole result as plain data. Everything that shows
//! or exports a comparison reads it. FORMAT.md describes it field by field.

use crate::record::Record;

mod baseline;
mod examples;
mod history;
mod judge;
mod model;
mod order;
mod repeats;
mod sessions;
mod stored;
mod unlike;

pub use baseline::{Baseline, Baselines, is_baseline_name, one_baseline};
pub use examples::few;
pub use history::{Change, HISTORY_VERSION, History, HistoryPoint, Series, history};
pub use judge::{Evidence, judge};
pub use model::{
    Build, COMPARISON_VERSION, ComparedCase, Comparison, ComparisonSource, Judgement, MissingCase,
    Outcome, RatioInterval, Side, SideError, Verdict,
};
pub use order::by_commit;
pub use repeats::{apart, each_once};
pub use sessions::{Channel, DriftCorrection, calibration};
pub use stored::{NotComparable, Stored, StoredPlan, compare_records};

/// A record, with the file and line that it comes from.
pub type Placed = (String, Record);
