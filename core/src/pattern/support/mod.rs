//! What several patterns share. None of it is a pattern.

pub(super) mod fork_join;
pub(super) mod grid;
