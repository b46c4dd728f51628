//! The two times of a run, and which of them a case is ranked and judged by.

use serde::{Deserialize, Serialize};

use super::{Record, Sample};

/// A time of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    /// Wall time.
    #[default]
    Wall,
    /// CPU time of the process and its workers.
    Cpu,
}

impl Channel {
    /// The time by which cases are ranked and judged whose records say this; see [`Record::is_ranked_by_cpu`].
    pub(crate) fn ranked_by(is_ranked_by_cpu: bool) -> Self {
        match is_ranked_by_cpu {
            true => Self::Cpu,
            false => Self::Wall,
        }
    }

    /// The time by which one case is ranked and judged that has these records. Older records do not say, so one that
    /// does is enough.
    pub(crate) fn judged<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut records = records.into_iter();
        Self::ranked_by(records.any(|record| record.is_ranked_by_cpu))
    }

    /// The time that is not this one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Wall => Self::Cpu,
            Self::Cpu => Self::Wall,
        }
    }

    /// Its name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "cpu",
        }
    }

    /// Its name for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Wall => "wall time",
            Self::Cpu => "CPU time",
        }
    }

    /// This time of one run of a sample; `None` if it was not measured.
    pub(crate) fn run_ns(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Wall => Some(sample.run_wall_ns()),
            Self::Cpu => sample.run_cpu_ns(),
        }
    }
}
