use super::support::recursive::{HALVES, RecursiveKind, count};
use crate::recursion::{Mergesort, RecursiveProgram};

/// Sorts an array by merging sorted halves.
pub const MERGESORT: RecursiveKind = RecursiveKind {
    name: "mergesort",
    why: "recursion: sorts an array in shared memory; tasks work after their children",
    parameters: &[
        count("len", "elements to sort", (1, 1 << 32), 20_000),
        count(
            "cut_off",
            "the most elements sorted without spawning",
            (2, 1 << 32),
            1000,
        ),
    ],
    cut_off: Some(HALVES),
    byte_len: |given| 2 * 8 * given.count("len"),
    program: |given| {
        let (len, cut_off) = (given.count("len"), given.count("cut_off"));
        Mergesort::new(len as usize, cut_off as usize).map(RecursiveProgram::Mergesort)
    },
};
