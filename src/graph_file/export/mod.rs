//! Writes task graphs to files that other tools read, and that [`import`](super::import) can read back.

use std::io::{self, Write};

use super::GraphFormat;
use super::import::Imported;

mod dot;
mod stg;
mod wfformat;

/// Why a graph could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The format cannot express the graph.
    #[error("{0}")]
    Inexpressible(String),
}

/// Writes `graph`. `name` is its name in the file if the format has one.
///
/// Except in STG, durations are written as the nearest floating-point number. This is exact for whole nanoseconds up
/// to 2^51 (26 days).
///
/// # Errors
///
/// If `out` fails, or if the format cannot express the graph: WfFormat has no workflow without tasks, and DOT has no
/// name with a `\` at its end, before a quote or at the end of a line.
pub fn write(
    format: GraphFormat,
    name: &str,
    graph: &Imported,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    match format {
        GraphFormat::WfFormat => wfformat::write(name, graph, out),
        GraphFormat::Dot => dot::write(graph, out),
        GraphFormat::Stg => stg::write(graph, out),
    }
}

/// Converts a duration from billionths of its unit to its unit.
fn in_units(billionths: u64) -> f64 {
    billionths as f64 / 1e9
}
