//! What one rank has of a graph: its own tasks, a place for each value that comes from elsewhere, and to whom its own values
//! go. Places are numbered: first the own tasks, then the others' tasks, by id. The own tasks are by level; in a level, those
//! whose values go to other ranks come first, and among equals the smaller id.

use taskdyno_core::graph::{TaskGraph, TaskId};

/// Lists of numbers, one after the other.
#[derive(Debug, Default)]
pub struct Lists<T> {
    offsets: Vec<u32>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    fn new() -> Self {
        Self {
            offsets: vec![0],
            items: Vec::new(),
        }
    }

    fn end_list(&mut self) {
        self.offsets.push(self.items.len() as u32);
    }

    /// List number `index`.
    #[inline]
    pub fn of(&self, index: usize) -> &[T] {
        &self.items[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }
}

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// The rank.
    pub rank: u32,
    /// Its place there.
    pub place: u32,
}

/// What one rank has of a graph.
#[derive(Debug)]
pub struct Share {
    /// The task of each place.
    pub tasks: Vec<u32>,
    /// The number of own tasks, which have the first places.
    pub own_count: usize,
    /// The places of the inputs of each own task, in the order in which it combines them.
    pub inputs: Lists<u32>,
    /// The own tasks that read each place.
    pub readers: Lists<u32>,
    /// To whom the value of each own task goes: each rank once.
    pub destinations: Lists<Destination>,
    /// Where the own tasks of each level begin, and where the last ends.
    pub levels: Vec<u32>,
    /// How many values from elsewhere belong to each level.
    pub expected: Vec<u32>,
    /// The level of each value from elsewhere, in the order of their places.
    pub foreign_levels: Vec<u32>,
    /// For each own task, where those tasks end whose values may leave in one message with its own: in its level those
    /// whose values go to other ranks; and for a task whose value does not, those of the next level.
    pub batch_ends: Vec<u32>,
    /// The own tasks without inputs.
    pub sources: Vec<u32>,
}

impl Share {
    /// The share of `rank`.
    pub fn new(graph: &TaskGraph, owners: &[u32], rank: u32, rank_count: usize) -> Self {
        let task_levels = graph.levels();
        let level_count = task_levels
            .iter()
            .max()
            .map_or(0, |last| *last as usize + 1);
        // Every rank computes the places of all ranks, so they need not tell each other.
        let in_order = in_order(graph, &task_levels, owners);
        let mut own_counts = vec![0u32; rank_count];
        let mut own_places = vec![0u32; graph.task_count()];
        for task in &in_order {
            let count = &mut own_counts[owners[*task as usize] as usize];
            own_places[*task as usize] = *count;
            *count += 1;
        }
        let own: Vec<u32> = in_order
            .into_iter()
            .filter(|task| owners[*task as usize] == rank)
            .collect();
        let own_count = own.len();
        let mut share = Self {
            levels: (0..=level_count)
                .map(|level| {
                    own.partition_point(|task| (task_levels[*task as usize] as usize) < level)
                        as u32
                })
                .collect(),
            tasks: own,
            own_count,
            inputs: Lists::new(),
            readers: Lists::new(),
            destinations: Lists::new(),
            expected: vec![0; level_count],
            foreign_levels: Vec::new(),
            batch_ends: Vec::new(),
            sources: Vec::new(),
        };
        let mut next = own_counts;
        // The places of all tasks at this rank; of others only those that it reads.
        let mut places = own_places;
        let mut sent: Vec<(u32, Destination)> = Vec::new();
        let mut told = vec![u32::MAX; rank_count];
        for task in graph.tasks() {
            let owner = owners[task.index()];
            for successor in graph.successors(task) {
                let to = owners[successor.index()];
                let last = std::mem::replace(&mut told[to as usize], task.0);
                if to == owner || last == task.0 {
                    continue;
                }
                let place = next[to as usize];
                next[to as usize] += 1;
                if owner == rank {
                    let here = places[task.index()];
                    sent.push((here, Destination { rank: to, place }));
                } else if to == rank {
                    places[task.index()] = place;
                    share.tasks.push(task.0);
                    let level = task_levels[task.index()];
                    share.foreign_levels.push(level);
                    share.expected[level as usize] += 1;
                }
            }
        }
        sent.sort_by_key(|(place, _)| *place);
        let mut sent = sent.into_iter().peekable();
        for place in 0..own_count {
            let task = share.tasks[place];
            let predecessors = graph.predecessors(TaskId(task));
            let inputs = predecessors.iter().map(|one| places[one.index()]);
            share.inputs.items.extend(inputs);
            share.inputs.end_list();
            while let Some((_, destination)) = sent.next_if(|(from, _)| *from as usize == place) {
                share.destinations.items.push(destination);
            }
            share.destinations.end_list();
            if predecessors.is_empty() {
                share.sources.push(place as u32);
            }
        }
        share.batch_ends = vec![0; own_count];
        let mut later = own_count as u32;
        for level in (0..level_count).rev() {
            let tasks = share.level(level);
            let end = tasks
                .clone()
                .find(|place| share.destinations.of(*place as usize).is_empty())
                .unwrap_or(tasks.end);
            for place in tasks {
                share.batch_ends[place as usize] = if place < end { end } else { later };
            }
            later = end;
        }
        for &task in &share.tasks {
            let successors = graph.successors(TaskId(task));
            let readers = successors
                .iter()
                .filter(|one| owners[one.index()] == rank)
                .map(|one| places[one.index()]);
            share.readers.items.extend(readers);
            share.readers.end_list();
        }
        share
    }

    /// The number of levels of the whole graph.
    pub fn level_count(&self) -> usize {
        self.expected.len()
    }

    /// The own tasks of a level.
    pub fn level(&self, level: usize) -> std::ops::Range<u32> {
        self.levels[level]..self.levels[level + 1]
    }
}

/// All tasks in the order in which their ranks place them: level by level, first those whose values go to other ranks.
fn in_order(graph: &TaskGraph, task_levels: &[u32], owners: &[u32]) -> Vec<u32> {
    let mut in_order: Vec<u32> = (0..graph.task_count() as u32).collect();
    let is_interior = |task: u32| {
        let owner = owners[task as usize];
        let readers = graph.successors(TaskId(task)).iter();
        readers
            .map(|one| owners[one.index()])
            .all(|one| one == owner)
    };
    in_order.sort_by_cached_key(|task| (task_levels[*task as usize], is_interior(*task)));
    in_order
}

/// The tasks of each rank, in the order of their places.
pub fn orders(graph: &TaskGraph, owners: &[u32], rank_count: usize) -> Vec<Vec<u32>> {
    let mut orders = vec![Vec::new(); rank_count];
    for task in in_order(graph, &graph.levels(), owners) {
        orders[owners[task as usize] as usize].push(task);
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphs::random;
    use crate::partition::Partition;

    #[test]
    fn shares_fit_together() {
        for seed in 0..10 {
            let graph = random(120, seed);
            for partition in Partition::ALL {
                for ranks in 1..=4 {
                    let owners = partition.owners(&graph, ranks);
                    let share = |rank| Share::new(&graph, &owners, rank, ranks);
                    let shares: Vec<Share> = (0..ranks as u32).map(share).collect();
                    check(&graph, &owners, &shares);
                }
            }
        }
    }

    fn check(graph: &TaskGraph, owners: &[u32], shares: &[Share]) {
        let own: usize = shares.iter().map(|share| share.own_count).sum();
        assert_eq!(own, graph.task_count());
        let orders = orders(graph, owners, shares.len());
        let own = shares.iter().map(|share| &share.tasks[..share.own_count]);
        assert!(own.eq(orders));
        let mut received: Vec<Vec<u32>> = shares
            .iter()
            .map(|share| vec![0; share.tasks.len()])
            .collect();
        for (rank, share) in shares.iter().enumerate() {
            for place in 0..share.own_count {
                let task = TaskId(share.tasks[place]);
                assert_eq!(owners[task.index()] as usize, rank);
                let inputs = share.inputs.of(place).iter();
                let inputs: Vec<TaskId> = inputs
                    .map(|input| TaskId(share.tasks[*input as usize]))
                    .collect();
                assert_eq!(inputs, graph.predecessors(task));
                for to in share.destinations.of(place) {
                    let there = &shares[to.rank as usize];
                    assert_eq!(there.tasks[to.place as usize], task.0);
                    received[to.rank as usize][to.place as usize] += 1;
                }
            }
            for (place, task) in share.tasks.iter().enumerate() {
                let readers = share.readers.of(place).iter();
                let readers = readers.map(|reader| share.tasks[*reader as usize]);
                let mut readers: Vec<u32> = readers.collect();
                readers.sort_unstable();
                let successors = graph.successors(TaskId(*task)).iter();
                let here = successors.filter(|one| owners[one.index()] as usize == rank);
                assert!(here.map(|one| one.0).eq(readers));
            }
            let sum: u32 = share.expected.iter().sum();
            assert_eq!(sum as usize, share.tasks.len() - share.own_count);
        }
        for (share, received) in shares.iter().zip(received) {
            assert!(received[..share.own_count].iter().all(|count| *count == 0));
            assert!(received[share.own_count..].iter().all(|count| *count == 1));
        }
    }
}
