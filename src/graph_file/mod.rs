//! Readers and writers of task graphs in the file formats of other tools.

pub mod export;
pub mod import;
