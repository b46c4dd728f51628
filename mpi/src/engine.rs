//! Runs a rank's tasks in the order that the engine demands, and exchanges values.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::crew::Crew;
use crate::field::Field;
use crate::post::{MOST_BODY_WORDS, Post, Waiting};
use crate::trouble::Trouble;

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

/// A value does not wait for others longer than about this many nanoseconds of their work.
const BATCH_NS: u64 = 2000;

/// The most tasks whose values leave together.
const MOST_BATCH: usize = 64;

/// Runs the tasks of one rank.
pub struct Engine {
    kind: EngineKind,
    field: Arc<Field>,
    crew: Option<Crew>,
    outboxes: Vec<Vec<u64>>,
    /// How many tasks run between two looks at the messages, and the most whose values leave together. 0 until the first
    /// run has measured the tasks.
    batch: usize,
    progress: Progress,
}

/// How far a run is.
#[derive(Default)]
struct Progress {
    /// Ready tasks whose values go to other ranks: they run first, because others wait for them.
    boundary: VecDeque<u32>,
    /// Other ready tasks.
    interior: VecDeque<u32>,
    /// How many values of each level have arrived, for engines that go by levels.
    arrived: Vec<u32>,
}

impl Progress {
    #[inline]
    fn ready(&mut self, field: &Field, place: u32) {
        match field.share.destinations.of(place as usize).is_empty() {
            true => self.interior.push_back(place),
            false => self.boundary.push_back(place),
        }
    }
}

impl Engine {
    /// No run yet. `threads` execute tasks, one of them the caller's.
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
    ) -> Result<Self, Trouble> {
        let field = Arc::new(field);
        let level_count = field.share.level_count();
        let crew = match threads {
            0 | 1 => None,
            more => {
                let counts = kind == EngineKind::Dataflow;
                Some(Crew::start(&field, more - 1, counts, is_crowded)?)
            }
        };
        Ok(Self {
            kind,
            field,
            crew,
            outboxes: vec![Vec::new(); rank_count],
            batch: 0,
            progress: Progress {
                arrived: vec![0; level_count],
                ..Progress::default()
            },
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
        self.progress.arrived.fill(0);
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
        let (field, progress, kind) = (&*self.field, &mut self.progress, self.kind);
        let crew = self.crew.as_ref();
        field.unpack(from, items, |place| {
            if kind != EngineKind::Dataflow {
                let level = field.share.foreign_levels[place - field.share.own_count];
                progress.arrived[level as usize] += 1;
                return;
            }
            match crew {
                Some(crew) => field.count::<true>(place, |reader| crew.push(reader)),
                None => field.count::<false>(place, |reader| progress.ready(field, reader)),
            }
        })
    }

    /// Receives what has arrived. Returns whether something has.
    #[inline]
    fn receive(&mut self, post: &mut Post) -> Result<bool, Trouble> {
        let mut any = false;
        while post.poll(&mut |from, items| self.deliver(from, items))? {
            any = true;
        }
        Ok(any)
    }

    /// The same, but only until a task is ready that others wait for: another look would delay it.
    #[inline]
    fn receive_some(&mut self, post: &mut Post) -> Result<bool, Trouble> {
        let mut any = false;
        while post.poll(&mut |from, items| self.deliver(from, items))? {
            any = true;
            if !self.progress.boundary.is_empty() {
                break;
            }
        }
        Ok(any)
    }

    fn dataflow(&mut self, post: &mut Post) -> Result<(), Trouble> {
        let field = Arc::clone(&self.field);
        for &source in &field.share.sources {
            self.progress.ready(&field, source);
        }
        let is_first = self.batch == 0;
        let (mut left, mut unsent, mut waited) = (field.share.own_count, 0, Waiting::default());
        let (mut until_look, mut work_ns) = (0, 0);
        while left > 0 {
            if until_look == 0 {
                until_look = self.batch.max(1);
                if self.receive_some(post)? {
                    waited = Waiting::default();
                }
            }
            let boundary = self.progress.boundary.pop_front();
            if boundary.is_none() && unsent > 0 {
                self.flush(post)?;
                unsent = 0;
            }
            let Some(place) = boundary.or_else(|| self.progress.interior.pop_front()) else {
                until_look = 0;
                waited.once_more(post)?;
                continue;
            };
            let begin = is_first.then(Instant::now);
            field.run(place as usize)?;
            work_ns += begin.map_or(0, |begin| begin.elapsed().as_nanos() as u64);
            left -= 1;
            until_look -= 1;
            let progress = &mut self.progress;
            field.count::<false>(place as usize, |reader| progress.ready(&field, reader));
            if boundary.is_some() {
                self.pack(post, place)?;
                unsent += 1;
                if unsent >= self.batch {
                    self.flush(post)?;
                    unsent = 0;
                }
            }
        }
        self.flush(post)?;
        if is_first {
            let mean_ns = work_ns / field.share.own_count.max(1) as u64;
            self.batch = ((BATCH_NS / mean_ns.max(1)) as usize).clamp(1, MOST_BATCH);
        }
        Ok(())
    }

    /// The same with other threads, which leave the places of tasks whose values go elsewhere to this one.
    fn shared_dataflow(&mut self, post: &mut Post) -> Result<(), Trouble> {
        let field = Arc::clone(&self.field);
        if let Some(crew) = &self.crew {
            crew.begin_run();
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
        if let Some(crew) = &self.crew {
            crew.begin_run();
        }
        for level in 0..field.share.level_count() {
            if level > 0 {
                self.wait_for(post, level - 1)?;
            }
            let tasks = field.share.level(level);
            match &self.crew {
                None => tasks
                    .clone()
                    .try_for_each(|place| field.run(place as usize))?,
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
        while self.progress.arrived[level] < needed {
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
