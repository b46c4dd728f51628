//! What two builds, or two sets of records, say about each other. Nothing here runs anything.
//!
//! [`judge`] turns differences into verdicts; [`Comparison`] is the whole result as plain data, which
//! everything that shows or exports a comparison reads. FORMAT.md describes it field by field.

mod judge;
mod model;

pub use judge::{Evidence, judge};
pub use model::{
    Build, COMPARISON_VERSION, ComparedCase, Comparison, ComparisonSource, Judgement, MissingCase,
    Outcome, RatioInterval, Side, SideError, Verdict,
};
