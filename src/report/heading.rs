//! Where and when a report was measured, and the reasons to doubt it.

use std::time::SystemTime;

use crate::record::{Commit, Host, Record, time_of_day};
use crate::units;

/// Above this load average, something else was running when the run began. An idle system stays below half a process.
/// The load average covers the last minute, so it still shows a build that has just ended.
const BUSY_LOAD: f64 = 0.5;

/// The head of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heading {
    /// The machine, as it was when the first case began.
    pub host: Host,
    /// The commit of the folder that `run` was started in.
    pub commit: Option<Commit>,
    /// When the first case began, in UTC, in the format of RFC 3339.
    pub started_at: String,
    /// The number of cases.
    pub case_count: usize,
    /// The number of cases that failed.
    pub failed_count: usize,
    /// What made the machine unfit for measuring, and what to do about it: one text per problem.
    pub warnings: Vec<String>,
}

impl Heading {
    /// The head of a report of these records; `None` without records.
    pub(super) fn new(records: &[Record]) -> Option<Self> {
        let first = records.iter().min_by_key(|record| began(record))?;
        let failed = records
            .iter()
            .filter(|record| record.error.is_some() || record.samples.is_empty());
        Some(Self {
            host: first.host.clone(),
            commit: first.commit.clone(),
            started_at: first.started_at.clone(),
            case_count: records.len(),
            failed_count: failed.count(),
            warnings: busy(&first.host)
                .into_iter()
                .chain(slow_clock(&first.host))
                .collect(),
        })
    }

    /// When the first case began, such as `2026-11-02 12:00:00 UTC`. An invalid time is returned as it is.
    pub(crate) fn begun(&self) -> String {
        match time_of_day(&self.started_at) {
            Some(time) => {
                let text = humantime::format_rfc3339_seconds(time).to_string();
                text.replace('T', " ").replace('Z', " UTC")
            }
            // An invalid text says more than no text.
            None => self.started_at.clone(),
        }
    }

    /// What the results depend on besides the processor: cores, memory, kernel and toolchain, such as
    /// `2 cores, 8.00 GiB, Linux 6.18, rustc 1.90.0`.
    pub(crate) fn machine(&self) -> String {
        let host = &self.host;
        let all = units::size(host.memory_bytes);
        let memory = match host.memory_limit_bytes {
            None => all,
            Some(limit) => format!("{} of {all}", units::size(limit)),
        };
        let cores = host.cores();
        format!("{cores}, {memory}, {}, {}", host.kernel, host.toolchain)
    }
}

/// When a case began; `None`, which sorts first, if the time in the record is invalid.
pub(super) fn began(record: &Record) -> Option<SystemTime> {
    time_of_day(&record.started_at)
}

/// A warning if something else was running.
fn busy(host: &Host) -> Option<String> {
    (host.load_average > BUSY_LOAD).then(|| {
        format!(
            "The load average was {:.2} when the run began: other programs were running. Stop them and run again.",
            host.load_average
        )
    })
}

/// A warning if the clock speed of the cores follows the load.
pub(super) fn slow_clock(host: &Host) -> Option<String> {
    let governor = host.governor.as_ref()?;
    (governor != "performance").then(|| {
        format!(
            "The frequency governor is {governor}, so the clock speed of the cores follows the load. \
            Set it to performance (cpupower frequency-set -g performance) and run again."
        )
    })
}
