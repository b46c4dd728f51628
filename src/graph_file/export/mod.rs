//! Task graphs to files that other tools read, and that [`import`](super::import) reads back.

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
    /// The format has no way to say it.
    #[error("{0}")]
    Inexpressible(String),
}

/// Writes `graph`, which is called `name` in the file if the format has a place for that.
///
/// But for STG, durations are written as the nearest floating point number, which is exact for whole nanoseconds up to
/// 2^51 of them (26 days).
///
/// # Errors
///
/// When `out` fails, or the format cannot express the graph: WfFormat has no workflow without tasks, and DOT no name
/// that ends with a `\` or has one before a quote or the end of a line.
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

/// A duration in its unit, of its billionths.
fn in_units(billionths: u64) -> f64 {
    billionths as f64 / 1e9
}
