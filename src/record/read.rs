//! Reads records from files.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::mixed::{MixedError, refuse_mixed};
use super::{OLDEST_SCHEMA_VERSION, Peak, Record, SCHEMA_VERSION, Sample};
use crate::diagnostic::Diagnostic;
use crate::input::{self, NotText, ReadError};

/// The name of a record file in the folder that `run` writes.
const FILE_NAME: &str = "records.jsonl";

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// A folder without records.
    #[error("the folder {} has no {FILE_NAME}", .0.display())]
    NoFile(PathBuf),
    /// A file that cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why it was not read.
        error: ReadError,
    },
    /// A file that is not text.
    #[error("{} {}", path.display(), what.what)]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: NotText,
    },
    /// A file without records.
    #[error("{} has no records", .0.display())]
    Empty(PathBuf),
    /// A truncated last line.
    #[error("{place} is incomplete: {error}")]
    CutOff {
        /// The file and the line.
        place: String,
        /// What the parser said.
        error: String,
        /// Whether it is the first record of the file.
        is_first: bool,
    },
    /// A line that is not a record.
    #[error("{place} is not a record: {error}")]
    NotARecord {
        /// The file and the line.
        place: String,
        /// What the parser said.
        error: String,
    },
    /// A record of another version.
    #[error(
        "{place} has schema_version {found}, and this program supports only {OLDEST_SCHEMA_VERSION} to {SCHEMA_VERSION}"
    )]
    UnknownVersion {
        /// The file and the line.
        place: String,
        /// The version.
        found: Value,
    },
    /// A sample without time or without runs, which has no ratio.
    #[error("{place}: sample {number}, counted from 0, has {key} 0")]
    EmptySample {
        /// The file and the line.
        place: String,
        /// The field that is 0.
        key: &'static str,
        /// The number of the sample, from 0.
        number: usize,
    },
    /// A peak with values that have no ratio.
    #[error(
        "{place} has a peak whose size, task_ns, least_task_count or efficiency_ratio is not above 0, or a probe with \
         wall_ns 0 or run_count 0"
    )]
    EmptyPeak {
        /// The file and the line.
        place: String,
    },
    /// Records that do not belong in one report.
    #[error(transparent)]
    Mixed(#[from] MixedError),
}

impl Diagnostic for RecordsError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoFile(_) => NAME_RECORDS,
            Self::Unreadable { error, .. } => unreadable_help(error),
            Self::NotText { what, .. } => return Some(what.help.clone()),
            Self::Empty(_) => "`taskdyno run` writes one record per case",
            // `run --resume` refuses it too, because nothing shows that this is a record file.
            Self::CutOff { is_first: true, .. } => {
                "no complete record comes before it: use `taskdyno run` without --resume to measure again"
            }
            Self::CutOff { .. } => {
                "`taskdyno run --resume` continues an interrupted run; or delete this last line"
            }
            Self::NotARecord { .. } => {
                "each line must be one record as JSON; FORMAT.md describes each field"
            }
            Self::UnknownVersion { .. } => {
                "read it with the version of taskdyno that wrote it, or measure again with this version"
            }
            Self::EmptySample { .. } => {
                "a sample must have at least one run and a time above 0: delete this line, and measure the case \
                 again; FORMAT.md describes each field"
            }
            Self::EmptyPeak { .. } => {
                "the sizes of a sweep must be above 0, and a probe must have at least one run and \
                 a time above 0; FORMAT.md describes each field"
            }
            Self::Mixed(error) => return error.help(),
        };
        Some(help.into())
    }
}

const NAME_RECORDS: &str = "name a record file, or the output folder of `taskdyno run --out`";

fn unreadable_help(error: &ReadError) -> &'static str {
    match error {
        ReadError::Device => NAME_RECORDS,
        ReadError::TooLong(_) => {
            "split the file between two lines; a machine with more memory can read larger files"
        }
        ReadError::Io(error) => match error.kind() {
            io::ErrorKind::NotFound => "`taskdyno run` writes reports/latest/records.jsonl",
            io::ErrorKind::PermissionDenied => "ask its owner for permission to read it",
            _ => "check the disk that it is on",
        },
    }
}

/// All records of these files, in order; at least one. A folder stands for its file `records.jsonl`. Blank lines and
/// unknown fields are ignored.
///
/// # Errors
///
/// If a file cannot be read, has no records, is truncated, or has a line that is not a record of a known version; or if
/// two records do not belong in one report (see `refuse_mixed`). The message names the file and the line, and the
/// help says what to do.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Record>, RecordsError> {
    let placed = read_placed(paths)?;
    refuse_mixed(placed.iter().map(|(place, record)| (place, record)))?;
    Ok(placed.into_iter().map(|(_, record)| record).collect())
}

/// Like [`read()`], from the `text` of the file at `path`. The result is empty if there are no records.
///
/// # Errors
///
/// As for [`read()`].
pub fn read_text(path: &Path, text: &[u8]) -> Result<Vec<Record>, RecordsError> {
    let placed = parse_all(path, text)?;
    refuse_mixed(placed.iter().map(|(place, record)| (place, record)))?;
    Ok(placed.into_iter().map(|(_, record)| record).collect())
}

/// Like [`read()`], but returns each record with its file and line, and accepts several sessions of a case and records
/// from several machines.
///
/// # Errors
///
/// As for [`read()`], except for records that do not belong in one report.
pub fn read_placed(paths: &[PathBuf]) -> Result<Vec<(String, Record)>, RecordsError> {
    let mut placed = Vec::new();
    for path in paths {
        placed.extend(read_file(&record_file(path)?)?);
    }
    Ok(placed)
}

fn record_file(path: &Path) -> Result<PathBuf, RecordsError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let file = path.join(FILE_NAME);
    if file.is_file() {
        return Ok(file);
    }
    Err(RecordsError::NoFile(path.into()))
}

fn read_file(path: &Path) -> Result<Vec<(String, Record)>, RecordsError> {
    let read = input::read_file(path, input::most_bytes());
    let bytes = read.map_err(|error| RecordsError::Unreadable {
        path: path.into(),
        error,
    })?;
    if let Some(what) = input::foreign(&path.display().to_string(), &bytes) {
        let path = path.into();
        return Err(RecordsError::NotText { path, what });
    }
    let records = parse_all(path, &bytes)?;
    if records.is_empty() {
        return Err(RecordsError::Empty(path.into()));
    }
    Ok(records)
}

fn parse_all(path: &Path, text: &[u8]) -> Result<Vec<(String, Record)>, RecordsError> {
    let mut records = Vec::new();
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let place = format!("{}:{}", path.display(), index + 1);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = parse(line, &place, records.is_empty())?;
        records.push((place, record));
    }
    Ok(records)
}

/// From this version on, the control loop is today's. The times of another loop must not be compared with it, so earlier
/// records are read as records without.
const CONTROL_LOOP_VERSION: u32 = 3;

/// The field that every version of the format has.
#[derive(Deserialize)]
struct Version {
    schema_version: Value,
}

fn parse(line: &[u8], place: &str, is_first: bool) -> Result<Record, RecordsError> {
    let version: Version = serde_json::from_slice(line).map_err(|error| {
        // As in a file that is resumed: only such a line is removed there.
        let is_cut_off = !line.ends_with(b"\n") && (error.is_eof() || line.ends_with(b"\0"));
        if !is_cut_off {
            not_a_record(place, &error)
        } else {
            RecordsError::CutOff {
                place: place.into(),
                error: without_line(&error),
                is_first,
            }
        }
    })?;
    let known = u64::from(OLDEST_SCHEMA_VERSION)..=u64::from(SCHEMA_VERSION);
    if !version
        .schema_version
        .as_u64()
        .is_some_and(|one| known.contains(&one))
    {
        return Err(RecordsError::UnknownVersion {
            place: place.into(),
            found: version.schema_version,
        });
    }
    let mut record: Record =
        serde_json::from_slice(line).map_err(|error| not_a_record(place, &error))?;
    if record.schema_version < CONTROL_LOOP_VERSION {
        record.calibrations.clear();
    }
    refuse_no_numbers(&record, place)?;
    Ok(record)
}

/// Refuses zeros whose ratio or logarithm would be infinite or not a number.
fn refuse_no_numbers(record: &Record, place: &str) -> Result<(), RecordsError> {
    let is_nothing = |sample: &Sample| sample.run_count == 0 || sample.wall_ns == 0;
    if let Some(number) = record.samples.iter().position(is_nothing) {
        let key = match record.samples[number].run_count {
            0 => "run_count",
            _ => "wall_ns",
        };
        return Err(RecordsError::EmptySample {
            place: place.into(),
            key,
            number,
        });
    }
    if record.peak.as_ref().is_some_and(|peak| !is_sound(peak)) {
        return Err(RecordsError::EmptyPeak {
            place: place.into(),
        });
    }
    Ok(())
}

fn is_sound(peak: &Peak) -> bool {
    peak.size > 0.0
        && peak.task_ns.is_none_or(|task_ns| task_ns > 0.0)
        && peak.least_task_count > 0
        && peak.efficiency_ratio > 0.0
        && peak
            .probes
            .iter()
            .all(|probe| probe.run_count > 0 && probe.wall_ns > 0)
}

fn not_a_record(place: &str, error: &serde_json::Error) -> RecordsError {
    RecordsError::NotARecord {
        place: place.into(),
        error: without_line(error),
    }
}

/// The message without " at line 1 column 7". Each line is parsed by itself, so this line number would be wrong in the
/// file.
fn without_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&position) {
        Some(message) => format!("{message}, column {}", error.column()),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::record::fixture::case;

    fn line(record: &Record) -> String {
        serde_json::to_string(record).unwrap() + "\n"
    }

    /// What `read` says about a file with these bytes: message and advice, with the folder left out.
    fn complaint(bytes: impl AsRef<[u8]>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        fs::write(&path, bytes).unwrap();
        let error = read(&[path]).unwrap_err();
        let advice = error.help().unwrap();
        let message = format!("{error} | {advice}");
        message.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn records_come_in_the_order_of_the_file() {
        let first = case("empty", "serial", 1).record();
        let second = case("empty", "rayon", 2).record();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        // The last line may do without its newline.
        let last = serde_json::to_string(&second).unwrap();
        write!(file, "\n{}  \n\r\n{last}", line(&first)).unwrap();
        let records = read(&[file.path().to_owned()]).unwrap();
        assert_eq!(records, [first, second]);
    }

    #[test]
    fn a_folder_stands_for_the_records_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let message = read(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(message.ends_with(" has no records.jsonl"), "{message}");
        let record = case("empty", "serial", 1).record();
        fs::write(path.join("records.jsonl"), line(&record)).unwrap();
        assert_eq!(read(&[path]).unwrap(), [record]);
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let record = case("empty", "serial", 1).record();
        let mut value = serde_json::to_value(&record).unwrap();
        value["invented_later"] = 7.into();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), value.to_string()).unwrap();
        assert_eq!(read(&[file.path().to_owned()]).unwrap(), [record]);
    }

    #[test]
    fn a_file_that_was_cut_off_says_where() {
        let whole = line(&case("empty", "serial", 1).record());
        let half = &line(&case("empty", "rayon", 1).record())[..100];
        insta::assert_snapshot!(complaint(format!("{whole}{half}")), @"r.jsonl:2 is incomplete: EOF while parsing a string, column 100 | `taskdyno run --resume` continues an interrupted run; or delete this last line");
    }

    #[test]
    fn a_last_line_that_no_writer_began_is_not_called_incomplete() {
        let whole = line(&case("empty", "serial", 1).record());
        insta::assert_snapshot!(complaint(format!("{whole}oops")), @"r.jsonl:2 is not a record: expected value, column 1 | each line must be one record as JSON; FORMAT.md describes each field");
        insta::assert_snapshot!(complaint(format!("{whole}\0\0")), @"r.jsonl:2 is incomplete: expected value, column 1 | `taskdyno run --resume` continues an interrupted run; or delete this last line");
    }

    #[test]
    fn a_first_record_that_was_cut_off_cannot_be_gone_on_from() {
        let half = &line(&case("empty", "rayon", 1).record())[..100];
        insta::assert_snapshot!(complaint(half), @"r.jsonl:1 is incomplete: EOF while parsing a string, column 100 | no complete record comes before it: use `taskdyno run` without --resume to measure again");
    }

    #[test]
    fn a_line_that_is_not_json_says_where() {
        let whole = line(&case("empty", "serial", 1).record());
        insta::assert_snapshot!(complaint(format!("{whole}{{oops}}\n{whole}")), @"r.jsonl:2 is not a record: key must be a string, column 2 | each line must be one record as JSON; FORMAT.md describes each field");
        insta::assert_snapshot!(complaint(b"\xff\n"), @"r.jsonl:1 is not a record: expected value, column 1 | each line must be one record as JSON; FORMAT.md describes each field");
    }

    #[test]
    fn an_unknown_version_says_which_is_known() {
        let mut record = case("empty", "serial", 1).record();
        record.schema_version = 99;
        insta::assert_snapshot!(complaint(line(&record)), @"r.jsonl:1 has schema_version 99, and this program supports only 1 to 3 | read it with the version of taskdyno that wrote it, or measure again with this version");
        insta::assert_snapshot!(complaint("{\"schema_version\": \"one\", \"case\": 3}"), @r#"r.jsonl:1 has schema_version "one", and this program supports only 1 to 3 | read it with the version of taskdyno that wrote it, or measure again with this version"#);
    }

    /// A record as version 1 wrote it: without the fields that version 2 added, and with another control loop.
    #[test]
    fn a_record_of_version_1_is_read() {
        let record = case("empty", "serial", 1).calibrated_us(200).record();
        let mut value = serde_json::to_value(&record).unwrap();
        value["schema_version"] = 1.into();
        let mut drop_from = |place: &str, fields: &[&str]| {
            let object = value.pointer_mut(place).unwrap().as_object_mut().unwrap();
            for field in fields {
                assert!(object.remove(*field).is_some(), "{place}/{field}");
            }
        };
        let added = ["family", "workload_why", "backend_why", "runtime", "usage"];
        drop_from("", &added);
        drop_from("/plan", &["warmup_run_count", "invocation_count"]);
        for index in 0..record.samples.len() {
            drop_from(&format!("/samples/{index}"), &["invocation"]);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), value.to_string()).unwrap();
        let read = read(&[file.path().to_owned()]).unwrap().remove(0);
        let expected = Record {
            schema_version: 1,
            calibrations: Vec::new(),
            ..record
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_missing_field_is_named() {
        insta::assert_snapshot!(complaint("{\"case\": 3}"), @"r.jsonl:1 is not a record: missing field `schema_version`, column 11 | each line must be one record as JSON; FORMAT.md describes each field");
        insta::assert_snapshot!(complaint("{\"schema_version\": 1}\n"), @"r.jsonl:1 is not a record: missing field `case`, column 21 | each line must be one record as JSON; FORMAT.md describes each field");
    }

    #[test]
    fn a_sample_of_no_runs_is_refused() {
        let mut record = case("empty", "serial", 1).record();
        record.samples[0].run_count = 0;
        insta::assert_snapshot!(complaint(line(&record)), @"r.jsonl:1: sample 0, counted from 0, has run_count 0 | a sample must have at least one run and a time above 0: delete this line, and measure the case again; FORMAT.md describes each field");
    }

    #[test]
    fn a_sample_of_no_time_is_refused() {
        let mut record = case("empty", "serial", 1).record();
        record.samples[4].wall_ns = 0;
        insta::assert_snapshot!(complaint(line(&record)), @"r.jsonl:1: sample 4, counted from 0, has wall_ns 0 | a sample must have at least one run and a time above 0: delete this line, and measure the case again; FORMAT.md describes each field");
    }

    #[test]
    fn a_probe_of_no_runs_is_refused() {
        let mut record = case("empty", "serial", 1).record();
        let probe = crate::record::Probe {
            wall_ns: 1,
            run_count: 0,
        };
        record.peak = Some(Peak {
            variant: String::new(),
            size_parameter: "iterations".into(),
            size: 1.0,
            task_ns: None,
            least_task_count: 1,
            efficiency_ratio: 0.5,
            probe_size: 1.0,
            probe_task_count: 1,
            probes: vec![probe],
        });
        insta::assert_snapshot!(complaint(line(&record)), @"r.jsonl:1 has a peak whose size, task_ns, least_task_count or efficiency_ratio is not above 0, or a probe with wall_ns 0 or run_count 0 | the sizes of a sweep must be above 0, and a probe must have at least one run and a time above 0; FORMAT.md describes each field");
        let mut sound = record.peak.take().unwrap();
        sound.probes.clear();
        let broken: [fn(&mut Peak); 5] = [
            |peak| peak.efficiency_ratio = -0.5,
            |peak| {
                peak.probes.push(crate::record::Probe {
                    wall_ns: 0,
                    run_count: 1,
                });
            },
            |peak| peak.size = 0.0,
            |peak| peak.task_ns = Some(-1.0),
            |peak| peak.least_task_count = 0,
        ];
        for breaks in broken {
            let mut peak = sound.clone();
            breaks(&mut peak);
            record.peak = Some(peak);
            assert!(complaint(line(&record)).contains("is not above 0"));
        }
    }

    #[test]
    fn latencies_that_are_no_histogram_are_refused() {
        let record = case("timer", "rayon", 2).latencies("lateness", [5, 130]);
        let whole = line(&record.record());
        for (broken, said) in [
            ("[131,1]", "the bucket of 131 ns begins at 130"),
            ("[4,1]", "expected ascending buckets, each once"),
            ("[130,0]", "the bucket of 130 ns has the count 0"),
            (
                "[132,1]",
                "`max_ns` is 130; expected a number from 132 to 133",
            ),
        ] {
            let complaint = complaint(whole.replace("[130,1]", broken));
            assert!(
                complaint.starts_with("r.jsonl:1 is not a record: "),
                "{complaint}"
            );
            assert!(complaint.contains(said), "{complaint}");
        }
    }

    #[test]
    fn an_empty_file_says_so() {
        insta::assert_snapshot!(complaint("\n\n"), @"r.jsonl has no records | `taskdyno run` writes one record per case");
    }

    #[test]
    fn a_file_that_is_compressed_says_so() {
        let said = complaint(b"\x1f\x8b\x08\0");
        assert!(
            said.starts_with("r.jsonl is compressed by gzip | unpack it first: "),
            "{said}"
        );
    }

    #[test]
    fn a_device_without_an_end_is_not_read() {
        let error = read(&["/dev/zero".into()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read /dev/zero: it is a device, not a file"
        );
    }

    #[test]
    fn a_missing_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(&[folder.path().join("none.jsonl")]).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("cannot read "), "{message}");
        assert!(message.contains("none.jsonl: No such file"), "{message}");
        let advice = error.help().unwrap();
        assert!(advice.contains("taskdyno run"), "{advice}");
    }

    #[test]
    fn the_same_case_in_two_files_names_both() {
        let folder = tempfile::tempdir().unwrap();
        let record = line(&case("empty", "serial", 1).record());
        let paths = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
        for path in &paths {
            fs::write(path, &record).unwrap();
        }
        let message = read(&paths).unwrap_err().to_string();
        assert!(message.contains("a.jsonl:1"), "{message}");
        assert!(message.contains("b.jsonl:1"), "{message}");
    }
}
