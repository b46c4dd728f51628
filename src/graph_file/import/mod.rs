//! Reads task graphs from files of other tools.
//!
//! | module | its job |
//! |---|---|
//! | `wfformat`, `stg`, `dot` | turns the text of one format into a draft |
//! | `draft` | turns names and dependences in the order of a file into a [`TaskGraph`], or finds a cycle in them |
//! | `refusal` | says what is wrong, in which file and line, and what to do |
//!
//! A file may be hostile. Reading takes memory in proportion to the size of the file, which is at most
//! [`largest_bytes`], and time in proportion to that size and the logarithm of a sort. Nothing here is recursive, so
//! no nesting is too deep.

use std::io::Read;
use std::path::Path;

use super::GraphFormat;
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

/// The largest file, in bytes, that is read on this machine: 512 MiB, or 1/32 of the available memory if that is
/// less. A DOT file with short names takes some 30 bytes of memory per byte. The limit also keeps a device that
/// never ends from filling the memory.
pub(crate) fn largest_bytes() -> u64 {
    largest_bytes_within(usable_memory_bytes())
}

fn largest_bytes_within(memory_bytes: u64) -> u64 {
    (memory_bytes / 32).min(1 << 29)
}

/// A task graph and what its file says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The graph. Its tasks have the order of the file if that is topological. Otherwise sources come first, and
    /// then each task as soon as its last predecessor has been numbered. The predecessors of a task are in ascending
    /// order.
    pub graph: TaskGraph,
    /// The name of each task in the file. Names are unique.
    pub names: Vec<String>,
    /// The duration of each task in billionths of `unit`; `None` if the file states no durations.
    pub durations: Option<Vec<u64>>,
    /// The unit of the durations in the file.
    pub unit: Unit,
    /// How the graph differs from what the file says, one sentence per difference. The user must see these notes.
    pub notes: Vec<String>,
    /// A sign that the edges of the file point from a task to what it needs, and not to what waits for it, which is
    /// how they are read. It may be wrong. `None` if there is no sign.
    pub depends_on_sign: Option<String>,
}

impl Imported {
    /// The same graph with every edge reversed. The caller asked for this, so `depends_on_sign` is cleared.
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

/// The unit of the durations in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, so that a billionth is a nanosecond.
    Seconds,
    /// The file states no unit.
    None,
}

/// Reads the file at `path`. Its extension determines the format.
///
/// # Errors
///
/// If the file cannot be read, or does not hold one acyclic graph of its format with valid durations. The message
/// names the file, the line and the task.
pub fn read(path: &Path) -> Result<Imported, ImportError> {
    let (format, bytes) = load(path)?;
    parse(format, &path.display().to_string(), &bytes)
}

/// Loads the file at `path` for [`parse`]. Returns its format, determined by its extension, and its bytes.
///
/// # Errors
///
/// If no format has this extension, or if the file cannot be read or is too large.
pub(crate) fn load(path: &Path) -> Result<(GraphFormat, Vec<u8>), ImportError> {
    let format = GraphFormat::of(path).ok_or_else(|| {
        let name = path.display().to_string();
        ImportError::new(&name, "", unknown_format())
    })?;
    Ok((format, load_any(path)?))
}

/// Loads the bytes of the file at `path`, whatever its extension, for [`parse`].
///
/// # Errors
///
/// If the file cannot be read or is too large.
pub(crate) fn load_any(path: &Path) -> Result<Vec<u8>, ImportError> {
    let read = input::read_file(path, largest_bytes());
    read.map_err(|error| ImportError::new(&path.display().to_string(), "", unreadable(&error)))
}

/// Loads the bytes of a stream, for [`parse`]; `name` is its name in messages.
///
/// # Errors
///
/// If the stream cannot be read or is too long.
pub(crate) fn load_stream(name: &str, stream: impl Read) -> Result<Vec<u8>, ImportError> {
    let read = input::read_stream(stream, largest_bytes());
    read.map_err(|error| ImportError::new(name, "", unreadable(&error)))
}

/// Parses a loaded file of this format; `name` is its name in messages.
///
/// # Errors
///
/// As for [`read`].
pub fn parse(format: GraphFormat, name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    let text = to_text(name, bytes).map_err(|refusal| ImportError::new(name, "", refusal))?;
    let draft = match format {
        GraphFormat::WfFormat => wfformat::parse(text),
        GraphFormat::Stg => stg::parse(text),
        GraphFormat::Dot => dot::parse(text),
    };
    draft
        .and_then(draft::Draft::finish)
        .map_err(|refusal| ImportError::new(name, text, refusal))
}

fn unknown_format() -> Refusal {
    let known = GraphFormat::ALL.map(|format| {
        let extensions: Vec<_> = format
            .extensions()
            .iter()
            .map(|e| format!(".{e}"))
            .collect();
        format!("{} for {format}", extensions.join(" or "))
    });
    Refusal::new(
        "unknown file extension",
        format!(
            "give the file the extension of its format ({}), or give `graph info` and `graph export` the format with `--from`",
            known.join(", ")
        ),
    )
}

fn unreadable(error: &ReadError) -> Refusal {
    let help = match error {
        ReadError::Io(_) => "check the path and its permissions",
        ReadError::Device => "use a file or a pipe",
        ReadError::TooLong(_) => {
            "use a part of the graph, or leave out what is not needed to run it, such as files and commands; a machine \
             with more memory reads up to 512 MiB"
        }
    };
    Refusal::new(format!("cannot be read: {error}"), help)
}

/// Converts `bytes` to text, without a byte order mark.
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

/// The longest duration in the unit of a file: 584 years if the unit is a second.
const LONGEST: f64 = u64::MAX as f64 / 1e9;

/// Converts the `duration` of a task to billionths.
///
/// Exact for whole nanoseconds up to 2^51, which is 26 days: up to there the two roundings of a floating-point
/// number (of the decimal fraction, and of the product) are together below half a nanosecond.
fn billionths(duration: f64, task: impl FnOnce() -> String) -> Result<u64, Refusal> {
    let wrong = if duration.is_nan() || duration.is_infinite() {
        "is not finite".to_owned()
    } else if duration < 0.0 {
        "is negative".to_owned()
    } else if duration >= LONGEST {
        format!("is beyond the longest duration, {LONGEST:.0}")
    } else {
        return Ok((duration * 1e9).round() as u64);
    };
    Err(Refusal::new(
        format!("the duration of {} is {duration}, which {wrong}", task()),
        "a duration is a number of at least 0",
    ))
}

/// The durations of all tasks, or `None` if no task has one. If only some have one, the error is `refuse` of the
/// first task without one.
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
