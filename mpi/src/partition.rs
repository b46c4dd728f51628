//! Which rank runs which tasks. A child knows the edges of a graph and not its pattern, so a column is the position of a
//! task among those of its level: the tasks with equally many tasks on the longest path that leads to them.

use taskdyno_core::graph::TaskGraph;

/// How tasks are divided among ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// Neighbouring columns belong to one rank.
    Columns,
    /// Columns are dealt out in turn.
    Cyclic,
    /// Each task goes where most of its predecessors are, unless that rank has more work than others.
    Owner,
}

impl Partition {
    /// All, the default first.
    pub const ALL: [Self; 3] = [Self::Columns, Self::Cyclic, Self::Owner];

    /// The value of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Cyclic => "cyclic",
            Self::Owner => "owner",
        }
    }

    /// The rank of each task, by id.
    pub fn owners(self, graph: &TaskGraph, rank_count: usize) -> Vec<u32> {
        let levels = graph.levels();
        let level_count = levels.iter().max().map_or(0, |last| *last as usize + 1);
        let mut widths = vec![0u64; level_count];
        for level in &levels {
            widths[*level as usize] += 1;
        }
        if self == Self::Owner {
            return near_predecessors(graph, &widths, rank_count);
        }
        let mut next = vec![0u64; level_count];
        let ranks = rank_count as u64;
        let owner = |level: &u32| {
            let level = *level as usize;
            let column = next[level];
            next[level] += 1;
            let rank = match self {
                Self::Cyclic => column % ranks,
                _ => column * ranks / widths[level],
            };
            rank as u32
        };
        levels.iter().map(owner).collect()
    }
}

/// Gives each task, by id, to the rank that has most of its predecessors, among those that have little more work so far than
/// the one with the least. How much more is a quarter of a level's share: without a limit, one rank would have the first
/// half of a long graph, and another the second.
fn near_predecessors(graph: &TaskGraph, widths: &[u64], rank_count: usize) -> Vec<u32> {
    let task_count = graph.task_count();
    let durations = graph.durations_ns();
    let work = |task: usize| durations.map_or(1, |all| all[task].max(1));
    let total: u64 = (0..task_count).map(work).sum();
    let levels = widths.len().max(1) as u64;
    let mean_task = total / (task_count.max(1) as u64);
    let slack = (total / (4 * levels * rank_count as u64)).max(mean_task);
    let mut loads = vec![0u64; rank_count];
    let mut near = vec![0u32; rank_count];
    let mut owners: Vec<u32> = Vec::with_capacity(task_count);
    for task in graph.tasks() {
        near.fill(0);
        for predecessor in graph.predecessors(task) {
            near[owners[predecessor.index()] as usize] += 1;
        }
        let cap = loads.iter().min().unwrap_or(&0) + slack;
        let candidates = (0..rank_count).filter(|rank| loads[*rank] <= cap);
        // Of equally near ranks, the one with the least work, and of these the first.
        let best = candidates.max_by_key(|rank| {
            (
                near[*rank],
                std::cmp::Reverse(loads[*rank]),
                std::cmp::Reverse(*rank),
            )
        });
        let rank = best.unwrap_or(0);
        loads[rank] += work(task.index());
        owners.push(rank as u32);
    }
    owners
}

/// What a partition costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// The edges between tasks of different ranks.
    pub edges: u64,
    /// The values that one rank sends to another, once each.
    pub values: u64,
}

impl Cut {
    /// That of these owners.
    pub fn new(graph: &TaskGraph, owners: &[u32], rank_count: usize) -> Self {
        let mut cut = Self::default();
        let mut last_task = vec![u32::MAX; rank_count];
        for task in graph.tasks() {
            let owner = owners[task.index()];
            for successor in graph.successors(task) {
                let to = owners[successor.index()];
                if to != owner {
                    cut.edges += 1;
                    let last = std::mem::replace(&mut last_task[to as usize], task.0);
                    cut.values += u64::from(last != task.0);
                }
            }
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphs::{grid, random};

    #[test]
    fn columns_of_a_stencil_cut_only_between_neighbours() {
        let graph = grid(8, 5, |column| {
            (column.saturating_sub(1)..=(column + 1).min(7)).collect()
        });
        let owners = Partition::Columns.owners(&graph, 2);
        assert_eq!(owners[8..16], [0, 0, 0, 0, 1, 1, 1, 1]);
        let cut = Cut::new(&graph, &owners, 2);
        assert_eq!(
            cut,
            Cut {
                edges: 8,
                values: 8
            }
        );
        let cyclic = Partition::Cyclic.owners(&graph, 2);
        assert_eq!(cyclic[8..16], [0, 1, 0, 1, 0, 1, 0, 1]);
        assert!(Cut::new(&graph, &cyclic, 2).edges > 8);
    }

    #[test]
    fn a_value_goes_once_to_each_rank() {
        let graph = grid(64, 3, |_| (0..64).collect());
        for ranks in 1..=4 {
            let owners = Partition::Columns.owners(&graph, ranks);
            let cut = Cut::new(&graph, &owners, ranks);
            assert_eq!(cut.values, 2 * 64 * (ranks as u64 - 1));
        }
    }

    #[test]
    fn owners_are_balanced_and_near() {
        for seed in 0..20 {
            let graph = random(300, seed);
            for ranks in 1..=4 {
                let owners = Partition::Owner.owners(&graph, ranks);
                let count = |rank| owners.iter().filter(|owner| **owner == rank).count();
                let counts: Vec<usize> = (0..ranks as u32).map(count).collect();
                let most = counts.iter().max().unwrap();
                let least = counts.iter().min().unwrap();
                assert!(most - least <= 10, "{counts:?}");
                let cut = |partition: Partition| {
                    Cut::new(&graph, &partition.owners(&graph, ranks), ranks).edges
                };
                assert!(cut(Partition::Owner) <= cut(Partition::Cyclic));
            }
        }
    }

    #[test]
    fn more_ranks_than_columns_leave_some_without_work() {
        let graph = grid(2, 3, |column| vec![column]);
        for partition in Partition::ALL {
            let owners = partition.owners(&graph, 4);
            assert!(owners.iter().all(|owner| *owner < 4));
        }
    }
}
