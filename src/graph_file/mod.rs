//! Readers and writers of task graphs in the file formats of other tools.

pub mod export;
mod format;
pub mod import;

pub use format::GraphFormat;
