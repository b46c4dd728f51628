use super::{GraphError, TaskGraph, TaskGraphBuilder, TaskId};

/// Several graphs as one that has no edge between them. No graphs make an empty one.
///
/// The ids go level by level, and within a level graph by graph: a walk along the ids moves all graphs on
/// together, and whoever splits a level into blocks splits that of all of them at once. Within a graph, the
/// ids of a level keep their order.
///
/// Nominal durations are kept if every graph has them.
///
/// # Errors
///
/// When the graphs together have more tasks or edges than ids can number.
pub fn side_by_side(graphs: &[TaskGraph]) -> Result<TaskGraph, GraphError> {
    let task_count: usize = graphs.iter().map(TaskGraph::task_count).sum();
    let edge_count: usize = graphs.iter().map(TaskGraph::edge_count).sum();
    u32::try_from(task_count.max(edge_count)).map_err(|_| GraphError::TooLarge)?;

    let ids = new_ids(graphs, task_count);
    let mut origins = vec![(0u32, TaskId(0)); task_count];
    for (graph, ids) in ids.iter().enumerate() {
        for (task, id) in ids.iter().enumerate() {
            origins[id.index()] = (graph as u32, TaskId(task as u32));
        }
    }

    let mut builder = TaskGraphBuilder::with_capacity(task_count, edge_count);
    for &(graph, task) in &origins {
        let ids = &ids[graph as usize];
        let predecessors = graphs[graph as usize].predecessors(task).iter();
        builder.push(predecessors.map(|predecessor| ids[predecessor.index()]))?;
    }
    let union = builder.finish();

    let durations: Option<Vec<&[u64]>> = graphs.iter().map(TaskGraph::durations_ns).collect();
    Ok(match durations {
        Some(durations) if !graphs.is_empty() => {
            let of = |&(graph, task): &(u32, TaskId)| durations[graph as usize][task.index()];
            union.with_durations(origins.iter().map(of).collect())
        }
        _ => union,
    })
}

/// For each graph, the id that each of its tasks gets. A counting sort by level: linear time.
fn new_ids(graphs: &[TaskGraph], task_count: usize) -> Vec<Vec<TaskId>> {
    let levels: Vec<Vec<u32>> = graphs.iter().map(TaskGraph::levels).collect();
    let mut next = vec![0u32; task_count + 1];
    for level in levels.iter().flatten() {
        next[*level as usize + 1] += 1;
    }
    for level in 1..next.len() {
        next[level] += next[level - 1];
    }
    let mut take = |level: &u32| {
        let place = &mut next[*level as usize];
        *place += 1;
        TaskId(*place - 1)
    };
    levels
        .iter()
        .map(|levels| levels.iter().map(&mut take).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(rows: &[&[u32]]) -> TaskGraph {
        let mut builder = TaskGraphBuilder::default();
        for row in rows {
            builder.push(row.iter().copied().map(TaskId)).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn ids_go_level_by_level_and_graph_by_graph() {
        // A chain whose ids a source interrupts, beside a join.
        let chain = graph(&[&[], &[0], &[], &[1]]);
        let join = graph(&[&[], &[], &[0, 1]]);
        let union = side_by_side(&[chain, join]).unwrap();
        // Level 0: tasks 0 and 2 of the chain, 0 and 1 of the join; level 1: 1 and 2; level 2: 3.
        let expected = graph(&[&[], &[], &[], &[], &[0], &[2, 3], &[4]]);
        assert_eq!(union, expected);
    }

    #[test]
    fn one_graph_in_order_of_its_levels_stays_as_it_is() {
        let diamond = graph(&[&[], &[0], &[0], &[1, 2]]);
        assert_eq!(side_by_side(std::slice::from_ref(&diamond)), Ok(diamond));
    }

    #[test]
    fn no_graphs_make_an_empty_one() {
        assert_eq!(side_by_side(&[]), Ok(TaskGraph::default()));
        let empty = [TaskGraph::default(), TaskGraph::default()];
        assert_eq!(side_by_side(&empty), Ok(TaskGraph::default()));
    }

    #[test]
    fn durations_go_with_their_tasks() {
        let chain = || graph(&[&[], &[0]]).with_durations([1, 2].into());
        let single = graph(&[&[]]).with_durations([3].into());
        let union = side_by_side(&[chain(), single]).unwrap();
        assert_eq!(union.durations_ns(), Some([1, 3, 2].as_slice()));
        let union = side_by_side(&[chain(), graph(&[&[]])]).unwrap();
        assert_eq!(union.durations_ns(), None);
    }
}
