//! What a record is the measurement of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A cell of the matrix: a workload, a backend and a number of workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Case {
    /// The name of the workload.
    pub workload: String,
    /// The swept parameters of this case, as `key=value` joined by commas; empty if nothing is swept.
    #[serde(default)]
    pub variant: String,
    /// The name of the backend.
    pub backend: String,
    /// How many tasks may run at once.
    pub workers: u32,
    /// The number of threads in each process, if the workers were given as processes with threads, such as `2x3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_threads: Option<u32>,
    /// Every parameter of the workload, swept or not: the `pattern` table and the `kernel` table.
    pub parameters: Value,
    /// `queue` or `inline`; null for backends without the choice.
    #[serde(default)]
    pub continuation: Option<String>,
    /// Whether worker `i` was bound to core `i` modulo the number of cores.
    #[serde(default)]
    pub pin: bool,
    /// All options that the backend has.
    #[serde(default)]
    pub options: BTreeMap<String, Value>,
}

impl Case {
    /// The name of the case on the command line: `workload/variant/backend/workers`, without the variant if nothing is
    /// swept, and followed by `+inline` and `+pin` if these were given. The workers are a number, or processes with
    /// threads such as `2x3`.
    pub fn id(&self) -> String {
        let mut id = self.workload.clone();
        for part in [&self.variant, &self.backend] {
            if !part.is_empty() {
                id += "/";
                id += part;
            }
        }
        id += &format!("/{}", self.shape());
        if self.continuation.as_deref() == Some("inline") {
            id += "+inline";
        }
        if self.pin {
            id += "+pin";
        }
        id
    }

    /// The workers as they were given: a number, or processes with threads such as `2x3`.
    pub(crate) fn shape(&self) -> String {
        let threads = self.process_threads;
        // A record that others wrote may have any number of threads, also none.
        match threads.and_then(|threads| Some((self.workers.checked_div(threads)?, threads))) {
            Some((processes, threads)) => format!("{processes}x{threads}"),
            None => self.workers.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::record::fixture::case;

    #[test]
    fn ids_say_how_many_threads_a_process_has() {
        let mut case = case("empty", "fork-threads", 4).record().case;
        assert_eq!(case.id(), "empty/fork-threads/4");
        case.process_threads = Some(2);
        case.pin = true;
        assert_eq!(case.id(), "empty/fork-threads/2x2+pin");
        // A record that others wrote may have any number.
        case.process_threads = Some(0);
        assert_eq!(case.id(), "empty/fork-threads/4+pin");
    }
}
