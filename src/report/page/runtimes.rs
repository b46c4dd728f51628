//! What the programs of external backends said of themselves, such as the transport of messages.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{Record, Runtime};
use crate::report::rank_facts::MESSAGE_DETAILS;

/// What a program said of itself, in the same words for all these backends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageRuntime {
    /// The backends, each with its numbers of workers, such as `mpi (1, 2)`.
    pub backends: Vec<String>,
    /// The implementation of its language or library, and the version.
    pub runtime: String,
    /// Facts that affect the times, by name.
    pub details: BTreeMap<String, String>,
}

/// The programs of all records that name facts of their own, in the order of the records.
pub(super) fn runtimes(records: &[Record]) -> Vec<PageRuntime> {
    let mut seen: Vec<(Runtime, Vec<(&str, String)>)> = Vec::new();
    for record in records {
        let Some(mut runtime) = record.runtime.clone() else {
            continue;
        };
        // METG over ranks has the median of them.
        let is_measured = |name: &str| name.starts_with(MESSAGE_DETAILS);
        runtime.details.retain(|name, _| !is_measured(name));
        // The builds of this program are in the heading.
        if runtime.details.is_empty() || runtime.runtime == "taskdyno" {
            continue;
        }
        let case = (record.case.backend.as_str(), record.case.shape());
        match seen.iter_mut().find(|(other, _)| *other == runtime) {
            Some((_, cases)) if cases.contains(&case) => {}
            Some((_, cases)) => cases.push(case),
            None => seen.push((runtime, vec![case])),
        }
    }
    let page = |(runtime, cases): (Runtime, Vec<(&str, String)>)| PageRuntime {
        backends: of_backends(&cases),
        runtime: format!("{} {}", runtime.runtime, runtime.version),
        details: runtime.details,
    };
    seen.into_iter().map(page).collect()
}

/// Each backend once, with its numbers of workers.
fn of_backends(cases: &[(&str, String)]) -> Vec<String> {
    let mut by_backend: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (backend, shape) in cases {
        by_backend.entry(backend).or_default().push(shape);
    }
    let of = by_backend.into_iter();
    of.map(|(backend, shapes)| format!("{backend} ({})", shapes.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    #[test]
    fn programs_that_say_the_same_are_named_once() {
        let record = |backend: &str, workers, transport: Option<&str>| {
            let mut record = case("fine", backend, workers).record();
            let details = transport
                .iter()
                .map(|text| ("transport".into(), (*text).into()));
            record.runtime = Some(Runtime {
                protocol_version: 2,
                language: "rust".into(),
                runtime: "MPICH".into(),
                version: "4.0".into(),
                details: details.collect(),
            });
            record
        };
        let mut measured = record("mpi", 2, Some("shared memory"));
        let runtime = measured.runtime.as_mut().unwrap();
        runtime
            .details
            .insert("message_gap_ns".into(), "12.3".into());
        let records = [
            measured,
            record("mpi", 1, Some("shared memory")),
            record("mpi", 2, Some("shared memory")),
            record("mpi", 2, Some("shared memory")),
            record("mpi", 4, Some("tcp")),
            record("quiet", 1, None),
            case("fine", "rayon", 2).record(),
        ];
        let found = runtimes(&records);
        let said: Vec<(&[String], &str)> = found
            .iter()
            .map(|one| (&one.backends[..], one.details["transport"].as_str()))
            .collect();
        let (first, second) = (["mpi (2, 1)".to_owned()], ["mpi (4)".to_owned()]);
        assert_eq!(said, [(&first[..], "shared memory"), (&second[..], "tcp")]);
        assert_eq!(found[0].runtime, "MPICH 4.0");
    }
}
