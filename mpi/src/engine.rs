//! Runs a rank's tasks in the order that the engine demands, and exchanges values.

use std::sync::Arc;

use crate::crew::Crew;
use crate::field::{Field, Ran};
use crate::pace::{FirstRun, Pace, timed};
use crate::post::{MOST_BODY_WORDS, Post, Waiting};
use crate::trouble::Trouble;
use crate::watch::Watch;

/// When tasks run and values travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// A task runs as soon as its inputs are there, and its value leaves at once, or with others that are ready too.
    Dataflow,
    /// All ranks run a level, exchange its values, and meet at a barrier.
    Bulk,
    /// Each rank runs a level as soon as the values of the levels before it are there, and waits for its sends.
    Waitall,
}

impl EngineKind {
    /// All, the default first.
    pub const ALL: [Self; 3] = [Self::Dataflow, Self::Bulk, Self::Waitall];

    /// The value of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dataflow => "dataflow",
            Self::Bulk => "bulk",
            Self::Waitall => "waitall",
        }
    }
}

/// Runs the tasks of one rank.
pub struct Engine {
    kind: EngineKind,
    field: Arc<Field>,
    crew: Option<Crew>,
    outboxes: Vec<Vec<u64>>,
    /// `None` until the first run has measured tasks and messages.
    pace: Option<Pace>,
    watch: Watch,
    /// How many values of each level have arrived, for engines that go by levels.
    arrived: Vec<u32>,
}

impl Engine {
    /// No run yet. `threads` execute tasks, one of them the caller's. The others are bound to the cores `seats`, if there are
    /// any.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    pub fn new(
        kind: EngineKind,
        field: Field,
        threads: usize,
        is_crowded: bool,
        rank_count: usize,
        seats: &[u64],
    ) -> Result<Self, Trouble> {
        let field = Arc::new(field);
        let crew = match threads {
            0 | 1 => None,
            more => {
                let counts = kind == EngineKind::Dataflow;
                Some(Crew::start(&field, more - 1, counts, is_crowded, seats)?)
            }
        };
        Ok(Self {
            kind,
            crew,
            outboxes: vec![Vec::new(); rank_count],
            pace: None,
            watch: Watch::new(field.share.tasks.len(), field.share.own_count),
            arrived: vec![0; field.share.level_count()],
            field,
        })
    }

    /// The values.
    pub fn field(&self) -> &Field {
        &self.field
    }

    /// Other threads of this rank wake up, or go to sleep.
    pub fn wake(&self, awake: bool) {
        if let Some(crew) = &self.crew {
            crew.wake(awake);
        }
    }

    /// One run, up to and including the barrier at its end.
    ///
    /// # Errors
    ///
    /// If a task failed, or a rank.
    pub fn run(&mut self, post: &mut Post, nonce: u64) -> Result<(), Trouble> {
        self.field.begin_run(nonce);
        self.arrived.fill(0);
        self.watch.begin_run();
        // Before values are delivered: they make tasks ready, and other threads run these at once.
        if let Some(crew) = &self.crew {
            crew.begin_run();
        }
        self.deliver_early(post)?;
        match self.kind {
            EngineKind::Dataflow if self.crew.is_some() => self.shared_dataflow(post)?,
            EngineKind::Dataflow => self.dataflow(post)?,
            EngineKind::Bulk | EngineKind::Waitall => self.levels(post)?,
        }
        post.barrier()
    }

    fn deliver_early(&mut self, post: &mut Post) -> Result<(), Trouble> {
        for (from, items) in post.early() {
            self.deliver(from, &items)?;
        }
        Ok(())
    }

    /// Stores values from another rank.
    fn deliver(&mut self, from: usize, items: &[u64]) -> Result<(), Trouble> {
        let (field, kind) = (&*self.field, self.kind);
        let (watch, arrived, crew) = (&mut self.watch, &mut self.arrived, &self.crew);
        field.unpack(from, items, |place| match crew {
            _ if kind != EngineKind::Dataflow => {
                let level = field.share.foreign_levels[place - field.share.own_count];
                arrived[level as usize] += 1;
            }
            Some(crew) => field.count(place, |reader| crew.push(reader)),
            None => watch.wake(place),
        })
    }

    /// Receives the next message, if one has arrived.
    #[inline]
    fn receive_one(&mut self, post: &mut Post) -> Result<bool, Trouble> {
        post.poll(&mut |from, items| self.deliver(from, items))
    }

    /// Receives what has arrived. Returns whether something has.
    fn receive(&mut self, post: &mut Post) -> Result<bool, Trouble> {
        let mut any = false;
        while self.receive_one(post)? {
            any = true;
        }
        Ok(any)
    }

    fn dataflow(&mut self, post: &mut Post) -> Result<(), Trouble> {
        let field = Arc::clone(&self.field);
        let share = &field.share;
        let is_first = self.pace.is_none();
        let pace = self.pace.unwrap_or(Pace::UNKNOWN);
        let mut first = FirstRun::default();
        self.watch.most_waiting = pace.most_waiting;
        let (mut left, mut is_idle, mut waited) = (share.own_count, false, Waiting::default());
        // How many tasks ran since the last look, and since the oldest value that has not left.
        let (mut unlooked, mut unsent) = (pace.look, None);
        // The value waits for so many tasks, and not for those from this place on.
        let (mut batch, mut batch_end) = (0, 0);
        while left > 0 {
            if is_idle || unlooked >= pace.look {
                let (any, ns) = timed(is_first, || self.receive_one(post))?;
                // More may have arrived. But what this one has made ready comes first: others may wait for it.
                if any {
                    waited = Waiting::default();
                    first.receive_ns = first.receive_ns.min(ns);
                } else {
                    unlooked = 0;
                    first.look_ns = first.look_ns.min(ns);
                }
            }
            let next = self.watch.pop();
            let is_batch_over =
                |tasks| tasks >= batch || next.is_none_or(|place: u32| place >= batch_end);
            if unsent.is_some_and(is_batch_over) {
                unsent = None;
                let ((), ns) = timed(is_first, || self.flush(post))?;
                first.send_ns = first.send_ns.min(ns);
            }
            is_idle = next.is_none();
            let Some(place) = next else {
                waited.once_more(post)?;
                continue;
            };
            let (ran, ns) = timed(is_first, || field.run(place as usize))?;
            if let Ran::Missed(input) = ran {
                self.watch.wait(place, input);
                continue;
            }
            first.work_ns += ns;
            left -= 1;
            unlooked += 1;
            self.watch.wake(place as usize);
            if !share.destinations.of(place as usize).is_empty() {
                self.pack(post, place)?;
                if unsent.is_none() {
                    unsent = Some(0);
                    let turn = self.watch.last_turn();
                    batch = match place < turn {
                        true => pace.late_batch,
                        false => pace.batch,
                    };
                    batch_end = share.batch_ends[place.max(turn) as usize];
                }
            }
            unsent = unsent.map(|tasks| tasks + 1);
        }
        self.flush(post)?;
        if is_first {
            self.pace = Some(first.pace(share.own_count));
        }
        Ok(())
    }

    /// The same with other threads, which leave the places of tasks whose values go elsewhere to this one.
    fn shared_dataflow(&mut self, post: &mut Post) -> Result<(), Trouble> {
        let field = Arc::clone(&self.field);
        if let Some(crew) = &self.crew {
            field
                .share
                .sources
                .iter()
                .for_each(|source| crew.push(*source));
        }
        let mut waited = Waiting::default();
        loop {
            let mut any = self.receive(post)?;
            let Some(crew) = &self.crew else {
                return Ok(());
            };
            crew.check()?;
            // Before the places are taken: a task counts as done after its place was left.
            let is_over = crew.done() == field.share.own_count;
            let finished = crew.finished();
            let task = crew.pop();
            any |= !finished.is_empty() || task.is_some();
            for place in finished {
                self.pack(post, place)?;
            }
            self.flush(post)?;
            if is_over {
                return Ok(());
            }
            if let (Some(place), Some(crew)) = (task, &self.crew) {
                crew.execute(&field, place);
            }
            match any {
                true => waited = Waiting::default(),
                false => waited.once_more(post)?,
            }
        }
    }

    /// Level by level.
    fn levels(&mut self, post: &mut Post) -> Result<(), Trouble> {
        let field = Arc::clone(&self.field);
        for level in 0..field.share.level_count() {
            if level > 0 {
                self.wait_for(post, level - 1)?;
            }
            let tasks = field.share.level(level);
            match &self.crew {
                None => tasks
                    .clone()
                    .try_for_each(|place| field.run_now(place as usize))?,
                Some(crew) => {
                    crew.run_all(&field, tasks.clone())?;
                }
            }
            for place in tasks {
                self.pack(post, place)?;
            }
            self.flush(post)?;
            if self.kind == EngineKind::Bulk {
                self.wait_for(post, level)?;
                post.barrier()?;
                self.deliver_early(post)?;
            } else {
                post.wait_for_sends(&mut |from, items| self.deliver(from, items))?;
            }
        }
        Ok(())
    }

    /// Waits until the values of this level have arrived. Those of later levels may come before.
    fn wait_for(&mut self, post: &mut Post, level: usize) -> Result<(), Trouble> {
        let needed = self.field.share.expected[level];
        let mut waited = Waiting::default();
        while self.arrived[level] < needed {
            match post.poll(&mut |from, items| self.deliver(from, items))? {
                true => waited = Waiting::default(),
                false => waited.once_more(post)?,
            }
        }
        Ok(())
    }

    /// Puts the value of a task into the outboxes of all who read it.
    #[inline]
    fn pack(&mut self, post: &mut Post, place: u32) -> Result<(), Trouble> {
        let field = &*self.field;
        for &to in field.share.destinations.of(place as usize) {
            let rank = to.rank as usize;
            let outbox = &mut self.outboxes[rank];
            if outbox.len() + field.item_words() > MOST_BODY_WORDS {
                post.send_values(rank, outbox)?;
                outbox.clear();
            }
            field.pack(place as usize, to, outbox, |part| {
                post.send_values(rank, part)
            })?;
        }
        Ok(())
    }

    /// Sends what is in the outboxes.
    #[inline]
    fn flush(&mut self, post: &mut Post) -> Result<(), Trouble> {
        for (rank, outbox) in self.outboxes.iter_mut().enumerate() {
            if !outbox.is_empty() {
                post.send_values(rank, outbox)?;
                outbox.clear();
            }
        }
        Ok(())
    }
}
