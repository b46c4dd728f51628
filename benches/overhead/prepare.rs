//! Makes the graphs, kernels and jobs that are measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use taskdyno::internal::machine::host;
use taskdyno_core::execute::Job;
use taskdyno_core::graph::TaskGraph;
use taskdyno_core::kernel::{COMPUTE_BOUND, EMPTY, Kernel, KernelKind, Setting, Sharing};
use taskdyno_core::parameter::{Parameter, Parameters, Value};
use taskdyno_core::pattern::{Pattern, STENCIL_1D};

use super::Effort;

/// Two, as in the goals, or one on a machine with a single core.
pub(crate) fn worker_count() -> usize {
    host::core_count().min(2) as usize
}

/// A stencil of 64,000 tasks at full effort.
pub(crate) fn stencil(width: u64, effort: Effort) -> TaskGraph {
    let steps = 64_000 / width / effort.shrink;
    new_graph(&STENCIL_1D, [("width", width), ("steps", steps)])
}

pub(crate) fn new_graph<const N: usize>(
    pattern: &dyn Pattern,
    given: [(&str, u64); N],
) -> TaskGraph {
    let given = given.map(|(key, count)| (key, Value::Count(count)));
    let graph = pattern.build(&checked(pattern.parameters(), given));
    graph.expect("the graph fits its ids")
}

pub(crate) fn new_kernel<'a>(
    kind: &dyn KernelKind,
    given: impl IntoIterator<Item = (&'a str, Value)>,
) -> Box<dyn Kernel> {
    let parameters = checked(kind.parameters(), given);
    let graph = TaskGraph::default();
    let setting = Setting::new(&graph, Sharing::Threads, worker_count());
    let kernel = kind.build(&parameters, &setting);
    kernel.expect("the system gives a page")
}

pub(crate) fn checked<'a>(
    declared: &[Parameter],
    given: impl IntoIterator<Item = (&'a str, Value)>,
) -> Parameters {
    let given = given.into_iter();
    let given: BTreeMap<String, Value> = given.map(|(key, value)| (key.into(), value)).collect();
    Parameters::check(declared, &given).expect("the parameters are declared")
}

/// The iterations of a task that lasts about as long as handing it to another core.
pub(crate) const FINE: u64 = 160;

pub(crate) fn compute_bound(iterations: u64) -> Box<dyn Kernel> {
    new_kernel(&COMPUTE_BOUND, [("iterations", Value::Count(iterations))])
}

pub(crate) fn empty() -> Box<dyn Kernel> {
    new_kernel(&EMPTY, [])
}

pub(crate) fn new_job(graph: TaskGraph, kernel: Box<dyn Kernel>) -> Arc<Job> {
    Arc::new(Job::new(graph, kernel).expect("the system gives the pages"))
}
