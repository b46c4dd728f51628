//! A comparison as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{Case, CaseError, Commit, Host};

/// The version of the format of a [`Comparison`]. Fields are only ever added within a version; readers
/// ignore the ones they do not know and refuse a version they do not know.
pub const COMPARISON_VERSION: u32 = 1;

/// What a comparison of two builds, or of two sets of records, found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`COMPARISON_VERSION`] of the program that wrote it.
    pub comparison_version: u32,
    /// Where the differences come from.
    pub source: ComparisonSource,
    /// What is compared against.
    pub base: Build,
    /// What is judged.
    pub head: Build,
    /// The chance of any false alarm in the whole comparison is at most this.
    pub alpha: f64,
    /// The seed that every order was drawn from.
    pub seed: u64,
    /// Whether a gate bound workers to cores; null for records, whose cases say it themselves.
    #[serde(default)]
    pub pin: Option<bool>,
    /// The machine that it was measured on.
    pub host: Host,
    /// When it began, in UTC, as RFC 3339 has it.
    pub started_at: String,
    /// How long it took; 0 for a comparison of records.
    pub elapsed_ns: u64,
    /// The part of the machine that everything else took meanwhile; null where that is not known.
    pub foreign_load_ratio: Option<f64>,
    /// How much slower the calibration loop was at its slow times than at its fast ones: its 95th percentile
    /// over its 5th; null where that is not known.
    pub calibration_spread_ratio: Option<f64>,
    /// One entry a case, in the order of the matrix.
    pub cases: Vec<ComparedCase>,
    /// The base against itself, in the same way; null where there is none. Should it come out as
    /// anything but itself, the machine or the method is at fault.
    pub control: Option<ComparedCase>,
    /// Cases that only one side has.
    pub missing: Vec<MissingCase>,
    /// Why the verdicts are advisory; empty if they count.
    pub advisory: Vec<String>,
}

/// Where the differences of a comparison come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonSource {
    /// Pairs of processes that took turns.
    Gate,
    /// Records that were measured apart.
    Records,
}

/// One of the two things that are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// What it was called on the command line: a file, a revision, a baseline.
    pub name: String,
    /// The commit that it was built from, where that is known.
    pub commit: Option<String>,
    /// Whether files of that commit were changed when it was measured, so that it was not built from it alone.
    #[serde(default)]
    pub dirty: bool,
    /// SHA-256 of the binary, 64 hexadecimal digits; null where there is no binary.
    pub sha256: Option<String>,
}

impl Build {
    /// The commit in full, with ` (dirty)` behind it where that holds.
    pub fn commit_name(&self) -> Option<String> {
        Some(self.as_commit()?.long())
    }

    /// The commit in short, likewise.
    pub fn short_commit(&self) -> Option<String> {
        Some(self.as_commit()?.short())
    }

    fn as_commit(&self) -> Option<Commit> {
        let hash = self.commit.clone()?;
        let dirty = self.dirty;
        Some(Commit { hash, dirty })
    }
}

/// One case, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedCase {
    /// What was run.
    pub case: Case,
    /// Wall time, which decides. Null if there is too little to judge, or an error.
    pub wall: Option<Judgement>,
    /// CPU time, which stands beside it. Null also where a run takes too little of it to be counted.
    pub cpu: Option<Judgement>,
    /// How long this case's part took; 0 for a comparison of records.
    pub elapsed_ns: u64,
    /// What ended the case on one side. It is no regression, and it is no success.
    pub error: Option<SideError>,
    /// Why this case cannot be judged, though nothing failed; null if it can.
    #[serde(default)]
    pub not_judged: Option<String>,
}

impl ComparedCase {
    /// What its wall time says: [`Verdict::Inconclusive`] if there is no judgement.
    pub fn verdict(&self) -> Verdict {
        self.wall
            .as_ref()
            .map_or(Verdict::Inconclusive, |wall| wall.verdict)
    }
}

/// What is said about one channel of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// In a word.
    pub verdict: Verdict,
    /// How many times as long the head takes as the base: the estimate.
    pub ratio: f64,
    /// Where the true ratio lies, at level `1 - alpha`, for this case taken by itself; null if there are
    /// too few pairs.
    pub interval: Option<RatioInterval>,
    /// The level of `interval`.
    pub alpha: f64,
    /// A change of less than this is none: 0.01 for one per cent.
    pub threshold_ratio: f64,
    /// How many pairs it rests on.
    pub pair_count: u64,
    /// About how many more pairs would settle it, if they were like those so far. Null for a verdict that
    /// is settled, and where no number that anybody would wait for is enough.
    pub more_pair_count: Option<u64>,
    /// The chance of as many slower pairs if the head were slower by no more than the threshold, corrected
    /// for the number of cases (Holm).
    pub p_regressed: f64,
    /// The same for faster pairs.
    pub p_improved: f64,
    /// The chance of as many pairs within the threshold if the head were not, corrected likewise.
    pub p_unchanged: f64,
}

/// A closed range of ratios.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What a comparison says about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The head is slower than the base by more than the threshold.
    Regressed,
    /// The head is faster than the base by more than the threshold.
    Improved,
    /// The two differ by less than the threshold.
    Unchanged,
    /// The data do not tell.
    Inconclusive,
}

impl Verdict {
    /// All of them, worst first.
    pub const ALL: [Self; 4] = [
        Self::Regressed,
        Self::Inconclusive,
        Self::Improved,
        Self::Unchanged,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One of the two that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is compared against.
    Base,
    /// What is judged.
    Head,
}

impl Side {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Base => Self::Head,
            Self::Head => Self::Base,
        }
    }
}

/// What went wrong with a case, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideError {
    /// The side it went wrong on; null for what is between the two, such as different digests.
    pub side: Option<Side>,
    /// The error, as records have it.
    pub error: CaseError,
}

/// A case that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingCase {
    /// Its id.
    pub id: String,
    /// The side that does not have it.
    pub side: Side,
    /// What ended it on the side that has it; null if nothing did.
    #[serde(default)]
    pub error: Option<CaseError>,
}

/// How a comparison as a whole came out. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A case failed, or the head does not have it any more.
    Failed,
    /// A case regressed.
    Regressed,
    /// The data do not tell, or what they tell does not count.
    Inconclusive,
    /// Nothing got slower. A case that only the head has is new, and no fault unless it failed.
    Fine,
}

impl Comparison {
    /// Whether both sides are the same binary, byte for byte.
    pub fn is_identical(&self) -> bool {
        self.base.sha256.is_some() && self.base.sha256 == self.head.sha256
    }

    /// What a verdict counts for: where there is a reason to distrust them, none tells anything.
    pub fn binding(&self, verdict: Verdict) -> Verdict {
        match self.advisory.is_empty() {
            true => verdict,
            false => Verdict::Inconclusive,
        }
    }

    /// How it came out. Wall time decides. Verdicts that are advisory are inconclusive.
    pub fn outcome(&self) -> Outcome {
        let has_error = self.cases.iter().any(|case| case.error.is_some());
        let has = |verdict| self.cases.iter().any(|case| case.verdict() == verdict);
        let is_gone = |missing: &MissingCase| missing.side == Side::Head || missing.error.is_some();
        if has_error || self.missing.iter().any(is_gone) {
            Outcome::Failed
        } else if !self.advisory.is_empty() {
            Outcome::Inconclusive
        } else if has(Verdict::Regressed) {
            Outcome::Regressed
        } else if has(Verdict::Inconclusive) {
            Outcome::Inconclusive
        } else {
            Outcome::Fine
        }
    }
}

#[cfg(test)]
mod tests;
