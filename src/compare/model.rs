//! A comparison as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{Case, CaseError, Channel, Commit, Host};

/// The version of the format of a [`Comparison`]. Within a version, fields are only added. Readers ignore fields that
/// they do not know and refuse a version that they do not know.
pub(crate) const COMPARISON_VERSION: u32 = 1;

/// The result of a comparison of two builds, or of two sets of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
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
    /// The seed of all random orders.
    pub seed: u64,
    /// How a gate went; null for records.
    #[serde(default)]
    pub course: Option<Course>,
    /// Whether a gate bound workers to cores; null for records, whose cases have their own `pin`.
    #[serde(default)]
    pub pin: Option<bool>,
    /// The machine that it was measured on.
    pub host: Host,
    /// When it began, in UTC, in the format of RFC 3339.
    pub started_at: String,
    /// How long it took; 0 for a comparison of records.
    pub elapsed_ns: u64,
    /// The fraction of the machine that everything else took meanwhile; null if not known.
    pub foreign_load_ratio: Option<f64>,
    /// The spread of the control loop's times: the 95th percentile ÷ the 5th; null if not known.
    pub calibration_spread_ratio: Option<f64>,
    /// One entry per case, in the order of the matrix.
    pub cases: Vec<ComparedCase>,
    /// The base compared with itself in the same way; null if there is no control. If it is judged slower or faster,
    /// the machine or the method is at fault.
    pub control: Option<ComparedCase>,
    /// Cases that only one side has.
    pub missing: Vec<MissingCase>,
    /// Why the verdicts are advisory; empty if they count.
    pub advisory: Vec<String>,
    /// Which cases that only one side has do not make the comparison fail.
    #[serde(default)]
    pub allowed: Allowed,
}

/// Which cases that only one side has do not make a comparison fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    /// Whether cases may be new: only the head has them.
    pub new: bool,
    /// Whether cases may be missing: only the base has them.
    pub missing: bool,
}

impl Default for Allowed {
    /// A new case is no reason to distrust the head, but one that vanished may hide a slow-down.
    fn default() -> Self {
        Self {
            new: true,
            missing: false,
        }
    }
}

/// When a gate looked at its pairs, when it ended, and whether the pairs were independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Course {
    /// The number of pairs per case that was planned, after which all were judged once; null if they were judged after
    /// every pair.
    pub planned_pair_count: Option<u64>,
    /// The limit on the time to measure; null if there was none.
    pub max_time_ns: Option<u64>,
    /// Whether this limit ended the gate, so that cases are undecided or have fewer pairs than planned.
    pub is_out_of_time: bool,
    /// The correlation of successive pairs, over all cases and the control; null if there were too few.
    pub pair_correlation: Option<f64>,
    /// The lower end of the one-sided 99% interval of this correlation.
    pub pair_correlation_low: Option<f64>,
}

/// Where the differences of a comparison come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ComparisonSource {
    /// Pairs of processes that alternated.
    Gate,
    /// Records of separate sessions.
    Records,
}

/// One of the two builds that are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Build {
    /// Its name on the command line: a file, a revision or a baseline.
    pub name: String,
    /// The commit that it was built from, if known.
    pub commit: Option<String>,
    /// Whether files of that commit had been changed when it was measured.
    #[serde(default)]
    pub dirty: bool,
    /// SHA-256 of the binary, 64 hexadecimal digits; null if there is no binary.
    pub sha256: Option<String>,
}

impl Build {
    /// The full commit hash, followed by ` (dirty)` if files were changed.
    pub(crate) fn commit_name(&self) -> Option<String> {
        Some(self.as_commit()?.long())
    }

    /// The short commit hash, with the same suffix.
    pub(crate) fn short_commit(&self) -> Option<String> {
        Some(self.as_commit()?.short())
    }

    fn as_commit(&self) -> Option<Commit> {
        let hash = self.commit.clone()?;
        let dirty = self.dirty;
        Some(Commit { hash, dirty })
    }
}

/// The judgement of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ComparedCase {
    /// The case.
    pub case: Case,
    /// The time that decides: the one that the workload is ranked by.
    #[serde(default)]
    pub judged: Channel,
    /// Whether its tasks time something beside the run. No verdict is about that.
    #[serde(default)]
    pub has_latencies: bool,
    /// The judgement of wall time. Null if there are too few data, or an error.
    pub wall: Option<Judgement>,
    /// The judgement of CPU time. Null also if a run takes too little CPU time to be measured.
    pub cpu: Option<Judgement>,
    /// The median times of both sides; for records as measured, without a correction for the drift of the machine. Null after
    /// an error.
    #[serde(default)]
    pub times: Option<SideTimes>,
    /// How long the pairs of this case took; 0 for a comparison of records.
    pub elapsed_ns: u64,
    /// The error that stopped the case on one side. It is neither a regression nor a success.
    pub error: Option<SideError>,
    /// Why this case cannot be judged although nothing failed; null if it can.
    #[serde(default)]
    pub not_judged: Option<String>,
    /// Which samples of either side are not steady, so that their median depends on how long the case was run; null if
    /// all are.
    #[serde(default)]
    pub not_steady: Option<String>,
}

/// The median time of a run on each side, over all pairs: of the time that decides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct SideTimes {
    /// Of the base.
    pub base_ns: f64,
    /// Of the head.
    pub head_ns: f64,
}

impl ComparedCase {
    /// The judgement of one of its times.
    pub(crate) fn judgement_of(&self, channel: Channel) -> Option<&Judgement> {
        match channel {
            Channel::Wall => self.wall.as_ref(),
            Channel::Cpu => self.cpu.as_ref(),
        }
    }

    /// The judgement that decides.
    pub(crate) fn judgement(&self) -> Option<&Judgement> {
        self.judgement_of(self.judged)
    }

    /// The verdict that decides: [`Verdict::Inconclusive`] if there is no judgement.
    pub(crate) fn verdict(&self) -> Verdict {
        self.judgement()
            .map_or(Verdict::Inconclusive, |judgement| judgement.verdict)
    }
}

/// The judgement of one channel of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The estimate of the head's time ÷ the base's time.
    pub ratio: f64,
    /// The interval of the true ratio at level `1 - alpha`; null if there are too few pairs.
    pub interval: Option<RatioInterval>,
    /// The level of `interval`. For pairs it is the level at which the case was decided among all cases, or the strictest
    /// that it still has to meet, so that the interval never contradicts the verdict.
    pub alpha: f64,
    /// Changes smaller than this are ignored: 0.01 for one per cent.
    pub threshold_ratio: f64,
    /// The number of pairs.
    pub pair_count: u64,
    /// About how many more pairs would settle it, if they were like the pairs so far. Null for a verdict that is
    /// settled, and if no practical number of pairs would settle it.
    pub more_pair_count: Option<u64>,
    /// The p-value of "slower by more than the threshold", corrected for the number of cases (Holm). For a gate that
    /// looks after every pair, it is 1 ÷ an e-value before the correction.
    pub p_regressed: f64,
    /// The same for "faster by more than the threshold".
    pub p_improved: f64,
    /// The same for "within the threshold".
    pub p_unchanged: f64,
}

impl Judgement {
    /// The smallest true change that pairs like these would have shown as a slow-down, as a ratio; `None` if there are too
    /// few to show any.
    pub(crate) fn visible_ratio(&self) -> Option<f64> {
        let interval = self.interval?;
        Some((1.0 + self.threshold_ratio) * self.ratio / interval.low)
    }
}

/// A closed range of ratios.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct RatioInterval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The verdict on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The head is slower than the base by more than the threshold.
    Regressed,
    /// The head is faster than the base by more than the threshold.
    Improved,
    /// The two differ by less than the threshold.
    Unchanged,
    /// The data do not decide.
    Inconclusive,
}

impl Verdict {
    /// All verdicts, worst first.
    pub(crate) const ALL: [Self; 4] = [
        Self::Regressed,
        Self::Inconclusive,
        Self::Improved,
        Self::Unchanged,
    ];

    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
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

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// What is compared against.
    Base,
    /// What is judged.
    Head,
}

impl Side {
    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }

    /// The other side.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Base => Self::Head,
            Self::Head => Self::Base,
        }
    }
}

/// What went wrong with a case, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SideError {
    /// The side that failed; null if the error concerns both sides, such as different digests.
    pub side: Option<Side>,
    /// The error, as in a record.
    pub error: CaseError,
}

/// A case that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MissingCase {
    /// Its id.
    pub id: String,
    /// The side that does not have it.
    pub side: Side,
    /// The error that stopped it on the side that has it; null if it did not fail.
    #[serde(default)]
    pub error: Option<CaseError>,
}

/// The result of a whole comparison, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// A case failed, or only one side has it and that is not allowed.
    Failed,
    /// A case regressed.
    Regressed,
    /// The data do not decide, or the verdicts are only advisory.
    Inconclusive,
    /// Nothing got slower.
    Fine,
}

impl Comparison {
    /// Whether both sides are the same binary, byte for byte.
    pub(crate) fn is_identical(&self) -> bool {
        self.base.sha256.is_some() && self.base.sha256 == self.head.sha256
    }

    /// The verdict that counts: if verdicts are advisory, each counts as inconclusive.
    pub(crate) fn binding(&self, verdict: Verdict) -> Verdict {
        match self.advisory.is_empty() {
            true => verdict,
            false => Verdict::Inconclusive,
        }
    }

    /// Whether a case that only one side has makes the comparison fail. If it failed on that side, it does, unless it is
    /// missing in the head and may be.
    pub(crate) fn refuses(&self, one: &MissingCase) -> bool {
        match one.side {
            Side::Head => !self.allowed.missing,
            Side::Base => !self.allowed.new || one.error.is_some(),
        }
    }

    /// The result of the whole. The judged time of each case decides. Advisory verdicts count as inconclusive.
    pub(crate) fn outcome(&self) -> Outcome {
        let has_error = self.cases.iter().any(|case| case.error.is_some());
        let has = |verdict| self.cases.iter().any(|case| case.verdict() == verdict);
        if has_error || self.missing.iter().any(|one| self.refuses(one)) {
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
