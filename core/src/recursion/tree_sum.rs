use super::recursive::{KnownResult, Recursion, Splitting};

/// The sum over a balanced binary tree. A task adds the number of its node, from 1 at the root, to the sums of its two
/// children, which takes a few nanoseconds.
#[derive(Debug)]
pub struct TreeSum {
    /// The number of levels; at least 1.
    pub levels: u64,
}

impl Recursion for TreeSum {
    type State = [u64; 1];

    fn root(&self, _: u64) -> Self::State {
        [1]
    }

    #[inline]
    fn split(&self, [node]: &mut Self::State) -> Splitting {
        // The nodes of the last level have numbers with as many bits as there are levels.
        match *node >> (self.levels - 1) {
            0 => Splitting::Children(2),
            _ => Splitting::Leaf(*node),
        }
    }

    #[inline]
    fn child(&self, [node]: &Self::State, index: u32) -> Self::State {
        [2 * node + u64::from(index)]
    }

    #[inline]
    fn combine(&self, [node]: &Self::State, sum: u64) -> u64 {
        node.wrapping_add(sum)
    }

    fn known(&self) -> KnownResult {
        let node_count = (1 << self.levels) - 1;
        KnownResult {
            // The product is below 2^64.
            value: Some(node_count * (node_count + 1) / 2),
            task_count: Some(node_count),
        }
    }
}
