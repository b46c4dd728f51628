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
use std::io::Read;
use std::path::Path;

use crate::graph::TaskGraph;
use crate::input::{self, ReadError};
use crate::system::memory::usable_memory_bytes;

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
    /// What was read in another way than the file says, a sentence each. Whoever reads the file is to be told.
    pub notes: Vec<String>,
    /// What suggests that an edge of the file points from a task to what it needs, and not to what waits for it, which is
    /// how it is read. It may be wrong.
    pub depends_on_sign: Option<String>,
}

impl Imported {
    /// The same tasks, each before those that came before it. That was asked for, so what suggests it is gone.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.names.reverse();
        if let Some(durations) = &mut self.durations {
            durations.reverse();
        }
        Self {
            graph: self.graph.reversed(),
            depends_on_sign: None,
            ..self
        }
    }
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
    /// WfFormat of WfCommons, schema versions 1.0 to 1.6: scientific workflows as JSON.
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
    let format = Format::of(path).ok_or_else(|| {
        let name = path.display().to_string();
        ImportError::new(&name, "", unknown_format())
    })?;
    Ok((format, load_any(path)?))
}

/// The bytes of the file at `path`, whatever its name says about its format, for [`parse`].
///
/// # Errors
///
/// When the file cannot be read or is too large.
pub fn load_any(path: &Path) -> Result<Vec<u8>, ImportError> {
    let read = input::read_file(path, largest_bytes());
    read.map_err(|error| ImportError::new(&path.display().to_string(), "", unreadable(&error)))
}

/// The bytes of a stream, for [`parse`]; `name` is its name in messages.
///
/// # Errors
///
/// When it cannot be read or is too long.
pub fn load_stream(name: &str, stream: impl Read) -> Result<Vec<u8>, ImportError> {
    let read = input::read_stream(stream, largest_bytes());
    read.map_err(|error| ImportError::new(name, "", unreadable(&error)))
}

/// Reads a file of this format that was loaded already; `name` is its name in messages.
///
/// # Errors
///
/// As [`read`].
pub fn parse(format: Format, name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    let text = to_text(name, bytes).map_err(|refusal| ImportError::new(name, "", refusal))?;
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
            "give the file the extension of its format: {}; or tell `graph info` and `graph export` with `--from`",
            known.join(", ")
        ),
    )
}

fn unreadable(error: &ReadError) -> Refusal {
    let help = match error {
        ReadError::Io(_) => "check the path, and whether you may read it",
        ReadError::Device => "give a file, or a pipe",
        ReadError::TooLong(_) => {
            "take a part of the graph, or leave out what is not needed to run it, such as files and commands; a machine \
             with more memory reads up to 512 MiB"
        }
    };
    Refusal::new(format!("cannot be read: {error}"), help)
}

/// The text in `bytes`, without a byte order mark.
fn to_text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Refusal> {
    let text = input::text(name, bytes).map_err(|foreign| {
        let before = &bytes[..foreign.offset];
        let line = before.split(|byte| *byte == b'\n').count();
        Refusal::new(format!("line {line} {}", foreign.what), foreign.help)
    })?;
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
}
