//! What a rank with one thread runs next: its tasks in the order of their places, and those that had to wait.
//!
//! A task that misses an input watches it. When this input comes, the task runs, or watches another one that it misses. Most
//! tasks have their inputs when their turn comes: for them nothing is counted and nothing is queued.
//!
//! **Somebody can always go on.** The order of places is topological. So an own input that is missing has had its turn, and
//! waits as well: the first of the tasks that wait misses a value of another rank. Of all tasks that have not run, take one
//! of the lowest level, and of these the first of its rank: its inputs have run, and their ranks send them at the latest
//! when they have nothing else to do. Nobody waits before it on its rank, so a limit on how many wait does not keep it
//! from its turn, if the limit is not 0.

const NONE: u32 = u32::MAX;

/// The tasks that wait, and those that are to run.
pub struct Watch {
    /// Of each place, the first task that watches it.
    first: Box<[u32]>,
    /// Of each own task that watches, the next one that watches the same place.
    others: Box<[u32]>,
    /// Tasks whose watched input has come.
    woken: Vec<u32>,
    /// The next task in order.
    next: u32,
    /// How many tasks watch.
    waiting_count: usize,
    /// While so many tasks watch, no other has its turn. At least 1.
    pub most_waiting: usize,
}

impl Watch {
    /// No run yet, and no limit.
    pub fn new(place_count: usize, own_count: usize) -> Self {
        Self {
            first: vec![NONE; place_count].into(),
            others: vec![NONE; own_count].into(),
            woken: Vec::with_capacity(own_count),
            next: 0,
            waiting_count: 0,
            most_waiting: usize::MAX,
        }
    }

    /// Begins a run. Nobody watches: in the run before, every input came.
    pub fn begin_run(&mut self) {
        self.next = 0;
    }

    /// The last place that has had its turn, or 0.
    #[inline]
    pub fn last_turn(&self) -> u32 {
        self.next.saturating_sub(1)
    }

    /// Takes the next task: one that has waited if there is one, otherwise the next in order. `None` if nothing can run
    /// before an input comes.
    #[inline]
    pub fn pop(&mut self) -> Option<u32> {
        if let Some(place) = self.woken.pop() {
            return Some(place);
        }
        let place = self.next;
        let has_turn =
            (place as usize) < self.others.len() && self.waiting_count < self.most_waiting;
        self.next += u32::from(has_turn);
        has_turn.then_some(place)
    }

    /// Lets the task at `place` wait for `input`.
    #[inline]
    pub fn wait(&mut self, place: u32, input: u32) {
        self.waiting_count += 1;
        self.others[place as usize] = std::mem::replace(&mut self.first[input as usize], place);
    }

    /// The value at `place` has come.
    #[inline]
    pub fn wake(&mut self, place: usize) {
        let mut task = self.first[place];
        if task == NONE {
            return;
        }
        self.first[place] = NONE;
        while task != NONE {
            self.woken.push(task);
            self.waiting_count -= 1;
            task = self.others[task as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use taskdyno_core::random::SplitMix64;

    use super::*;
    use crate::graphs::random;
    use crate::partition::Partition;
    use crate::share::Share;

    /// One rank of the model: what it has, which values are there, and which are on their way to whom.
    struct Rank {
        share: Share,
        watch: Watch,
        is_there: Vec<bool>,
        ran: usize,
    }

    /// Runs a task of `rank` or makes it wait, and returns who gets its value; `None` if it has nothing to do.
    fn step(rank: &mut Rank) -> Option<Vec<(usize, u32)>> {
        let place = rank.watch.pop()?;
        let inputs = rank.share.inputs.of(place as usize);
        let missing = inputs.iter().find(|input| !rank.is_there[**input as usize]);
        if let Some(&input) = missing {
            rank.watch.wait(place, input);
            return Some(Vec::new());
        }
        assert!(!std::mem::replace(&mut rank.is_there[place as usize], true));
        rank.ran += 1;
        rank.watch.wake(place as usize);
        let to = rank.share.destinations.of(place as usize).iter();
        Some(to.map(|to| (to.rank as usize, to.place)).collect())
    }

    #[test]
    fn every_task_runs_once_in_whatever_order_values_come() {
        let mut random_numbers = SplitMix64::new(3);
        let mut draw = |below: usize| (random_numbers.next_u64() % below as u64) as usize;
        for seed in 0..200 {
            let graph = random(60, seed);
            let (count, limit) = (1 + draw(4), [1, 2, 5, usize::MAX][draw(4)]);
            let owners = Partition::ALL[draw(3)].owners(&graph, count);
            let rank = |rank| {
                let share = Share::new(&graph, &owners, rank as u32, count);
                let mut watch = Watch::new(share.tasks.len(), share.own_count);
                watch.most_waiting = limit;
                let is_there = vec![false; share.tasks.len()];
                Rank {
                    share,
                    watch,
                    is_there,
                    ran: 0,
                }
            };
            let mut ranks: Vec<Rank> = (0..count).map(rank).collect();
            for _ in 0..2 {
                for rank in &mut ranks {
                    rank.watch.begin_run();
                    rank.is_there.fill(false);
                    rank.ran = 0;
                }
                let mut on_the_way: Vec<(usize, u32)> = Vec::new();
                while ranks.iter().any(|rank| rank.ran < rank.share.own_count) {
                    // Either a message arrives or a rank goes on; if the ranks cannot, a message must.
                    let first = draw(count);
                    let moved = (0..count).find_map(|one| {
                        (draw(3) > 0 || on_the_way.is_empty())
                            .then(|| step(&mut ranks[(first + one) % count]))?
                    });
                    match moved {
                        Some(values) => on_the_way.extend(values),
                        None => {
                            assert!(!on_the_way.is_empty(), "seed {seed}: nobody can go on");
                            let (to, place) = on_the_way.swap_remove(draw(on_the_way.len()));
                            ranks[to].is_there[place as usize] = true;
                            ranks[to].watch.wake(place as usize);
                        }
                    }
                }
                assert!(on_the_way.iter().all(|(to, _)| {
                    let rank = &ranks[*to];
                    rank.ran == rank.share.own_count
                }));
                for (to, place) in on_the_way {
                    ranks[to].watch.wake(place as usize);
                }
            }
        }
    }
}
