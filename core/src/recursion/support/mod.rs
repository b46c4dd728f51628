//! Shared by programs that sort.

pub(super) mod array;
