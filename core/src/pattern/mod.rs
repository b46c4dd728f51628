//! Patterns define how the tasks of a workload depend on each other. There is one file per pattern, and one line per
//! pattern in [`PATTERNS`].

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
mod lu;
mod nearest;
mod no_comm;
mod random_dag;
mod random_nearest;
mod skynet;
mod spread;
mod stencil_1d;
mod stencil_1d_periodic;
mod support;
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
pub use lu::LU;
pub use nearest::NEAREST;
pub use no_comm::NO_COMM;
pub use random_dag::RANDOM_DAG;
pub use random_nearest::RANDOM_NEAREST;
pub use skynet::SKYNET;
pub use spread::SPREAD;
pub use stencil_1d::STENCIL_1D;
pub use stencil_1d_periodic::STENCIL_1D_PERIODIC;
use support::grid::Grid;
pub use tree::TREE;
pub use trivial::TRIVIAL;
pub use wavefront_2d::WAVEFRONT_2D;

/// The patterns of every build. The grids from `trivial` to `random-nearest` are the patterns of Task Bench
/// (Slaughter et al., SC 2020), as defined in its `core.cc`. Where they differ, their documentation says so.
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
    /// What it represents, in one line.
    fn why(&self) -> &'static str;
    /// The parameters that it accepts.
    fn parameters(&self) -> &'static [Parameter];
    /// The size of the graph, by a closed formula, so that a graph that does not fit can be refused before it is
    /// built. If edges are drawn at random, this is the most edges that can be drawn.
    fn size(&self, parameters: &Parameters) -> Size;
    /// Builds the graph.
    ///
    /// # Errors
    ///
    /// If it has more tasks or edges than ids can number.
    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError>;
}

/// The number of tasks and edges of a graph, wide enough for all valid parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// The number of tasks.
    pub task_count: u128,
    /// The number of dependences.
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

/// The extent of one side of a grid: at least 1, and small enough for an id.
const EXTENT: ParameterKind = ParameterKind::Count {
    min: 1,
    max: u32::MAX as u64,
};

/// How many tasks each step has.
const WIDTH: Parameter = Parameter {
    name: "width",
    why: "how many tasks each step has",
    kind: EXTENT,
    default: None,
};

/// How many steps there are.
const STEPS: Parameter = Parameter {
    name: "steps",
    why: "how many steps there are",
    kind: EXTENT,
    default: None,
};

/// [`STEPS`] for patterns that make sense with one step.
const STEPS_OR_ONE: Parameter = Parameter {
    default: Some(DefaultValue::Count(1)),
    ..STEPS
};

/// How often tasks fork or halves are exchanged. Each level has up to 2^depth tasks, so ids limit it.
const DEPTH: Parameter = Parameter {
    name: "depth",
    why: "how many levels there are below the first",
    kind: ParameterKind::Count { min: 0, max: 31 },
    default: None,
};

/// How many points a task depends on. It is limited because the formula of [`SPREAD`] visits each of them.
const RADIX: Parameter = Parameter {
    name: "radix",
    why: "how many tasks each task depends on",
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
    why: "the fraction of the possible dependences that exist",
    kind: ParameterKind::Ratio,
    default: None,
};

const SEED: Parameter = Parameter {
    name: "seed",
    why: "a different seed gives a different graph of the same kind",
    kind: ParameterKind::Count {
        min: 0,
        max: u32::MAX as u64,
    },
    default: Some(DefaultValue::Count(0)),
};

const TILES: Parameter = Parameter {
    name: "tiles",
    why: "how many tiles each side of the matrix has",
    kind: ParameterKind::Count { min: 1, max: 65535 },
    default: None,
};

/// The exponent of the smallest power of two that is at least `number`; 0 for 1.
fn log2_ceil(number: u64) -> u32 {
    number.next_power_of_two().trailing_zeros()
}

/// A builder with capacity for a graph that is known to fit.
fn builder(size: Size) -> TaskGraphBuilder {
    let (task_count, edge_count) = capacity(size);
    TaskGraphBuilder::with_capacity(task_count, edge_count)
}

/// The number of tasks and edges to reserve capacity for. Only called for graphs that are known to fit.
fn capacity(size: Size) -> (usize, usize) {
    let clamp = |count: u128| usize::try_from(count).unwrap_or(0);
    (clamp(size.task_count), clamp(size.edge_count))
}

#[cfg(test)]
mod tests;
