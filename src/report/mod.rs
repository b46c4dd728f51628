//! From records to what people read. Never runs anything.
//!
//! [`read()`] takes records from disk, [`Report::new`] computes a view model from them, and what is left
//! only words or draws that: [`tables`] for a terminal, and one file an exporter in [`EXPORTERS`].

mod build;
pub mod chronicle;
mod efficiency;
mod error;
mod exporter;
pub mod format;
mod group;
mod heading;
mod load;
mod model;
mod picture;
mod schedule;
mod table;
mod verdict;
mod words;

pub use error::ReportError;
pub use exporter::{EXPORTERS, Exporter, HTML, PNG, SVG, write};
pub use format::{FORMATS, Format, MARKDOWN};
pub use heading::Heading;
pub use load::{LoadMap, Stretch};
pub use model::{ALPHA, Curve, Group, LIMIT, Measured, Report, Row, RowOutcome, SERIAL, Sweep};
pub use schedule::Schedule;
pub use table::{styled_tables, tables};
pub use verdict::{bound_or_not, change, styled_verdicts};

#[cfg(test)]
mod tests;
