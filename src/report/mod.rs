//! From records to what people read. Never runs anything.
//!
//! [`Report::new`] computes a view model from records, and what is left only words or draws that: [`tables`] for a terminal, and one file an exporter in [`EXPORTERS`].

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
pub mod units;
mod verdict;
mod words;

#[cfg(test)]
mod test;

pub use efficiency::{Curve, Sweep};
pub use error::ReportError;
pub use exporter::{EXPORTERS, Exporter, HTML, PNG, SVG, write};
pub use format::{FORMATS, Format, MARKDOWN};
pub use heading::Heading;
pub use load::{LoadMap, Stretch};
pub use model::{ALPHA, Group, LIMIT, Measured, Outcome, Report, Row, SERIAL};
pub use schedule::Schedule;
pub use table::{styled_tables, tables};
pub use verdict::{bound_or_not, change, styled_verdicts};
