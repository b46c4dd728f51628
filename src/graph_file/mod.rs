//! Task graphs in files of other tools: readers and writers.

pub mod export;
mod format;
pub mod import;

pub use format::GraphFormat;
