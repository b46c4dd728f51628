//! Where and when a report was measured, and what speaks against trusting it.

use jiff::Timestamp;

use crate::record::{Commit, Host, Record};
use crate::units;

/// The load average above which something else was running when the run began. It lags by a minute, so a
/// build that has just ended still shows; half a process on average is more than an idle system has.
const BUSY_LOAD: f64 = 0.5;

/// The head of a report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heading {
    /// The machine, as it was when the first case began.
    pub host: Host,
    /// The commit of the folder that `run` was started in.
    pub commit: Option<Commit>,
    /// When the first case began, in UTC, as RFC 3339 has it.
    pub started_at: String,
    /// How many cases there are.
    pub case_count: usize,
    /// How many of them failed.
    pub failed_count: usize,
    /// What makes the machine unfit for measuring, and what to do about it; a sentence each.
    pub warnings: Vec<String>,
}

impl Heading {
    /// The head over these records; `None` without any.
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

    /// `2026-11-02 12:00:00 UTC`.
    pub(crate) fn begun(&self) -> String {
        match self.started_at.parse::<Timestamp>() {
            Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            // Better what the record says than nothing.
            Err(_) => self.started_at.clone(),
        }
    }

    /// `Linux 6.18, 2 cores, 8.00 GiB` and so on: what the figures depend on, besides the processor.
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

/// When a case began; `None`, which sorts first, if the record does not say so properly.
///
/// As text, `12:00:00.5Z` would sort before `12:00:00Z`.
pub(super) fn began(record: &Record) -> Option<Timestamp> {
    record.started_at.parse().ok()
}

/// That something else was running, and what to do about it.
fn busy(host: &Host) -> Option<String> {
    (host.load_average > BUSY_LOAD).then(|| {
        format!(
            "The load average was {:.2} when the run began: something else was running. Stop it and run again.",
            host.load_average
        )
    })
}

/// That the clock follows the load, and what to do about it.
pub(super) fn slow_clock(host: &Host) -> Option<String> {
    let governor = host.governor.as_ref()?;
    (governor != "performance").then(|| {
        format!(
            "The frequency governor is {governor}, so that the clock speed follows the load. \
             Set it to performance (cpupower frequency-set -g performance) and run again."
        )
    })
}
