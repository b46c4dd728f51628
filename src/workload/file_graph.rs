//! A graph that stands in a file of its own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::graph::TaskGraph;
use crate::graph_file::import::{self, ImportError, Imported};
use crate::pattern::Size;

/// A graph in a file, with what is known of it without reading it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileGraph {
    /// Where the file is, from the folder that the program was started in.
    pub file: PathBuf,
    /// What durations are multiplied with. One in a file whose durations have no unit stands for a second.
    pub scale: f64,
    /// Whether its edges point from a task to what it needs, and are turned round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverse: bool,
    /// The first 16 hexadecimal digits of the SHA-256 of the file. With another content it is another graph.
    pub sha256: String,
    /// How many tasks it has.
    pub task_count: u32,
    /// How many dependences it has.
    pub edge_count: u32,
}

/// A graph file that was read for the first time.
pub(super) struct Opened {
    pub(super) graph: FileGraph,
    pub(super) has_durations: bool,
    /// What whoever wrote the workload is to be told.
    pub(super) notes: Vec<String>,
}

/// Why the graph of a file could not be built.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is not there, or holds no graph.
    #[error("{0}; {help}", help = .0.help())]
    Import(#[from] ImportError),
    /// The file has changed.
    #[error(
        "{}: changed since the workload was read: its SHA-256 begins with {found} and not with {expected}; \
         start the run again",
        file.display()
    )]
    Changed {
        /// The file.
        file: PathBuf,
        /// The digits it should begin with.
        expected: String,
        /// The digits it begins with.
        found: String,
    },
}

impl FileGraph {
    /// Reads the file at `file` for the first time. `reverse` is what the workload says about it, if it does.
    ///
    /// # Errors
    ///
    /// When the file is not there, or holds no graph.
    pub(super) fn open(
        file: PathBuf,
        scale: f64,
        reverse: Option<bool>,
    ) -> Result<Opened, ImportError> {
        let is_reversed = reverse.unwrap_or(false);
        let (imported, sha256) = import(&file, is_reversed)?;
        let graph = Self {
            file,
            scale,
            reverse: is_reversed,
            sha256,
            // Ids have 32 bits, and so have the numbers of edges.
            task_count: imported.graph.task_count() as u32,
            edge_count: imported.graph.edge_count() as u32,
        };
        let mut notes = imported.notes;
        // Whoever has written down which way the edges point needs no hint.
        let sign = imported.depends_on_sign.filter(|_| reverse.is_none());
        notes.extend(sign.map(|sign| {
            format!(
                "{sign}: if its edges point from a task to what it needs, write `reverse = true` beside `file`, and \
                 `reverse = false` if not"
            )
        }));
        Ok(Opened {
            graph,
            has_durations: imported.durations.is_some(),
            notes,
        })
    }

    /// How large it is.
    pub(super) fn size(&self) -> Size {
        Size {
            task_count: self.task_count.into(),
            edge_count: self.edge_count.into(),
        }
    }

    /// Reads the file again.
    ///
    /// # Errors
    ///
    /// When it is not there any more, or has changed.
    pub(super) fn build(&self) -> Result<TaskGraph, FileError> {
        let (imported, sha256) = import(&self.file, self.reverse)?;
        if sha256 != self.sha256 {
            return Err(FileError::Changed {
                file: self.file.clone(),
                expected: self.sha256.clone(),
                found: sha256,
            });
        }
        let scaled = |durations: Vec<u64>| durations.into_iter().map(|one| scaled(one, self.scale));
        Ok(match imported.durations {
            Some(durations) => imported.graph.with_durations(scaled(durations).collect()),
            None => imported.graph,
        })
    }
}

/// A duration in nanoseconds from billionths of the unit of a file, which is a second if it has a name. Durations
/// beyond 584 years become 584 years.
fn scaled(billionths: u64, scale: f64) -> u64 {
    // Exact where the scale is one: a floating-point number would lose digits beyond 2^53.
    match scale {
        1.0 => billionths,
        _ => (billionths as f64 * scale).round() as u64,
    }
}

/// The graph in a file, turned round if asked for, and the beginning of the SHA-256 of its bytes.
fn import(file: &Path, reverse: bool) -> Result<(Imported, String), ImportError> {
    let (format, bytes) = import::load(file)?;
    let digest = Sha256::digest(&bytes);
    let sha256 = digest[..8].iter().map(|byte| format!("{byte:02x}"));
    let imported = import::parse(format, &file.display().to_string(), &bytes)?;
    let imported = match reverse {
        true => imported.reversed(),
        false => imported,
    };
    Ok((imported, sha256.collect()))
}
