//! Finds the cases that both programs have.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compare::{MissingCase, Side, SideError};
use crate::foreign::{self, ForeignError, Limits};
use crate::matrix::PlannedCase;
use crate::record::{Case, CaseError, ErrorKind, nanoseconds};

/// A case as a program lists it, one line of JSON per case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListedCase {
    /// The case.
    pub case: Case,
    /// The time limit of the workload, if any.
    pub timeout_ns: Option<u64>,
    /// The workload's time limit for one task on a worker process, if any.
    pub task_timeout_ns: Option<u64>,
    /// How often a task is tried again after its worker process died.
    pub retry_limit: u32,
    /// The workload's threshold for a gate, if any.
    pub threshold_ratio: Option<f64>,
    /// The duration of the shortest possible schedule with this number of workers, if the workload certifies it.
    #[serde(default)]
    pub certified_optimum_ns: Option<u64>,
    /// Whether the backend declares that it can bind its workers. True for programs that do not say.
    #[serde(default = "yes")]
    pub can_pin: bool,
}

fn yes() -> bool {
    true
}

impl From<PlannedCase> for ListedCase {
    fn from(planned: PlannedCase) -> Self {
        Self {
            case: planned.case,
            timeout_ns: planned.timeout.map(nanoseconds),
            task_timeout_ns: planned.task_timeout.map(nanoseconds),
            retry_limit: planned.retry_limit,
            threshold_ratio: planned.gate_threshold,
            certified_optimum_ns: planned.certified_optimum.map(nanoseconds),
            can_pin: planned.can_pin,
        }
    }
}

/// What a program answered in place of its cases.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ListError {
    /// It did not end by itself.
    #[error(transparent)]
    Program(#[from] ForeignError),
    /// It failed.
    #[error("{status}: {last_words}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        last_words: String,
    },
    /// It wrote a line that is no case.
    #[error("{error} in {line:?}")]
    Line {
        /// What the parser said.
        error: serde_json::Error,
        /// The beginning of the line.
        line: String,
    },
}

/// The limit on the output. It is enough for more than a hundred thousand cases.
const MOST_BYTES: usize = 64 << 20;
/// How many characters of an invalid line are shown.
const SHOWN_CHARACTERS: usize = 200;

/// Returns the cases of `program`, by running its subcommand `cases` with these arguments. It is killed after
/// `timeout`, or when `is_cancelled` becomes true.
///
/// # Errors
///
/// What it answered in their place.
pub(crate) fn list(
    program: &Path,
    arguments: &[OsString],
    timeout: Duration,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<ListedCase>, ListError> {
    let limits = Limits {
        time: Some(timeout),
        output_bytes: MOST_BYTES,
        is_cancelled,
    };
    let mut command = Command::new(program);
    command
        .arg("cases")
        .args(arguments)
        // The gate decides whether workers are bound, not the programs that it calls.
        .env_remove("TASKDYNO_PIN");
    let answer = foreign::run(&mut command, &limits)?;
    if !answer.status.success() {
        return Err(ListError::Failed {
            status: answer.status,
            last_words: answer.last_words,
        });
    }
    let text = String::from_utf8_lossy(&answer.output);
    let read = |line: &str| {
        serde_json::from_str(line).map_err(|error| ListError::Line {
            error,
            line: line.chars().take(SHOWN_CHARACTERS).collect(),
        })
    };
    text.lines().map(read).collect()
}

/// The cases of two programs, matched by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matched {
    /// The cases that both have, in the order of the head and with its limits and thresholds.
    pub both: Vec<ListedCase>,
    /// The cases that only one has.
    pub missing: Vec<MissingCase>,
    /// The cases that have the same name on both sides but different definitions.
    pub different: Vec<(ListedCase, SideError)>,
}

/// Matches the cases of two programs by name.
pub(crate) fn match_up(base: &[ListedCase], head: Vec<ListedCase>) -> Matched {
    let mut matched = Matched {
        both: Vec::new(),
        missing: Vec::new(),
        different: Vec::new(),
    };
    let ids = |cases: &[ListedCase]| cases.iter().map(|one| one.case.id()).collect::<Vec<_>>();
    let (base_ids, head_ids) = (ids(base), ids(&head));
    let missing = |id: &String, side| MissingCase {
        id: id.clone(),
        side,
        error: None,
    };
    for (listed, id) in head.into_iter().zip(&head_ids) {
        match base_ids.iter().position(|other| other == id) {
            None => matched.missing.push(missing(id, Side::Base)),
            Some(index) if base[index].case == listed.case => matched.both.push(listed),
            Some(index) => {
                let error = defined_differently(&base[index].case, &listed.case);
                matched.different.push((listed, error));
            }
        }
    }
    let gone = base_ids.iter().filter(|id| !head_ids.contains(id));
    matched
        .missing
        .extend(gone.map(|id| missing(id, Side::Head)));
    matched
}

fn defined_differently(base: &Case, head: &Case) -> SideError {
    let shown = |case: &Case| {
        let options = serde_json::to_string(&case.options).unwrap_or_default();
        format!("{} with options {options}", case.parameters)
    };
    work_differs(format!(
        "the two sides define the case differently: base {}, head {}",
        shown(base),
        shown(head)
    ))
}

/// The error of two sides that do not do the same work.
pub(super) fn work_differs(message: String) -> SideError {
    SideError {
        side: None,
        error: CaseError::new(ErrorKind::WorkDiffers, message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(workload: &str, steps: u64, threshold_ratio: Option<f64>) -> ListedCase {
        let parameters = json!({"pattern": {"kind": "chain", "steps": steps}});
        let case = json!({"workload": workload, "backend": "serial", "workers": 1, "parameters": parameters});
        ListedCase {
            case: serde_json::from_value(case).unwrap(),
            timeout_ns: None,
            task_timeout_ns: None,
            retry_limit: 0,
            threshold_ratio,
            certified_optimum_ns: None,
            can_pin: true,
        }
    }

    #[test]
    fn cases_are_the_same_missing_or_different() {
        let base = [
            listed("same", 1, None),
            listed("gone", 1, None),
            listed("changed", 1, None),
        ];
        let head = vec![
            listed("new", 1, None),
            listed("changed", 2, None),
            listed("same", 1, Some(0.03)),
        ];
        let matched = match_up(&base, head);
        // The threshold is that of the head.
        assert_eq!(matched.both, [listed("same", 1, Some(0.03))]);
        let missing: Vec<_> = matched
            .missing
            .iter()
            .map(|one| (one.id.as_str(), one.side))
            .collect();
        assert_eq!(
            missing,
            [("new/serial/1", Side::Base), ("gone/serial/1", Side::Head)]
        );
        let [(different, error)] = &matched.different[..] else {
            panic!("exactly one case differs");
        };
        assert_eq!(different.case.workload, "changed");
        assert_eq!(error.error.kind.name(), "work-differs");
        assert!(error.error.message.contains("\"steps\":2"));
    }
}
