//! The times of sessions, in logarithms, with the drift of the machine taken out where that can be.

use crate::record::{self, Case, Record, Sample};
use crate::stats::median;

/// Which time of a sample is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The wall clock, which decides.
    Wall,
    /// The CPU time of the process and its workers.
    Cpu,
}

/// How the drift of the machine between two sessions can be taken out of the times of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftCorrection {
    /// Divide by the time of the control loop: that cut drift between sessions 5 to 25 times for work of one
    /// thread, and 2 to 3 times for work that is scheduled.
    ControlLoop,
    /// The time does not hang on the speed of the machine.
    NotNeeded,
    /// Neither, and why.
    Impossible(&'static str),
}

/// How the times of `records`, all of one case, are calibrated: as any of them says, or by the name of the kernel
/// where none does.
pub fn calibration<'a>(records: impl IntoIterator<Item = &'a Record>) -> DriftCorrection {
    let mut records = records.into_iter().peekable();
    let Some(case) = records.peek().map(|first| &first.case) else {
        return DriftCorrection::ControlLoop;
    };
    let pace = records.find_map(|record| record.pace.as_deref());
    match pace.unwrap_or_else(|| pace_by_name(case)) {
        "clock" => DriftCorrection::NotNeeded,
        "contention" if case.workers > 1 => DriftCorrection::Impossible(
            "workers contend with each other, and their time does not follow that of the control loop",
        ),
        _ => DriftCorrection::ControlLoop,
    }
}

/// The pace of a case whose records do not tell: they are of programs from before kernels said it themselves. A kernel
/// that is not known is taken to compute.
fn pace_by_name(case: &Case) -> &'static str {
    let kernel = &case.parameters["kernel"];
    let word = |key: &str| kernel[key].as_str().unwrap_or_default();
    match word("kind") {
        "sleep" | "busy-wait" | "replay" => "clock",
        "counter" if word("variant") != "sharded" => "contention",
        _ => "machine",
    }
}

/// Whether the times of a sample count: no worker process died in it, and it has times that a ratio can be taken of.
pub(super) fn counts(sample: &Sample) -> bool {
    !sample.is_degraded && sample.wall_ns > 0 && sample.run_count > 0
}

/// One list a session: the logarithm of the time of one run, for each sample that counts. In nanoseconds, or as
/// a multiple of the control loop's time. Samples without any time are left out.
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
        let times = samples.map(|sample| {
            let ns = match channel {
                Channel::Wall => sample.wall_ns,
                Channel::Cpu => sample.cpu_ns,
            };
            ns as f64 / sample.run_count as f64 / unit
        });
        times.filter(|time| *time > 0.0).map(f64::ln).collect()
    });
    let sessions: Vec<Vec<f64>> = sessions.collect();
    sessions
        .into_iter()
        .filter(|times| !times.is_empty())
        .collect()
}

/// The median of the control loop's times in a session, on as many threads as the case has workers
/// with a core; `None` if there are none.
pub(super) fn control_ns(record: &Record) -> Option<f64> {
    // With one worker, or one core, there is only the one.
    let time = |calibration: &record::Calibration| {
        calibration.parallel_ns.unwrap_or(calibration.single_ns) as f64
    };
    let times: Vec<f64> = record.calibrations.iter().map(time).collect();
    median(&times).filter(|ns| *ns > 0.0)
}
