//! How the tasks of a workload depend on each other. One file a pattern, one line in [`PATTERNS`].

use std::iter::Sum;

use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

mod all_to_all;
mod binary_tree;
mod butterfly;
mod chain;
mod cholesky;
mod dom;
mod fan_out_in;
mod fft;
mod fork_join;
mod grid;
mod lu;
mod nearest;
mod no_comm;
mod random_dag;
mod random_nearest;
mod skynet;
mod spread;
mod stencil_1d;
mod stencil_1d_periodic;
mod tree;
mod trivial;
mod wavefront_2d;

pub use all_to_all::ALL_TO_ALL;
pub use binary_tree::BINARY_TREE;
pub use butterfly::BUTTERFLY;
pub use chain::CHAIN;
pub use cholesky::CHOLESKY;
pub use dom::DOM;
pub use fan_out_in::FAN_OUT_IN;
pub use fft::FFT;
use grid::Grid;
pub use lu::LU;
pub use nearest::NEAREST;
pub use no_comm::NO_COMM;
pub use random_dag::RANDOM_DAG;
pub use random_nearest::RANDOM_NEAREST;
pub use skynet::SKYNET;
pub use spread::SPREAD;
pub use stencil_1d::STENCIL_1D;
pub use stencil_1d_periodic::STENCIL_1D_PERIODIC;
pub use tree::TREE;
pub use trivial::TRIVIAL;
pub use wavefront_2d::WAVEFRONT_2D;

/// The patterns that every build has. Those from `trivial` to `random-nearest` that are grids are those of Task
/// Bench (Slaughter et al., SC 2020) and mean what its `core.cc` says; where they do not, their text says so.
pub const PATTERNS: &[&dyn Pattern] = &[
    &TRIVIAL,
    &NO_COMM,
    &CHAIN,
    &FAN_OUT_IN,
    &STENCIL_1D,
    &STENCIL_1D_PERIODIC,
    &DOM,
    &TREE,
    &FFT,
    &ALL_TO_ALL,
    &NEAREST,
    &SPREAD,
    &RANDOM_NEAREST,
    &BINARY_TREE,
    &BUTTERFLY,
    &WAVEFRONT_2D,
    &CHOLESKY,
    &LU,
    &RANDOM_DAG,
    &SKYNET,
];

/// A family of task graphs.
pub trait Pattern: Sync {
    /// The name in workload files and records.
    fn name(&self) -> &'static str;
    /// What it stands for, in one line.
    fn why(&self) -> &'static str;
    /// The parameters it takes.
    fn parameters(&self) -> &'static [Parameter];
    /// How large the graph will be, by a closed formula. Lets a graph that does not fit be refused before
    /// it is built. Where edges are drawn at random, it is the most edges that can be drawn.
    fn size(&self, parameters: &Parameters) -> Size;
    /// The graph.
    ///
    /// # Errors
    ///
    /// When it has more tasks or edges than ids can number.
    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError>;
}

/// How many tasks and edges a graph has, or will have. Wide enough for any parameters in bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// How many tasks.
    pub task_count: u128,
    /// How many dependences.
    pub edge_count: u128,
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |sum, size| Self {
            task_count: sum.task_count + size.task_count,
            edge_count: sum.edge_count + size.edge_count,
        })
    }
}

/// The extent of one side of a grid: at least 1, and few enough for an id.
const EXTENT: ParameterKind = ParameterKind::Count {
    min: 1,
    max: u32::MAX as u64,
};

/// How many tasks a step has.
const WIDTH: Parameter = Parameter {
    name: "width",
    why: "how many tasks a step has",
    kind: EXTENT,
    default: None,
};

/// How many steps follow each other.
const STEPS: Parameter = Parameter {
    name: "steps",
    why: "how many steps follow each other",
    kind: EXTENT,
    default: None,
};

/// [`STEPS`] for patterns that make sense with one step.
const STEPS_OR_ONE: Parameter = Parameter {
    default: Some(DefaultValue::Count(1)),
    ..STEPS
};

/// How often tasks fork or halves are exchanged. There are 2^depth tasks side by side, so more cannot be
/// numbered.
const DEPTH: Parameter = Parameter {
    name: "depth",
    why: "how many levels there are below the first",
    kind: ParameterKind::Count { min: 0, max: 31 },
    default: None,
};

/// How many points a task depends on. The formula of [`SPREAD`] goes through them one by one.
const RADIX: Parameter = Parameter {
    name: "radix",
    why: "how many tasks a task depends on",
    kind: ParameterKind::Count { min: 0, max: 65535 },
    default: None,
};

const PERIOD: Parameter = Parameter {
    name: "period",
    why: "after how many steps the dependences repeat",
    kind: EXTENT,
    default: None,
};

const FRACTION: Parameter = Parameter {
    name: "fraction",
    why: "how many of the possible dependences there are",
    kind: ParameterKind::Ratio,
    default: None,
};

const SEED: Parameter = Parameter {
    name: "seed",
    why: "another one makes another graph of the same kind",
    kind: ParameterKind::Count {
        min: 0,
        max: u32::MAX as u64,
    },
    default: Some(DefaultValue::Count(0)),
};

const TILES: Parameter = Parameter {
    name: "tiles",
    why: "how many tiles the matrix has on a side",
    kind: ParameterKind::Count { min: 1, max: 65535 },
    default: None,
};

/// The least power of two that is not below `number`, as its exponent; 0 for 1.
fn log2_ceil(number: u64) -> u32 {
    number.next_power_of_two().trailing_zeros()
}

/// A builder with room for a graph that was found to fit.
fn builder(size: Size) -> TaskGraphBuilder {
    let (task_count, edge_count) = capacity(size);
    TaskGraphBuilder::with_capacity(task_count, edge_count)
}

/// The tasks and edges to reserve room for. Only called for graphs that were found to fit.
fn capacity(size: Size) -> (usize, usize) {
    let clamp = |count: u128| usize::try_from(count).unwrap_or(0);
    (clamp(size.task_count), clamp(size.edge_count))
}

#[cfg(test)]
mod test;
