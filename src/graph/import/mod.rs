//! Task graphs from files of other tools.
//!
//! | module | its job |
//! |---|---|
//! | `wfformat`, `stg`, `dot` | the text of one format to a draft |
//! | `draft` | names and dependences in the order of a file: to a [`TaskGraph`], or to the circle in them |
//! | `refusal` | what is wrong, in which file and line, and what to do |
//!
//! A file may be hostile. What is read takes memory in proportion to the file, which is at most
//! [`largest_bytes`] long, and time in proportion to that but for the logarithm of a sort. Nothing here calls
//! itself, so that no nesting is too deep.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::TaskGraph;
use crate::memory::usable_memory_bytes;

mod dot;
mod draft;
mod refusal;
mod stg;
mod wfformat;

pub use refusal::ImportError;
use refusal::Refusal;

/// The largest file that is read on this machine: 512 MiB, or a 32nd of the memory that there is if that is less. A DOT file of short
/// names takes some 30 bytes of memory for each byte of it. The limit also keeps the path of a device that never ends
/// from filling memory.
pub fn largest_bytes() -> u64 {
    largest_bytes_within(usable_memory_bytes())
}

fn largest_bytes_within(memory_bytes: u64) -> u64 {
    (memory_bytes / 32).min(1 << 29)
}

/// A task graph with what its file says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The graph. Its tasks are numbered as they stand in the file if that is a topological order. Otherwise
    /// sources come first, and every other task as soon as its last predecessor has been numbered. The
    /// predecessors of a task are in ascending order.
    pub graph: TaskGraph,
    /// The name of each task in the file, each once.
    pub names: Vec<String>,
    /// The duration of each task in billionths of `unit`, if the file states durations.
    pub durations: Option<Vec<u64>>,
    /// What a duration of one is in the file.
    pub unit: Unit,
}

/// What the durations of a file are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, so that a billionth is a nanosecond.
    Seconds,
    /// The file does not say.
    None,
}

/// A file format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// WfFormat of WfCommons, schema versions 1.4 and 1.5: scientific workflows as JSON.
    WfFormat,
    /// The Standard Task Graph Set of the Kasahara laboratory.
    Stg,
    /// The language of Graphviz, with the durations as attributes of the nodes.
    Dot,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::WfFormat, Self::Stg, Self::Dot];

    /// The extensions that files of this format have.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::WfFormat => &["json"],
            Self::Stg => &["stg"],
            Self::Dot => &["dot", "gv"],
        }
    }

    /// The format of the file at `path`, by its extension in any case; `None` if no format has it.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| {
            let mut all = format.extensions().iter();
            all.any(|one| one.eq_ignore_ascii_case(extension))
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WfFormat => "WfFormat",
            Self::Stg => "STG",
            Self::Dot => "DOT",
        })
    }
}

/// Reads the file at `path`; its extension tells the format.
///
/// # Errors
///
/// When the file cannot be read, or does not hold one acyclic graph of its format with sound durations. The message
/// names the file, the line and the task.
pub fn read(path: &Path) -> Result<Imported, ImportError> {
    let (format, bytes) = load(path)?;
    parse(format, &path.display().to_string(), &bytes)
}

/// The format that the extension of the file at `path` tells, and its bytes, for [`parse`].
///
/// # Errors
///
/// When no format has this extension, or the file cannot be read or is too large.
pub fn load(path: &Path) -> Result<(Format, Vec<u8>), ImportError> {
    let name = path.display().to_string();
    let in_file = |refusal: Refusal| ImportError::new(&name, "", refusal);
    let format = Format::of(path).ok_or_else(|| in_file(unknown_format()))?;
    Ok((format, read_bytes(path, largest_bytes()).map_err(in_file)?))
}

/// Reads a file of this format that was loaded already; `name` is its name in messages.
///
/// # Errors
///
/// As [`read`].
pub fn parse(format: Format, name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    let text = to_text(bytes).map_err(|refusal| ImportError::new(name, "", refusal))?;
    let draft = match format {
        Format::WfFormat => wfformat::parse(text),
        Format::Stg => stg::parse(text),
        Format::Dot => dot::parse(text),
    };
    draft
        .and_then(draft::Draft::finish)
        .map_err(|refusal| ImportError::new(name, text, refusal))
}

fn unknown_format() -> Refusal {
    let known = Format::ALL.map(|format| {
        let extensions: Vec<_> = format
            .extensions()
            .iter()
            .map(|e| format!(".{e}"))
            .collect();
        format!("{} for {format}", extensions.join(" or "))
    });
    Refusal::new(
        "the name does not tell the format",
        format!(
            "give the file the extension of its format: {}",
            known.join(", ")
        ),
    )
}

fn read_bytes(path: &Path, largest_bytes: u64) -> Result<Vec<u8>, Refusal> {
    let cannot = |error: io::Error| {
        let help = "check the path, and whether you may read it";
        Refusal::new(format!("cannot be read: {error}"), help)
    };
    let file = File::open(path).map_err(cannot)?;
    let byte_len = file.metadata().map_err(cannot)?.len().min(largest_bytes);
    let mut bytes = Vec::with_capacity(byte_len as usize);
    file.take(largest_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > largest_bytes {
        return Err(Refusal::new(
            format!(
                "the file has more than {largest_bytes} bytes, the most that is read on this machine"
            ),
            "take a part of the graph, or leave out what is not needed to run it, such as files and commands; \
             a machine with more memory reads up to 512 MiB",
        ));
    }
    Ok(bytes)
}

/// The text in `bytes`, without a byte order mark.
fn to_text(bytes: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()]
            .split(|byte| *byte == b'\n')
            .count();
        Refusal::new(
            format!("line {line} is not text in UTF-8"),
            "expected a text file; if it is compressed, unpack it first",
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        let help = "expected a task graph; fetch or write the file again";
        return Err(Refusal::new("the file is empty", help));
    }
    Ok(text)
}

/// The longest duration in the unit of a file: 584 years if that is a second.
const LONGEST: f64 = u64::MAX as f64 / 1e9;

/// `duration` of a task in billionths.
///
/// Exact for whole nanoseconds up to 2^51 of them, which is 26 days: up to there the two roundings of a floating
/// point number (of the decimal fraction, and of the product) are below half a nanosecond together.
fn billionths(duration: f64, task: impl FnOnce() -> String) -> Result<u64, Refusal> {
    let wrong = if duration.is_nan() || duration.is_infinite() {
        "is not finite".to_owned()
    } else if duration < 0.0 {
        "is negative".to_owned()
    } else if duration >= LONGEST {
        format!("is beyond {LONGEST:.0}, the longest that can be counted")
    } else {
        return Ok((duration * 1e9).round() as u64);
    };
    Err(Refusal::new(
        format!("the duration of {} is {duration}, which {wrong}", task()),
        "a duration is a number from 0 up",
    ))
}

/// The durations of all tasks, or `None` if no task has one. `refuse` is told of the first one without, if others have
/// one.
fn all_or_none(
    durations: Vec<Option<u64>>,
    refuse: impl FnOnce(usize) -> Refusal,
) -> Result<Option<Vec<u64>>, Refusal> {
    if durations.iter().all(Option::is_none) {
        return Ok(None);
    }
    if let Some(without) = durations.iter().position(Option::is_none) {
        return Err(refuse(without));
    }
    Ok(Some(durations.into_iter().flatten().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_reads_smaller_files() {
        assert_eq!(largest_bytes_within(4 << 30), 128 << 20);
        assert_eq!(largest_bytes_within(1 << 50), 512 << 20);
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused_with_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.dot");
        std::fs::write(&path, "digraph {}").unwrap();
        assert_eq!(read_bytes(&path, 10).unwrap().len(), 10);
        let refusal = read_bytes(&path, 9).unwrap_err();
        let error = ImportError::new("x.dot", "", refusal).to_string();
        let expected =
            "x.dot: the file has more than 9 bytes, the most that is read on this machine";
        assert_eq!(error, expected);
    }
}
