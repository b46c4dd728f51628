//! Where the traced runs of cases are written.

use std::path::{Path, PathBuf};

use super::protocol::TraceTarget;
use crate::record::{Record, slug};

/// The folder for the files of traced runs, beside the records.
pub(crate) struct TraceFolder {
    /// The folder of the records, as an absolute path.
    folder: PathBuf,
    /// The name of the folder in it.
    name: String,
}

impl TraceFolder {
    /// The folder that belongs to the file of records at `records`, which exists.
    ///
    /// # Errors
    ///
    /// If its folder cannot be found.
    pub(crate) fn beside(records: &Path) -> std::io::Result<Self> {
        // A child must find it too, wherever it works.
        let records = records.canonicalize()?;
        let stem = records.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: format!("{stem}.traces"),
            folder: records.parent().unwrap_or(Path::new("/")).into(),
        })
    }

    /// The file for the case of `record`. Records of other times have other files, so what an older record names is never
    /// replaced.
    pub(super) fn file(&self, record: &Record) -> TraceFile {
        let id = record.case.id();
        let unique = crc32fast::hash(format!("{id} {}", record.started_at).as_bytes());
        let name = format!("{}/{}.{unique:08x}.trace", self.name, slug(&id));
        TraceFile {
            path: self.folder.join(&name),
            name,
        }
    }
}

/// The file for one case.
pub(super) struct TraceFile {
    path: PathBuf,
    /// The path from the folder of the records.
    name: String,
}

impl TraceFile {
    /// What the child is asked for.
    pub(super) fn request(&self, record: &Record) -> TraceTarget {
        TraceTarget {
            path: self.path.to_string_lossy().into_owned(),
            started_at: record.started_at.clone(),
        }
    }

    /// Writes into the record where the file is, or why there is none: the child says `why_not`.
    pub(super) fn note(&self, record: &mut Record, why_not: Option<String>, is_external: bool) {
        let why_not = match (why_not, self.path.is_file()) {
            (None, true) => None,
            (Some(why_not), _) => Some(why_not),
            (None, false) if is_external => Some(
                "another program drives this backend, and such programs do not write traces".into(),
            ),
            (None, false) => Some("the process of the case wrote no file".into()),
        };
        record.trace_file = why_not.is_none().then(|| self.name.clone());
        record.no_trace_file = why_not;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture;

    #[test]
    fn a_record_names_its_file_or_the_reason_why_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let records = folder.path().join("records.jsonl");
        std::fs::write(&records, "").unwrap();
        let traces = TraceFolder::beside(&records).unwrap();
        let mut record = fixture::case("hash", "rayon", 2).record();
        let file = traces.file(&record);
        file.note(&mut record, None, false);
        assert_eq!(record.trace_file, None);
        assert!(record.no_trace_file.as_ref().unwrap().contains("no file"));
        file.note(&mut record, None, true);
        let reason = record.no_trace_file.as_ref().unwrap();
        assert!(reason.contains("another program"), "{reason}");

        let path = folder.path().join(&file.name);
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        file.note(&mut record, None, false);
        assert_eq!(record.no_trace_file, None);
        let name = record.trace_file.clone().unwrap();
        assert!(name.starts_with("records.traces/hash-rayon-2."), "{name}");
        file.note(&mut record, Some("the disk is full".into()), false);
        assert_eq!(record.trace_file, None);

        record.started_at = "2027-01-01T00:00:00Z".into();
        assert_ne!(traces.file(&record).name, name, "another run");
    }
}
