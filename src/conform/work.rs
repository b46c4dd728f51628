//! What children under test have to run: small graphs of every pattern, and small sizes of every kernel.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Map, Value as Json, json};

use crate::backend::Family;
use crate::graph::bound::{lower_bound, span, work};
use crate::graph::{TaskGraph, TaskGraphBuilder, TaskId, side_by_side};
use crate::kernel::{Kernel, KernelKind, Setting, Sharing, Venue};
use crate::parameter::{Parameter, ParameterKind, Parameters, Value};
use crate::record::nanoseconds;
use crate::registry::Registry;

/// The number for parameters that are counts: one that no usual number of workers divides.
const ODD: u64 = 5;
/// The number for the others: large enough that tasks depend on tasks that depend on others.
const FEW: u64 = 3;

/// A graph with the name that its cases have.
#[derive(Clone)]
pub(super) struct NamedGraph {
    pub(super) name: String,
    pub(super) graph: TaskGraph,
}

impl NamedGraph {
    fn new(name: impl Into<String>, graph: TaskGraph) -> Self {
        Self {
            name: name.into(),
            graph,
        }
    }

    /// The same graph with durations from 0 to 20 us. Some kernels need them, and all others ignore them.
    pub(super) fn timed(self) -> Self {
        let durations_ns = self
            .graph
            .tasks()
            .map(|task| u64::from(task.0 % 3) * 10_000);
        let durations_ns = durations_ns.collect();
        Self {
            graph: self.graph.with_durations(durations_ns),
            ..self
        }
    }

    /// A graph without tasks.
    pub(super) fn empty() -> Self {
        Self::new("no-tasks", TaskGraph::default())
    }

    /// Tasks that depend on nothing.
    pub(super) fn independent(task_count: u32) -> Self {
        let graph = graph((0..task_count).map(|_| Vec::new()));
        Self::new(format!("independent-{task_count}"), graph)
    }

    /// Steps of `width` tasks; each task depends on all tasks of the step before, the last one first. No pattern has
    /// predecessors in such an order.
    pub(super) fn dense(width: u32, steps: u32) -> Self {
        let rows = (0..width * steps).map(|task| {
            let step = task / width;
            let before = step.saturating_sub(1) * width..step * width;
            before.rev().collect()
        });
        Self::new(format!("dense-{width}x{steps}"), graph(rows))
    }

    /// Every pattern, and what no pattern contains; the smallest graphs first.
    pub(super) fn variety(registry: &Registry) -> Vec<Self> {
        let mut all = vec![Self::independent(1), Self::dense(3, 3)];
        for pattern in &registry.patterns {
            for given in given(pattern.parameters()) {
                let parameters = Parameters::check(pattern.parameters(), &given);
                let parameters = parameters.expect("the values are within their bounds");
                let graph = pattern.build(&parameters).expect("a small graph");
                all.push(Self::new(pattern.name(), graph));
            }
        }
        all.sort_by_key(|named| named.graph.task_count());
        all
    }

    /// All `graphs` at the same time.
    pub(super) fn together(graphs: &[Self]) -> Self {
        let graphs: Vec<TaskGraph> = graphs.iter().map(|named| named.graph.clone()).collect();
        let graph = side_by_side(&graphs).expect("small graphs");
        Self::new("all-patterns-side-by-side", graph)
    }
}

fn graph(rows: impl Iterator<Item = Vec<u32>>) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for row in rows {
        let row = row.into_iter().map(TaskId);
        builder.push(row).expect("predecessors come before");
    }
    builder.finish()
}

/// Small values for declared parameters, once with each choice.
fn given(declared: &[Parameter]) -> Vec<BTreeMap<String, Value>> {
    let mut all = vec![BTreeMap::new()];
    for parameter in declared {
        let values = match parameter.kind {
            ParameterKind::Count { min, max } => {
                // The tasks of these grow fast.
                let is_steep = ["steps", "depth", "fan_out", "tiles"].contains(&parameter.name);
                let count = if is_steep { FEW } else { ODD };
                vec![Value::Count(count.clamp(min, max))]
            }
            ParameterKind::Limit { max } => vec![Value::Count(ODD.min(max))],
            ParameterKind::Milliseconds => vec![Value::Number(0.1)],
            ParameterKind::Ratio => vec![Value::Number(0.5)],
            ParameterKind::Choice(words) => {
                let words = words.iter();
                words.map(|word| Value::Text((*word).into())).collect()
            }
        };
        let longer = all.iter().flat_map(|given| {
            values.iter().map(move |value| {
                let mut given = BTreeMap::clone(given);
                given.insert(parameter.name.into(), value.clone());
                given
            })
        });
        all = longer.collect();
    }
    all
}

/// A kernel with its parameters.
#[derive(Clone)]
pub(super) struct ChosenKernel {
    pub(super) kind: &'static dyn KernelKind,
    /// The claim that it belongs to.
    pub(super) claim: String,
    parameters: Parameters,
}

impl ChosenKernel {
    /// All kernels that a claim stands for: `NAME`, with each of its choices, or `NAME/PARAMETER=VALUE`, with this value
    /// only, or with these. Empty if this program has no such kernel. No case of this program can then need it.
    pub(super) fn claimed(claim: &str, registry: &Registry) -> Vec<Self> {
        let mut parts = claim.split('/');
        let name = parts.next().unwrap_or_default();
        let fixed: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let Some(kind) = registry.kernel(name) else {
            return Vec::new();
        };
        let all = given(kind.parameters()).into_iter();
        let is_claimed = |given: &BTreeMap<String, Value>| {
            fixed.iter().all(|(parameter, value)| {
                let given = given.get(*parameter);
                given.is_some_and(|given| given.to_string() == *value)
            })
        };
        all.filter(is_claimed)
            .filter_map(|given| Self::new(kind, claim, &given))
            .collect()
    }

    /// `kind` with its size set to `size` and its other parameters at their defaults; `None` if it has no size, or
    /// another parameter has no default.
    pub(super) fn sized(kind: &'static dyn KernelKind, size: u64) -> Option<Self> {
        let name = kind.size_parameter()?;
        let given = BTreeMap::from([(name.into(), Value::Count(size))]);
        Self::new(kind, kind.name(), &given)
    }

    fn new(
        kind: &'static dyn KernelKind,
        claim: &str,
        given: &BTreeMap<String, Value>,
    ) -> Option<Self> {
        let parameters = Parameters::check(kind.parameters(), given).ok()?;
        let claim = claim.into();
        Some(Self {
            kind,
            claim,
            parameters,
        })
    }

    /// Whether `task_count` tasks can run it on workers of `family`, if all of them can be in progress at once. A claim
    /// without values stands for those choices that this program has for the family.
    pub(super) fn fits(&self, task_count: u32, family: Family) -> bool {
        let mut venue = Venue::new("", task_count.into(), task_count as usize);
        venue.sharing = family.sharing();
        venue.is_async = family == Family::Async;
        venue.is_external = self.claim.contains('/');
        self.kind.fits(&self.parameters, &venue).is_ok()
    }

    /// As in the parameters of a case.
    pub(super) fn to_json(&self) -> Json {
        let mut table = Map::from_iter([("kind".into(), json!(self.kind.name()))]);
        for (name, value) in self.parameters.values() {
            table.insert(name.clone(), json!(value));
        }
        Json::Object(table)
    }

    /// Its name and its choices, for messages.
    pub(super) fn name(&self) -> String {
        let choices = self.parameters.values().values();
        let words = choices.filter(|value| matches!(value, Value::Text(_)));
        let parts = [self.kind.name().to_owned()].into_iter();
        let parts: Vec<String> = parts.chain(words.map(Value::to_string)).collect();
        parts.join(" ")
    }

    /// The kernel, to compute what it returns.
    pub(super) fn build(&self, graph: &TaskGraph) -> io::Result<Box<dyn Kernel>> {
        // Neither the way of sharing nor the number of workers changes an output.
        let setting = Setting::new(graph, Sharing::Threads, 1);
        self.kind.build(&self.parameters, &setting)
    }

    /// The least time of one run in which at most `parallelism` tasks wait at the same time (`None`: any number).
    pub(super) fn least_ns(&self, graph: &TaskGraph, parallelism: Option<u32>) -> io::Result<u64> {
        let kernel = self.build(graph)?;
        let duration = |task| kernel.duration(task).map_or(0, nanoseconds);
        let durations: Vec<u64> = graph.tasks().map(duration).collect();
        let parallelism = parallelism.map(|count| count as usize);
        let least = lower_bound(work(&durations), span(graph, &durations), parallelism);
        u64::try_from(least).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(claim: &str) -> Vec<String> {
        let chosen = ChosenKernel::claimed(claim, &Registry::default());
        chosen.iter().map(ChosenKernel::name).collect()
    }

    #[test]
    fn a_claim_stands_for_every_choice_or_for_one() {
        assert_eq!(names("empty"), ["empty"]);
        let all = names("counter");
        for one in ["counter racy", "counter sharded"] {
            assert!(all.contains(&one.to_owned()), "{all:?}");
        }
        assert_eq!(names("counter/variant=racy"), ["counter racy"]);
        assert!(names("counter/variant=slow").is_empty());
        assert!(names("no-such-kernel").is_empty());
    }

    #[test]
    fn the_graphs_are_small_and_begin_with_one_task() {
        let graphs = NamedGraph::variety(&Registry::default());
        assert_eq!(graphs[0].graph.task_count(), 1);
        let together = NamedGraph::together(&graphs).graph;
        let sum: usize = graphs.iter().map(|named| named.graph.task_count()).sum();
        assert_eq!(together.task_count(), sum);
        assert!(sum < 400, "{sum} processes, one per task, take too long");
    }

    #[test]
    fn a_dense_graph_has_its_predecessors_in_descending_order() {
        let graph = NamedGraph::dense(2, 3).graph;
        assert_eq!(graph.predecessors(TaskId(5)), [TaskId(3), TaskId(2)]);
        assert_eq!(graph.sources(), [TaskId(0), TaskId(1)]);
    }

    #[test]
    fn waiting_tasks_take_at_least_their_share_or_the_longest_path() {
        let sleep = &ChosenKernel::sized(Registry::default().kernel("sleep").unwrap(), 5).unwrap();
        let graph = NamedGraph::dense(4, 3).graph;
        let least = |parallelism| sleep.least_ns(&graph, parallelism).unwrap();
        assert_eq!(least(Some(1)), 60_000_000);
        assert_eq!(least(Some(2)), 30_000_000);
        assert_eq!(least(None), 15_000_000);
    }
}
