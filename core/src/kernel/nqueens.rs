use super::support::recursive::{RecursiveKind, count, nothing};
use crate::recursion::{NQueens, RecursiveProgram};

/// The ways to place queens on a board so that none attacks another.
pub const NQUEENS: RecursiveKind = RecursiveKind {
    name: "nqueens",
    why: "recursion: counts how queens can stand on a board; tasks have several children, or none",
    parameters: &[
        count("n", "queens, rows and columns", (1, 32), 9),
        count("rows", "rows whose queens are placed by tasks", (0, 32), 4),
    ],
    cut_off: None,
    byte_len: nothing,
    program: |given| {
        Ok(RecursiveProgram::NQueens(NQueens {
            n: given.count("n"),
            rows: given.count("rows"),
        }))
    },
};
