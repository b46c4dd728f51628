//! What the author of a backend, a kernel or a pattern imports.

pub use crate::backend::{Backend, Continuation, Placement, Pool, PoolPlan, pool_fn, verify_runs};
pub use crate::execute::{Failure, Halt, Job};
pub use crate::graph::{TaskGraph, TaskGraphBuilder, TaskId};
pub use crate::kernel::{Kernel, KernelKind, Setting, Sharing};
pub use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
pub use crate::pattern::Pattern;
