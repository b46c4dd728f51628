use super::support::recursive::{RecursiveKind, count, nothing};
use crate::recursion::{RecursiveProgram, Skynets};

/// Tasks that spawn ten tasks each, and a sum over the last level.
pub const SKYNET: RecursiveKind = RecursiveKind {
    name: "skynet",
    why: "recursion: every task spawns ten others, down to the last level, and all of them are counted",
    parameters: &[count(
        "levels",
        "levels of tasks that spawn ten others each",
        (0, 9),
        3,
    )],
    cut_off: None,
    byte_len: nothing,
    program: |given| {
        Ok(RecursiveProgram::Skynet(Skynets {
            levels: given.count("levels"),
        }))
    },
};
