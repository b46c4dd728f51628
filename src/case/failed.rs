//! The errors of cases, from what went wrong on either side.

use crate::backend::Death;
use crate::execute::Failure;
use crate::measure::recorded_death;
use crate::record::{CaseError, ErrorKind};

/// The error of a case whose run failed.
pub(super) fn failed(failure: Failure) -> CaseError {
    let death = match &failure {
        Failure::WorkerDied {
            task,
            worker,
            ending,
            attempt_count,
        } => Some(Death {
            worker: *worker,
            ending: *ending,
            task: Some(*task),
            attempt_count: *attempt_count,
        }),
        _ => None,
    };
    CaseError {
        task: failure.task().map(|task| u64::from(task.0)),
        death: death.map(recorded_death),
        ..CaseError::new(failure.kind().into(), failure.to_string())
    }
}

/// The error of a case that could not be set up.
pub(super) fn set_up_error(error: impl ToString) -> CaseError {
    CaseError::new(ErrorKind::SetUp, error.to_string())
}

/// The error of a message that breaks the protocol.
pub(super) fn protocol_error(error: impl ToString) -> CaseError {
    CaseError::new(ErrorKind::Protocol, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::Ending;
    use crate::graph::TaskId;

    #[test]
    fn records_know_the_kind_of_every_failure() {
        let (task, predecessor) = (TaskId(1), TaskId(0));
        let message = || String::from("out of cheese");
        let failures = [
            Failure::MissingInput { task, predecessor },
            Failure::NotOnce { task },
            Failure::Lost { task },
            Failure::Miscounted { task },
            Failure::WrongPayload {
                task,
                predecessor,
                byte: 0,
            },
            Failure::Panicked {
                task,
                message: message(),
            },
            Failure::WrongDigest {
                found: 0,
                expected: 1,
            },
            Failure::Kernel { message: message() },
            Failure::BeatBound {
                wall_ns: 1,
                bound_ns: 2,
            },
            Failure::WorkerDied {
                task,
                worker: 0,
                ending: Ending::Signal(libc::SIGKILL),
                attempt_count: 1,
            },
            Failure::Backend { message: message() },
        ];
        for failure in failures {
            let error = failed(failure);
            assert!(!matches!(error.kind, ErrorKind::Other(_)), "{error:?}");
        }
    }
}
