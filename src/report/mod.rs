//! Turns records and comparisons into what people and other tools read. Never runs anything.
//!
//! [`Report::new`] computes a view model from records. Everything else only renders it: [`tables`] for a terminal, and
//! one exporter per entry in [`EXPORTERS`] for files. [`FORMATS`] holds the formats of other tools.

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
