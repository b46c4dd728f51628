//! What the author of a backend, a kernel or a pattern imports.

pub use crate::backend::{
    Backend, Continuation, Death, Family, Placement, Pool, PoolPlan, backend_fn, pool_fn,
    verify_runs,
};
pub use crate::execute::{Ending, Failure, Halt, Job};
pub use crate::graph::{GraphError, TaskGraph, TaskGraphBuilder, TaskId};
pub use crate::kernel::{
    Awaited, Findings, Kernel, KernelKind, Pace, Setting, Sharing, Timed, Venue,
};
pub use crate::latency::{Histogram, Recorder};
pub use crate::parameter::{
    DefaultValue, Parameter, ParameterError, ParameterKind, Parameters, Value,
};
pub use crate::pattern::{Pattern, Size};
