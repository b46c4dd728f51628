use sha1::{Digest, Sha1};

use super::recursive::{KnownResult, Recursion, Splitting};

/// An unbalanced tree: Olivier, Huan, Liu, Prins, Dinan, Sadayappan and Tseng, "UTS: an unbalanced tree search benchmark",
/// LCPC 2006. A node is a SHA-1 hash, which says how many children it has; a child hashes its parent and its own number.
/// The value is the number of nodes. Nobody can tell the size of a subtree without visiting it.
#[derive(Debug)]
pub struct Uts {
    /// How many children nodes have.
    pub shape: TreeShape,
    /// The seed of the root. The tree is the same in every run, so that its size can be compared with published ones.
    pub seed: u32,
}

/// How many children the nodes of an unbalanced tree have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TreeShape {
    /// Geometrically distributed around `branching`; none below `depth`.
    Geometric {
        /// The mean number of children.
        branching: f64,
        /// The level whose nodes have no children; the root has level 0.
        depth: u64,
    },
    /// The root has `root_branching` children. Every other node has `branching` children with the probability `ratio`,
    /// and none otherwise. The tree is finite if the product of both is less than 1.
    Binomial {
        /// The number of children of the root.
        root_branching: u32,
        /// The number of children of other nodes that have any.
        branching: u32,
        /// The fraction of other nodes that have children.
        ratio: f64,
    },
}

impl Uts {
    /// The tree T1 of the authors.
    pub const T1: Self = Self {
        shape: TreeShape::Geometric {
            branching: 4.0,
            depth: 10,
        },
        seed: 19,
    };

    /// The tree T3 of the authors.
    pub const T3: Self = Self {
        shape: TreeShape::Binomial {
            root_branching: 2000,
            branching: 8,
            ratio: 0.124_875,
        },
        seed: 42,
    };
}

/// The most children of a node of a geometric tree, as the authors have it.
const MOST_CHILDREN: f64 = 100.0;

/// The 160 bits of a node, and its level in the high half of the last word.
type Node = [u64; 3];

impl Recursion for Uts {
    type State = Node;

    fn root(&self, _: u64) -> Node {
        let mut bytes = [0; 20];
        bytes[16..].copy_from_slice(&self.seed.to_be_bytes());
        node(Sha1::new().chain_update(bytes), 0)
    }

    #[inline]
    fn split(&self, state: &mut Node) -> Splitting {
        match self.child_count(state) {
            0 => Splitting::Leaf(1),
            count => Splitting::Children(count),
        }
    }

    #[inline]
    fn child(&self, parent: &Node, index: u32) -> Node {
        let hash = Sha1::new()
            .chain_update(hash_of(parent))
            .chain_update(index.to_be_bytes());
        node(hash, level(parent) + 1)
    }

    fn combine(&self, _: &Node, sum: u64) -> u64 {
        1 + sum
    }

    fn known(&self) -> KnownResult {
        let published = [(Self::T1, 4_130_071), (Self::T3, 4_112_897)];
        let is_same = |(tree, _): &&(Self, u64)| tree.shape == self.shape && tree.seed == self.seed;
        let count = published.iter().find(is_same).map(|(_, count)| *count);
        KnownResult {
            value: count,
            task_count: count,
        }
    }
}

impl Uts {
    fn child_count(&self, node: &Node) -> u32 {
        match self.shape {
            TreeShape::Geometric { depth, .. } if level(node) >= depth.max(1) => 0,
            TreeShape::Geometric { branching, .. } => {
                // The inverse of the distribution whose mean is `branching`.
                let stop = 1.0 / (1.0 + branching);
                let count = ((1.0 - drawn(node)).ln() / (1.0 - stop).ln()).floor();
                count.min(MOST_CHILDREN) as u32
            }
            TreeShape::Binomial { root_branching, .. } if level(node) == 0 => root_branching,
            TreeShape::Binomial {
                branching, ratio, ..
            } => match drawn(node) < ratio {
                true => branching,
                false => 0,
            },
        }
    }
}

fn level(node: &Node) -> u64 {
    node[2] >> 32
}

/// The number from 0 up to but not including 1 that a node has drawn: the last 31 bits of its hash.
fn drawn(node: &Node) -> f64 {
    let bits = (node[2] as u32).swap_bytes() & 0x7FFF_FFFF;
    f64::from(bits) / f64::from(1u32 << 31)
}

fn hash_of(node: &Node) -> [u8; 20] {
    let mut bytes = [0; 24];
    for (chunk, word) in bytes.chunks_mut(8).zip(node) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    *bytes.first_chunk().expect("24 bytes contain 20")
}

fn node(hash: Sha1, level: u64) -> Node {
    let hash = hash.finalize();
    let word = |at: usize, len: usize| {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&hash[at..at + len]);
        u64::from_le_bytes(bytes)
    };
    [word(0, 8), word(8, 8), word(16, 4) | level << 32]
}
