//! Task graphs in files of other tools: readers and writers.

pub mod export;
pub mod import;
