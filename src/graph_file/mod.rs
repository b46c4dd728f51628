//! Readers and writers of task graphs in the file formats of other tools.

pub(crate) mod export;
mod format;
pub(crate) mod import;

pub use format::GraphFormat;
