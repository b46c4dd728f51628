//! Refuses records that do not belong in one report.

use std::collections::HashMap;
use std::fmt::Display;

use super::Record;
use crate::diagnostic::Diagnostic;

/// Two records that do not belong in one report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MixedError {
    /// Both are records of the same case.
    #[error("{first} and {second} are both records of the case `{case}`")]
    SameCase {
        /// The place of the first record.
        first: String,
        /// The place of the second record.
        second: String,
        /// The id of the case.
        case: String,
    },
    /// They come from different machines, commits or builds.
    #[error("{} and {} do not belong in one report: their {what} is {} and {}", first.0, second.0, first.1, second.1)]
    OtherOrigin {
        /// What differs.
        what: &'static str,
        /// The place of the first record, and its value.
        first: (String, String),
        /// The place of the second record, and its value.
        second: (String, String),
    },
}

impl Diagnostic for MixedError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::SameCase { .. } => "give only one of the two, or create one report for each",
            Self::OtherOrigin { .. } => "create one report for each",
        };
        Some(help.into())
    }
}

/// Checks that these records belong in one report: each case occurs once, and all come from one machine, one commit and
/// one build. A ranking with results from two machines or two versions would say nothing about backends. Each record
/// comes with its place, for the message.
///
/// # Errors
///
/// The first two records that do not belong in one report, and why.
pub(crate) fn refuse_mixed<'a, P: Display>(
    records: impl IntoIterator<Item = (P, &'a Record)>,
) -> Result<(), MixedError> {
    let mut seen = HashMap::new();
    let mut origin: Option<(String, &Record)> = None;
    for (place, record) in records {
        let place = place.to_string();
        if let Some((first_place, first)) = &origin {
            refuse_other_origin((first_place, first), (&place, record))?;
        } else {
            origin = Some((place.clone(), record));
        }
        let id = record.case.id();
        if let Some(first) = seen.insert(id.clone(), place.clone()) {
            return Err(MixedError::SameCase {
                first,
                second: place,
                case: id,
            });
        }
    }
    Ok(())
}

fn refuse_other_origin(first: (&str, &Record), second: (&str, &Record)) -> Result<(), MixedError> {
    let differing = origin(first.1)
        .into_iter()
        .zip(origin(second.1))
        .find(|(a, b)| a != b);
    match differing {
        None => Ok(()),
        Some(((what, a), (_, b))) => Err(MixedError::OtherOrigin {
            what,
            first: (first.0.into(), a),
            second: (second.0.into(), b),
        }),
    }
}

/// The values that must be the same in all records of a report, with their names.
fn origin(record: &Record) -> [(&'static str, String); 6] {
    let host = &record.host;
    [
        ("processor", host.processor.clone()),
        ("share of the machine", host.cores()),
        ("system", host.kernel.clone()),
        ("toolchain", host.toolchain.clone()),
        ("version of taskdyno", host.taskdyno.clone()),
        ("commit", record.commit_name()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Commit;
    use crate::record::fixture::case;

    fn complaint(records: &[Record]) -> Option<String> {
        let places = (1..).map(|line| format!("r.jsonl:{line}"));
        let error = refuse_mixed(places.zip(records)).err()?;
        Some(error.to_string())
    }

    #[test]
    fn cases_that_differ_in_anything_are_not_mixed() {
        let base = || case("empty", "rayon", 2).record();
        let mut records = vec![base(); 7];
        records[1].case.workload = "other".into();
        records[2].case.variant = "width=8".into();
        records[3].case.backend = "tokio".into();
        records[4].case.workers = 3;
        records[5].case.continuation = Some("inline".into());
        records[6].case.pin = true;
        assert_eq!(complaint(&records), None);
        assert_eq!(complaint(&[]), None);
    }

    #[test]
    fn the_same_case_twice_names_both_places() {
        let mut record = case("empty", "rayon", 2).variant("width=8").record();
        record.case.continuation = Some("inline".into());
        record.case.pin = true;
        let message = complaint(&[case("empty", "serial", 1).record(), record.clone(), record]);
        insta::assert_snapshot!(message.unwrap(), @"r.jsonl:2 and r.jsonl:3 are both records of the case `empty/width=8/rayon/2+inline+pin`");
    }

    #[test]
    fn two_machines_or_commits_name_both() {
        let first = case("empty", "rayon", 1).record();
        let mut other = case("empty", "rayon", 2).record();
        other.host.core_count = 64;
        insta::assert_snapshot!(complaint(&[first.clone(), other]).unwrap(), @"r.jsonl:1 and r.jsonl:2 do not belong in one report: their share of the machine is 2 cores and 64 cores");
        let mut other = case("empty", "rayon", 2).record();
        other.commit = Some(Commit {
            hash: "0ff1ce".into(),
            dirty: false,
        });
        insta::assert_snapshot!(complaint(&[first.clone(), other]).unwrap(), @"r.jsonl:1 and r.jsonl:2 do not belong in one report: their commit is c0ffee0123456789c0ffee0123456789c0ffee01 and 0ff1ce");
        let mut changed = case("empty", "rayon", 2).record();
        changed.commit.as_mut().unwrap().dirty = true;
        insta::assert_snapshot!(complaint(&[first, changed]).unwrap(), @"r.jsonl:1 and r.jsonl:2 do not belong in one report: their commit is c0ffee0123456789c0ffee0123456789c0ffee01 and c0ffee0123456789c0ffee0123456789c0ffee01 (dirty)");
    }
}
