//! The logarithms of the times of sessions, with the drift of the machine removed if possible.

use crate::record::{self, Case, Channel, Record, Sample};
use crate::stats::median;

/// How the drift of the machine between two sessions can be removed from the times of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DriftCorrection {
    /// Divide by the time of the control loop. This reduced drift between sessions by a factor of 5 to 25 for work of
    /// one thread, and by a factor of 2 to 3 for scheduled work.
    ControlLoop,
    /// The time does not depend on the speed of the machine.
    NotNeeded,
    /// Neither, with the reason.
    Impossible(&'static str),
}

/// Returns how to calibrate the judged times of `records`, which are all of one case: as any of them says, or else by the
/// name of the kernel.
pub(crate) fn calibration<'a>(
    records: impl IntoIterator<Item = &'a Record, IntoIter: Clone>,
) -> DriftCorrection {
    let records = records.into_iter();
    let Some(case) = records.clone().next().map(|first| &first.case) else {
        return DriftCorrection::ControlLoop;
    };
    let judged = Channel::judged(records.clone());
    let pace = records.clone().find_map(|record| record.pace.as_deref());
    match pace.unwrap_or_else(|| pace_by_name(case)) {
        // The clock decides how long a run takes, and the machine how much CPU time that costs.
        "clock" if judged == Channel::Cpu => DriftCorrection::ControlLoop,
        "clock" => DriftCorrection::NotNeeded,
        "contention" if case.workers > 1 => DriftCorrection::Impossible(
            "workers contend with each other, so their times do not follow the control loop",
        ),
        _ => DriftCorrection::ControlLoop,
    }
}

/// The pace of a case whose records do not have it, because they were written before kernels declared it. An unknown
/// kernel is assumed to compute.
fn pace_by_name(case: &Case) -> &'static str {
    let kernel = &case.parameters["kernel"];
    let word = |key: &str| kernel[key].as_str().unwrap_or_default();
    match word("kind") {
        "sleep" | "busy-wait" | "replay" => "clock",
        "counter" if word("variant") != "sharded" => "contention",
        _ => "machine",
    }
}

/// Whether the times of a sample are valid: no worker process died in it, and they are not zero.
pub(super) fn counts(sample: &Sample) -> bool {
    !sample.is_degraded && sample.wall_ns > 0 && sample.run_count > 0
}

/// Whether a record has valid samples with a time of this channel.
pub(super) fn has_times(record: &Record, channel: Channel) -> bool {
    let mut samples = record.samples.iter().filter(|sample| counts(sample));
    samples.any(|sample| channel.run_ns(sample).is_some_and(|ns| ns > 0.0))
}

/// Returns one list per session: the logarithm of the time of one run for each valid sample, in nanoseconds or as a
/// multiple of the control loop's time. Samples that took no time, or whose time was not measured, are left out.
pub(super) fn log_times(
    records: &[&Record],
    channel: Channel,
    how: DriftCorrection,
) -> Vec<Vec<f64>> {
    let sessions = records.iter().map(|record| {
        let unit = match how {
            DriftCorrection::ControlLoop => control_ns(record).unwrap_or(1.0),
            _ => 1.0,
        };
        let samples = record.samples.iter().filter(|sample| counts(sample));
        let times = samples.map(|sample| Some(channel.run_ns(sample)? / unit));
        times
            .flatten()
            .filter(|time| *time > 0.0)
            .map(f64::ln)
            .collect()
    });
    let sessions: Vec<Vec<f64>> = sessions.collect();
    sessions
        .into_iter()
        .filter(|times| !times.is_empty())
        .collect()
}

/// The median of the control loop's times in a session, on as many threads as the case has workers with a core; `None`
/// without times.
pub(super) fn control_ns(record: &Record) -> Option<f64> {
    // With one worker or one core there is only the single-threaded time.
    let time = |calibration: &record::Calibration| {
        calibration.parallel_ns.unwrap_or(calibration.single_ns) as f64
    };
    let times: Vec<f64> = record.calibrations.iter().map(time).collect();
    median(&times).filter(|ns| *ns > 0.0)
}
