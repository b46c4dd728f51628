//! What several patterns share. None of it is a pattern.

pub(super) mod grid;
