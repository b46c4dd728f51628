use super::support::recursive::{RecursiveKind, count, nothing};
use crate::recursion::{RecursiveProgram, TreeSum};

/// The sum over a balanced binary tree.
pub const TREE_SUM: RecursiveKind = RecursiveKind {
    name: "tree-sum",
    why: "recursion: a few nanoseconds of work per node of a binary tree: what does a join cost?",
    parameters: &[count(
        "levels",
        "levels of the tree, which has 2^levels - 1 nodes",
        (1, 32),
        10,
    )],
    cut_off: None,
    byte_len: nothing,
    program: |given| {
        Ok(RecursiveProgram::TreeSum(TreeSum {
            levels: given.count("levels"),
        }))
    },
};
