//! Turns records and comparisons into what people and other tools read. Never runs anything.
//!
//! [`Report::new`] computes a view model from records. Everything else only renders it: [`styled_overview`]
//! and [`styled_tables`] for a terminal, and one exporter per entry in [`EXPORTERS`] for files. [`FORMATS`] holds the formats of other tools.

mod answer;
mod build;
pub(crate) mod chronicle;
mod claim_table;
mod efficiency;
mod error;
mod exporter;
pub(crate) mod format;
mod group;
mod heading;
mod latency;
mod load;
mod model;
mod overview;
mod page;
mod picture;
mod rank_facts;
mod rows;
mod schedule;
mod table;
mod timelines;
mod verdict;
mod words;
mod worker_cpu;

pub(crate) use exporter::{EXPORTERS, Exporter, HTML, write, write_page};
pub(crate) use format::{FORMATS, Format, MARKDOWN};
pub(crate) use model::{LIMIT, Report, SERIAL};
pub(crate) use overview::styled_overview;
pub(crate) use page::Page;
pub(crate) use rows::{CaseRow, csv as rows_as_csv, markdown_tables};
pub(crate) use table::styled_tables;
pub(crate) use timelines::timelines;
pub(crate) use verdict::{bound_or_not, change, styled_verdicts};

#[cfg(test)]
mod tests;
