//! Stores finished pairs on disk, so that an interrupted gate loses nothing.
//!
//! The file is JSON Lines. The first line is the [`Header`], and each further line is a finished [`Pair`] or a failure.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{GatePlan, ListedCase, Pair};
use crate::compare::{Build, SideError};
use crate::input;
use crate::record::{Host, RecordFile, Resumable, difference, whole_len};

/// The version of the format.
pub(crate) const PAIRS_VERSION: u32 = 2;

/// The lines before the first pair.
const HEADING_COUNT: usize = 1;

/// What all pairs of a file share. A gate may continue only if none of it has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// [`PAIRS_VERSION`] of the program that wrote it.
    pub pairs_version: u32,
    /// How the pairs are measured.
    pub plan: GatePlan,
    /// What is compared against.
    pub base: Build,
    /// What is judged.
    pub head: Build,
    /// The cases, each with its threshold.
    pub cases: Vec<(ListedCase, f64)>,
    /// The machine.
    pub host: Host,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogLine {
    Gate(Box<Header>),
    Pair(Pair),
    Failure(FailedCase),
    /// The time limit was reached before all planned pairs, and the cases were judged by the pairs before this line.
    JudgedEarly(JudgedEarly),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct JudgedEarly {}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FailedCase {
    case: String,
    is_control: bool,
    error: SideError,
}

/// A file of pairs that is being written, and its earlier content.
#[derive(Debug)]
pub(crate) struct PairLog {
    file: RecordFile,
    pairs: HashMap<(String, bool, u64), Pair>,
    failures: HashMap<(String, bool), SideError>,
    was_judged: bool,
    cut_off_line: Option<usize>,
}

/// Why a file of pairs cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// It cannot be read or written.
    #[error("cannot write to {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// A line is invalid.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// The file.
        path: String,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Another gate wrote it.
    #[error("{path} was written by another gate: {what}")]
    Changed {
        /// The file.
        path: String,
        /// What differs.
        what: String,
    },
}

impl PairLog {
    /// Creates a file at `path`, with its header. An existing file is renamed.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(crate) fn create(path: &Path, header: &Header) -> Result<Self, LogError> {
        let mut file =
            RecordFile::create(path, HEADING_COUNT).map_err(|error| unusable(path, error))?;
        file.append(&LogLine::Gate(Box::new(header.clone())))
            .map_err(|error| unusable(path, error))?;
        Ok(Self {
            file,
            pairs: HashMap::new(),
            failures: HashMap::new(),
            was_judged: false,
            cut_off_line: None,
        })
    }

    /// Reads the header of the file at `path`; `None` if there is no file, or it is empty.
    ///
    /// # Errors
    ///
    /// If it cannot be read or does not begin with a header.
    pub(crate) fn header(path: &Path) -> Result<Option<Header>, LogError> {
        let text = match input::read_file(path, input::most_bytes()).map_err(io::Error::from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text.map_err(|error| unusable(path, error))?,
        };
        header_of(path, &lines(&text[..whole_len(&text)]))
    }

    /// Continues the file at `path`, or creates it if there is none. The file is read before it is changed. A truncated
    /// last line is then removed.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written, a line is invalid, or a gate with another header wrote it.
    pub(crate) fn resume(path: &Path, header: &Header) -> Result<Self, LogError> {
        let found = Resumable::read(path).map_err(|error| unusable(path, error))?;
        let lines = lines(found.text());
        let Some(before) = header_of(path, &lines)? else {
            drop(found);
            return Self::create(path, header);
        };
        if let Some(what) = change(&before, header) {
            let path = path.display().to_string();
            return Err(LogError::Changed { path, what });
        }
        let mut pairs = HashMap::new();
        let mut failures = HashMap::new();
        let mut was_judged = false;
        for (index, line) in lines.iter().enumerate().skip(HEADING_COUNT) {
            match parse(path, index, line)? {
                LogLine::Gate(_) => {
                    return Err(bad_line(
                        path,
                        index,
                        "a file must not have a second header",
                    ));
                }
                LogLine::Pair(pair) => {
                    pairs.insert((pair.case.clone(), pair.is_control, pair.index), pair);
                }
                LogLine::JudgedEarly(_) => was_judged = true,
                LogLine::Failure(failed) => {
                    failures.insert((failed.case, failed.is_control), failed.error);
                }
            }
        }
        Ok(Self {
            cut_off_line: found.cut_off_line(),
            file: found.go_on().map_err(|error| unusable(path, error))?,
            pairs,
            failures,
            was_judged,
        })
    }

    /// The number of finished pairs that it began with.
    pub(crate) fn pair_count(&self) -> usize {
        self.pairs.len()
    }

    /// The number of the truncated line that was removed, from 1.
    pub(crate) fn cut_off_line(&self) -> Option<usize> {
        self.cut_off_line
    }

    /// Whether it was judged at its time limit, so that no pair may be added.
    pub(crate) fn was_judged(&self) -> bool {
        self.was_judged
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The earlier result of this pair, if it was finished or its case was given up.
    pub(super) fn find(
        &self,
        case: &str,
        is_control: bool,
        index: u64,
    ) -> Option<Result<Pair, SideError>> {
        let pair = self.pairs.get(&(case.to_owned(), is_control, index));
        let failure = || self.failures.get(&(case.to_owned(), is_control));
        let pair = pair.map(|pair| Ok(pair.clone()));
        pair.or_else(|| failure().map(|error| Err(error.clone())))
    }

    /// Records that the time limit was reached before all planned pairs, and the cases are judged by the existing ones.
    /// More pairs would need a second look.
    pub(super) fn note_judged_early(&mut self) -> io::Result<()> {
        match self.was_judged {
            true => Ok(()),
            false => self.file.append(&LogLine::JudgedEarly(JudgedEarly {})),
        }
    }

    /// Appends the result of a pair.
    pub(super) fn append(
        &mut self,
        case: &str,
        is_control: bool,
        result: &Result<Pair, SideError>,
    ) -> io::Result<()> {
        self.file.append(&match result {
            Ok(pair) => LogLine::Pair(pair.clone()),
            Err(error) => LogLine::Failure(FailedCase {
                case: case.to_owned(),
                is_control,
                error: error.clone(),
            }),
        })
    }
}

fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().map(str::to_owned).collect()
}

/// Parses the header in the first of these lines, if there are any.
fn header_of(path: &Path, lines: &[String]) -> Result<Option<Header>, LogError> {
    let Some(line) = lines.first() else {
        return Ok(None);
    };
    match parse(path, 0, line)? {
        LogLine::Gate(header) => Ok(Some(*header)),
        LogLine::Pair(_) | LogLine::Failure(_) | LogLine::JudgedEarly(_) => {
            Err(bad_line(path, 0, "expected the header of a gate"))
        }
    }
}

fn parse(path: &Path, index: usize, line: &str) -> Result<LogLine, LogError> {
    let version = |line: &str| -> Option<u64> {
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        json["gate"]["pairs_version"].as_u64()
    };
    if let Some(other) = version(line).filter(|found| *found != u64::from(PAIRS_VERSION)) {
        let problem =
            format!("its version is {other}, but this program reads only version {PAIRS_VERSION}");
        return Err(bad_line(path, index, problem));
    }
    serde_json::from_str(line)
        .map_err(|error| bad_line(path, index, format!("this is not a pair: {error}")))
}

fn bad_line(path: &Path, index: usize, problem: impl Into<String>) -> LogError {
    LogError::Line {
        path: path.display().to_string(),
        line: index + 1,
        problem: problem.into(),
    }
}

fn unusable(path: &Path, error: io::Error) -> LogError {
    LogError::File {
        path: path.display().to_string(),
        error,
    }
}

/// Describes the first part of a header that has changed.
fn change(before: &Header, now: &Header) -> Option<String> {
    let parts = [
        ("its plan", difference(&before.plan, &now.plan)),
        ("the base binary", difference(&before.base, &now.base)),
        ("the head binary", difference(&before.head, &now.head)),
        (
            "its cases or their thresholds",
            difference(&before.cases, &now.cases),
        ),
        (
            "the machine",
            difference(&before.host.lasting(), &now.host.lasting()),
        ),
    ];
    let changed = parts.into_iter().find_map(|(what, how)| Some((what, how?)));
    changed.map(|(what, how)| format!("{what} changed: {how}"))
}
