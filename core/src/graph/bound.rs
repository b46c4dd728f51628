//! Bounds on how fast a graph can run, from the durations of its tasks. Pure functions.
//!
//! With work `W`, span `S` and `P` workers, no schedule is faster than `max(W / P, S)`. Every greedy schedule, in
//! which no worker is idle while a task is ready, takes at most `W / P + (1 - 1 / P) * S` (Graham, "Bounds for
//! certain multiprocessing anomalies", Bell System Technical Journal 45, 1966).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::{TaskGraph, TaskId};

/// The sum of all durations, in the unit of the durations; 0 for an empty graph.
pub fn work(durations: &[u64]) -> u128 {
    durations.iter().copied().map(u128::from).sum()
}

/// The sum of the durations on the longest path through `graph`, in the unit of the durations; 0 for an empty graph.
///
/// # Panics
///
/// If there are fewer durations than tasks.
pub fn span(graph: &TaskGraph, durations: &[u64]) -> u128 {
    let mut ends = vec![0u128; graph.task_count()];
    for task in graph.tasks() {
        let before = graph.predecessors(task).iter();
        let start = before.map(|p| ends[p.index()]).max().unwrap_or(0);
        ends[task.index()] = start + u128::from(durations[task.index()]);
    }
    ends.into_iter().max().unwrap_or(0)
}

/// The tasks on the longest path through `graph`, in the order of the path; empty for an empty graph. If several paths are
/// the longest, it is the one whose tasks, from its end, have the smallest ids.
///
/// # Panics
///
/// If there are fewer durations than tasks.
pub fn longest_path(graph: &TaskGraph, durations: &[u64]) -> Vec<TaskId> {
    let mut ends = vec![0u128; graph.task_count()];
    let mut before: Vec<Option<TaskId>> = vec![None; graph.task_count()];
    let last_end = |ends: &[u128], tasks: &mut dyn Iterator<Item = TaskId>| {
        tasks.max_by_key(|task| (ends[task.index()], Reverse(*task)))
    };
    for task in graph.tasks() {
        let previous = last_end(&ends, &mut graph.predecessors(task).iter().copied());
        let start = previous.map_or(0, |previous| ends[previous.index()]);
        ends[task.index()] = start + u128::from(durations[task.index()]);
        before[task.index()] = previous;
    }
    let last = last_end(&ends, &mut graph.tasks());
    let mut path: Vec<_> = std::iter::successors(last, |task| before[task.index()]).collect();
    path.reverse();
    path
}

/// `max(W / P, S)`, rounded down: no schedule of this work and span is shorter. If there is no limit on the number
/// of tasks in progress (`None`), this is the span.
pub fn lower_bound(work: u128, span: u128, parallelism: Option<usize>) -> u128 {
    let shared = parallelism.map_or(0, |workers| work / workers.max(1) as u128);
    shared.max(span)
}

/// `W / P + (1 - 1 / P) * S`, rounded up: no greedy schedule of this work and span is longer. If there is no limit
/// on the number of tasks in progress (`None`), this is the span.
pub fn greedy_bound(work: u128, span: u128, parallelism: Option<usize>) -> u128 {
    parallelism.map_or(span, |workers| {
        let workers = workers.max(1) as u128;
        (work + (workers - 1) * span).div_ceil(workers)
    })
}

/// How long a greedy schedule takes if `parallelism` workers take ready tasks in the order in which they became
/// ready, and nothing but tasks takes time. In the unit of the durations.
///
/// # Panics
///
/// If there are fewer durations than tasks.
pub fn greedy_makespan(graph: &TaskGraph, durations: &[u64], parallelism: Option<usize>) -> u128 {
    let Some(workers) = parallelism else {
        return span(graph, durations);
    };
    let mut pending: Vec<u32> = graph
        .tasks()
        .map(|task| graph.predecessors(task).len() as u32)
        .collect();
    let mut ready: VecDeque<TaskId> = graph.sources().iter().copied().collect();
    // The tasks in progress; the one that ends first is on top.
    let mut running: BinaryHeap<Reverse<(u128, TaskId)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < workers.max(1) {
            let Some(task) = ready.pop_front() else { break };
            running.push(Reverse((now + u128::from(durations[task.index()]), task)));
        }
        let Some(Reverse((end, task))) = running.pop() else {
            return now;
        };
        now = end;
        for &successor in graph.successors(task) {
            let count = &mut pending[successor.index()];
            *count -= 1;
            if *count == 0 {
                ready.push_back(successor);
            }
        }
    }
}

/// The number of tasks on each level. The level of a task is the number of tasks on the longest path before it.
/// Empty for a graph without tasks.
pub fn level_widths(graph: &TaskGraph) -> Vec<u32> {
    let mut widths = Vec::new();
    for level in graph.levels() {
        let level = level as usize;
        if level >= widths.len() {
            widths.resize(level + 1, 0);
        }
        widths[level] += 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::TaskGraphBuilder;

    /// The example of R. L. Graham, "Bounds on multiprocessing timing anomalies" (SIAM Journal on Applied
    /// Mathematics 17:2, 1969): T1 before T9, T4 before T5 to T8.
    fn graham() -> (TaskGraph, Vec<u64>) {
        let mut builder = TaskGraphBuilder::default();
        let first: Vec<_> = (0..4).map(|_| builder.push([]).unwrap()).collect();
        for _ in 0..4 {
            builder.push([first[3]]).unwrap();
        }
        builder.push([first[0]]).unwrap();
        (builder.finish(), vec![3, 2, 2, 2, 4, 4, 4, 4, 9])
    }

    #[test]
    fn grahams_anomaly_takes_12_on_three_workers_and_15_on_four() {
        let (graph, durations) = graham();
        assert_eq!(work(&durations), 34);
        assert_eq!(span(&graph, &durations), 12);
        assert_eq!(lower_bound(34, 12, Some(3)), 12);
        assert_eq!(greedy_bound(34, 12, Some(3)), 20);
        assert_eq!(greedy_makespan(&graph, &durations, None), 12);
        // By hand: 0-2 T2 T3, 0-3 T1, 2-4 T4, from 3 on T9; T5 to T8 from 4 on two workers.
        assert_eq!(greedy_makespan(&graph, &durations, Some(3)), 12);
        // By hand: T4 at once, so T5, T6 and T7 start at 2, T8 and T9 ready at 2 and 3 wait until 3 and 6.
        assert_eq!(greedy_makespan(&graph, &durations, Some(4)), 15);
    }

    #[test]
    fn the_span_is_the_heaviest_path_and_not_the_longest() {
        let mut builder = TaskGraphBuilder::default();
        let a = builder.push([]).unwrap();
        let b = builder.push([a]).unwrap();
        builder.push([b]).unwrap();
        builder.push([a]).unwrap();
        let graph = builder.finish();
        assert_eq!(span(&graph, &[1, 2, 3, 10]), 11);
        assert_eq!(work(&[1, 2, 3, 10]), 16);
        assert_eq!(level_widths(&graph), [1, 2, 1]);
    }

    #[test]
    fn the_longest_path_is_named() {
        let (graph, durations) = graham();
        let path = longest_path(&graph, &durations);
        assert_eq!(path, [TaskId(0), TaskId(8)]);
        let total: u64 = path.iter().map(|task| durations[task.index()]).sum();
        assert_eq!(u128::from(total), span(&graph, &durations));
        // Of several, the first.
        assert_eq!(longest_path(&graph, &[1; 9]), [TaskId(3), TaskId(4)]);
        assert_eq!(longest_path(&TaskGraph::default(), &[]), []);
    }

    #[test]
    fn durations_beyond_64_bits_add_up() {
        let mut builder = TaskGraphBuilder::default();
        let a = builder.push([]).unwrap();
        builder.push([a]).unwrap();
        let most = u128::from(u64::MAX);
        let durations = [u64::MAX; 2];
        assert_eq!(work(&durations), 2 * most);
        assert_eq!(span(&builder.finish(), &durations), 2 * most);
    }

    #[test]
    fn an_empty_graph_takes_no_time() {
        let graph = TaskGraph::default();
        assert_eq!(span(&graph, &[]), 0);
        assert_eq!(greedy_makespan(&graph, &[], Some(2)), 0);
        assert_eq!(lower_bound(0, 0, Some(2)), 0);
        assert!(level_widths(&graph).is_empty());
    }

    proptest! {
        #[test]
        fn a_greedy_schedule_lies_between_the_bounds(
            tasks in prop::collection::vec((0u64..20, prop::collection::vec(any::<prop::sample::Index>(), 0..4)), 1..40),
            workers in 1usize..6,
        ) {
            let mut builder = TaskGraphBuilder::default();
            let mut durations = Vec::new();
            for (index, (duration, before)) in tasks.iter().enumerate() {
                let mut before: Vec<_> = before
                    .iter()
                    .filter(|_| index > 0)
                    .map(|one| TaskId(one.index(index) as u32))
                    .collect();
                before.sort();
                before.dedup();
                builder.push(before).unwrap();
                durations.push(*duration);
            }
            let graph = builder.finish();
            let (work, span) = (work(&durations), span(&graph, &durations));
            let makespan = greedy_makespan(&graph, &durations, Some(workers));
            prop_assert!(lower_bound(work, span, Some(workers)) <= makespan);
            prop_assert!(makespan <= greedy_bound(work, span, Some(workers)));
        }
    }
}
