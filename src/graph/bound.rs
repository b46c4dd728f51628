//! What the durations of tasks say about the time a graph takes: pure functions.

use super::TaskGraph;

/// The work: the sum of all durations, in their unit; 0 for a graph without tasks.
pub fn work(durations: &[u64]) -> u128 {
    durations.iter().copied().map(u128::from).sum()
}

/// The span: the longest path, weighted by the duration of each task, in their unit; 0 for a graph without tasks. No
/// number of workers ends sooner.
///
/// # Panics
///
/// When there are fewer durations than tasks.
pub fn span(graph: &TaskGraph, durations: &[u64]) -> u128 {
    let mut ends = vec![0u128; graph.task_count()];
    let mut span = 0;
    for task in graph.tasks() {
        let before = graph.predecessors(task).iter();
        let start = before.map(|p| ends[p.index()]).max().unwrap_or(0);
        let end = start + u128::from(durations[task.index()]);
        ends[task.index()] = end;
        span = span.max(end);
    }
    span
}

/// How many tasks each level has: the tasks with as many tasks on the longest path before them. There are as many
/// levels as tasks on the longest path, so none for a graph without tasks.
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
    use super::*;
    use crate::graph::TaskGraphBuilder;

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
    fn a_graph_without_tasks_takes_no_time() {
        let graph = TaskGraphBuilder::default().finish();
        assert_eq!((work(&[]), span(&graph, &[])), (0, 0));
        assert!(level_widths(&graph).is_empty());
    }
}
