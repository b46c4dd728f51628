//! A graph from a graph file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::graph::TaskGraph;
use crate::graph_file::import::{self, ImportError, Imported};
use crate::pattern::Size;

/// The accepted scales: from immeasurably short to impractically long durations.
pub(super) const SCALES: std::ops::RangeInclusive<f64> = 1e-12..=1e6;

/// A graph in a file, with what a previous read found there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileGraph {
    /// The path of the file, relative to the current folder.
    pub file: PathBuf,
    /// The factor for all durations. In a file whose durations have no unit, a duration of 1 is one second before
    /// scaling.
    pub scale: f64,
    /// Whether all edges are reversed, because those in the file point from a task to the tasks that it depends on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverse: bool,
    /// The first 16 hexadecimal digits of the SHA-256 of the file. They identify the content.
    pub sha256: String,
    /// The number of tasks.
    pub task_count: u32,
    /// The number of dependences.
    pub edge_count: u32,
}

/// The result of the first read of a graph file.
pub(super) struct Opened {
    pub(super) graph: FileGraph,
    pub(super) has_durations: bool,
    /// Notes for the author of the workload, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Why the graph in a file could not be built.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file does not exist, or does not contain a valid graph.
    #[error("{0}; {help}", help = .0.help())]
    Import(#[from] ImportError),
    /// The file has changed.
    #[error(
        "{}: changed since the workload was read: its SHA-256 begins with {found}, not {expected}; \
         start the run again",
        file.display()
    )]
    Changed {
        /// The file.
        file: PathBuf,
        /// The expected first digits of its SHA-256.
        expected: String,
        /// The actual first digits.
        found: String,
    },
}

impl FileGraph {
    /// Reads the file at `file` for the first time. `reverse` is the value in the workload file, if it has one.
    ///
    /// # Errors
    ///
    /// If the file does not exist, or does not contain a valid graph.
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
            // Ids of tasks and of edges have 32 bits.
            task_count: imported.graph.task_count() as u32,
            edge_count: imported.graph.edge_count() as u32,
        };
        let mut notes = imported.notes;
        // If the workload file states the direction of the edges, no hint is needed.
        let sign = imported.depends_on_sign.filter(|_| reverse.is_none());
        notes.extend(sign.map(|sign| {
            format!(
                "{sign}: if its edges point from a task to the tasks that it depends on, write `reverse = true` next to \
                 `file`, otherwise `reverse = false`"
            )
        }));
        Ok(Opened {
            graph,
            has_durations: imported.durations.is_some(),
            notes,
        })
    }

    /// The number of tasks and edges.
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
    /// If the file no longer exists, or has changed.
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

/// Converts a duration from billionths of the file's unit to nanoseconds. The unit is a second, or unknown and then
/// counted as a second. Durations beyond 584 years become 584 years.
fn scaled(billionths: u64, scale: f64) -> u64 {
    // With a scale of one, integers keep the duration exact. A floating-point number would lose digits beyond 2^53.
    match scale {
        1.0 => billionths,
        _ => (billionths as f64 * scale).round() as u64,
    }
}

/// The graph in a file, with reversed edges if requested, and the first digits of the SHA-256 of its bytes.
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
