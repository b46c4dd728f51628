use super::support::fork_join;
use super::{DEPTH, Pattern, Size};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// Divide and conquer: each task forks two tasks, `depth` levels deep, and the results are joined in pairs.
pub const BINARY_TREE: BinaryTree = BinaryTree;

/// See [`BINARY_TREE`].
#[derive(Debug)]
pub struct BinaryTree;

impl Pattern for BinaryTree {
    fn name(&self) -> &'static str {
        "binary-tree"
    }

    fn why(&self) -> &'static str {
        "divide and conquer: fork in two down to the leaves, then join in pairs"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[DEPTH]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        fork_join::size(parameters.count("depth"), 2)
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        fork_join::build(parameters.count("depth"), 2)
    }
}
