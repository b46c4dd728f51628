use super::{DEPTH, Pattern, Size, fork_join};
use crate::graph::{GraphError, TaskGraph};
use crate::parameter::{Parameter, Parameters};

/// Divide and conquer, both ways: each task forks two, `depth` times over, and what was forked is joined in pairs.
pub const BINARY_TREE: BinaryTree = BinaryTree;

/// See [`BINARY_TREE`].
#[derive(Debug)]
pub struct BinaryTree;

impl Pattern for BinaryTree {
    fn name(&self) -> &'static str {
        "binary-tree"
    }

    fn why(&self) -> &'static str {
        "divide and conquer: fork in two down to the leaves, and join in pairs on the way up"
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
