use super::support::recursive::{RecursiveKind, count, nothing};
use crate::kernel::CutOff;
use crate::recursion::{Fib, RecursiveProgram};

/// The Fibonacci numbers by their definition, with a cut-off.
pub const FIB: RecursiveKind = RecursiveKind {
    name: "fib",
    why: "recursion: Fibonacci numbers by their definition, the textbook case of spawn and join",
    parameters: &[
        count("n", "which number", (0, 80), 27),
        count(
            "cut_off",
            "the largest number computed without spawning",
            (1, 80),
            12,
        ),
    ],
    cut_off: Some(CutOff {
        parameter: "cut_off",
        next: |cut_off| cut_off - 1,
    }),
    byte_len: nothing,
    program: |given| {
        Ok(RecursiveProgram::Fib(Fib {
            n: given.count("n"),
            cut_off: given.count("cut_off"),
        }))
    },
};
