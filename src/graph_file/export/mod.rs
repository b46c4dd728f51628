//! Task graphs to files that other tools read, and that [`import`](super::import) reads back.

use std::io::{self, Write};

use super::import::Imported;

mod dot;
mod stg;
mod wfformat;

/// A file format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// WfFormat 1.5 of WfCommons. Durations without a unit become seconds.
    WfFormat,
    /// The language of Graphviz, with durations as the attribute `duration`. Their unit is not written.
    Dot,
    /// The Standard Task Graph Set. Its costs are whole numbers: of 1, 0.001, 0.000001 or 0.000000001 of the unit, the
    /// largest in which all durations are whole. Where a cost would be beyond 2^31 - 1 then, it is the smallest in which
    /// none is, and durations are rounded to the nearest. A comment says what it is. Two dummies are added unless the
    /// first and the last task are such already. Names are not written, and tasks without durations cost 1.
    Stg,
}

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

/// A duration in its unit, of its billionths.
fn in_units(billionths: u64) -> f64 {
    billionths as f64 / 1e9
}
