//! Why a case failed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::WorkerDeath;

/// Why a case failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CaseError {
    /// The kind of failure. FORMAT.md lists the names.
    pub kind: ErrorKind,
    /// What happened, as text for people.
    pub message: String,
    /// The task that it concerns, if any.
    #[serde(default)]
    pub task: Option<u64>,
    /// The worker process that died, if its death is the error.
    #[serde(default)]
    pub death: Option<WorkerDeath>,
}

impl CaseError {
    /// An error that concerns no particular task.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            task: None,
            death: None,
        }
    }
}

/// Makes [`ErrorKind`] from its variants and their names.
macro_rules! error_kinds {
    ($($(#[$meaning:meta])+ $kind:ident = $name:literal,)+) => {
        /// What kind of failure ended a case.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(from = "String", into = "String")]
        #[cfg_attr(feature = "schema", schemars(with = "String", inline))]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$meaning])+ $kind,)+
            /// A kind that this version of taskdyno does not know, with its name.
            Other(String),
        }

        impl ErrorKind {
            /// The names of all kinds that this version knows.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The name in records.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)+
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for ErrorKind {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Self::$kind,)+
                    other => Self::Other(other.into()),
                }
            }
        }
    };
}

error_kinds! {
    /// A task ran before one of its inputs was available.
    MissingInput = "missing-input",
    /// A task ran twice, or was lost in the previous run.
    NotOnce = "not-once",
    /// A task did not run.
    LostTask = "lost-task",
    /// The dependents of a task were not counted down exactly once.
    Miscounted = "miscounted",
    /// The outputs are not those of a serial run.
    WrongDigest = "wrong-digest",
    /// The kernel's own check failed.
    KernelCheck = "kernel-check",
    /// A run was faster than the shortest possible schedule.
    BeatBound = "beat-bound",
    /// The processes of the case used more CPU time than the reported wall time allows.
    WallTooShort = "wall-too-short",
    /// A task received a byte that differs from the one that its predecessor wrote.
    WrongPayload = "wrong-payload",
    /// The kernel panicked.
    Panic = "panic",
    /// A worker process died, and its task had no retries left.
    WorkerDied = "worker-died",
    /// The backend failed.
    Backend = "backend",
    /// The case's process died.
    Killed = "killed",
    /// The case did not end in time and was killed.
    Timeout = "timeout",
    /// The user interrupted the case.
    Cancelled = "cancelled",
    /// The case could not be prepared.
    SetUp = "set-up",
    /// `--pin` was given, but the workers of the backend are not bound to cores.
    NotBound = "not-bound",
    /// The cases of a sweep do not fit into memory together.
    Memory = "memory",
    /// Parent and child did not understand each other.
    Protocol = "protocol",
    /// The two sides of a gate do not do the same work.
    WorkDiffers = "work-differs",
    /// A compared record has neither an error nor valid samples.
    NoSamples = "no-samples",
}

impl From<String> for ErrorKind {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl From<ErrorKind> for String {
    fn from(kind: ErrorKind) -> Self {
        kind.name().into()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names in the first column of FORMAT.md's table of kinds.
    fn documented() -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FORMAT.md");
        let text = fs::read_to_string(path).unwrap();
        let rows = text
            .lines()
            .skip_while(|line| !line.starts_with("| `error.kind` |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let names = rows.map(|row| row.split('`').nth(1).unwrap().to_owned());
        names.collect()
    }

    #[test]
    fn the_format_describes_every_kind_and_no_other() {
        let documented = documented();
        let names: BTreeSet<_> = documented.iter().map(String::as_str).collect();
        assert_eq!(names, ErrorKind::NAMES.iter().copied().collect());
        assert_eq!(names.len(), documented.len(), "a kind has two rows");
    }

    #[test]
    fn a_kind_is_its_name_in_json() {
        for name in ErrorKind::NAMES {
            let kind: ErrorKind = serde_json::from_value((*name).into()).unwrap();
            assert!(!matches!(kind, ErrorKind::Other(_)), "{name}");
            assert_eq!(serde_json::to_value(&kind).unwrap(), *name);
        }
    }

    #[test]
    fn a_kind_of_another_version_is_kept() {
        let kind: ErrorKind = serde_json::from_str("\"invented-later\"").unwrap();
        assert_eq!(kind, ErrorKind::Other("invented-later".into()));
        assert_eq!(serde_json::to_string(&kind).unwrap(), "\"invented-later\"");
    }
}
