//! Writes task graphs to files that other tools read, and that [`import`](super::import) can read back.

use std::io::{self, Write};

use super::import::Imported;

mod dot;
mod stg;
mod wfformat;

/// A file format for export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// WfFormat 1.5 of WfCommons. Durations without a unit are written as seconds.
    WfFormat,
    /// DOT, the language of Graphviz, with durations as the attribute `duration`. The unit is not written.
    Dot,
    /// The Standard Task Graph Set. Its costs are whole numbers: multiples of 1, 0.001, 0.000001 or 0.000000001 of
    /// the unit, whichever is the largest that makes all durations whole. If a cost would then exceed 2^31 - 1, the
    /// smallest that keeps all costs below this limit is used, and durations are rounded to the nearest. A comment
    /// in the file states the choice. Two dummies are added, unless the first and the last task already are dummies.
    /// Names are not written, and tasks without durations cost 1.
    Stg,
}

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
    format: Format,
    name: &str,
    graph: &Imported,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    match format {
        Format::WfFormat => wfformat::write(name, graph, out),
        Format::Dot => dot::write(graph, out),
        Format::Stg => stg::write(graph, out),
    }
}

/// Converts a duration from billionths of its unit to its unit.
fn in_units(billionths: u64) -> f64 {
    billionths as f64 / 1e9
}
