//! The values of one rank, and what running a task means.
//!
//! A word holds the stamp of its run in 16 bits and the value in 48, as in the core. Messages with values have items: the
//! place at the receiver, the word, and the bytes that the task hands on, if they fit. Otherwise the bytes come before, in
//! messages of their own, whose first word has the highest bit set and the offset below it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use taskdyno_core::execute::{Content, Seed, VALUE_MASK};
use taskdyno_core::graph::TaskId;
use taskdyno_core::kernel::Kernel;

use crate::post::MOST_BODY_WORDS;
use crate::share::{Destination, Share};
use crate::trouble::Trouble;

/// Bytes of at most this many words go with the value.
const INLINE_WORDS: usize = 1024;

/// Marks a message that holds a part of the bytes of one task.
const PART: u64 = 1 << 63;

/// Whether a task ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// It did.
    Yes,
    /// It did not, because the input at this place is missing.
    Missed(u32),
}

/// The values of one rank.
pub struct Field {
    /// What it has of the graph.
    pub share: Share,
    kernel: Box<dyn Kernel>,
    words: Box<[AtomicU64]>,
    /// How many inputs each own task waits for.
    pending: Box<[AtomicU32]>,
    payload: Box<[AtomicU64]>,
    payload_words: usize,
    last_mask: u64,
    nonce: AtomicU64,
    stamp: AtomicU64,
}

impl Field {
    /// No run yet.
    pub fn new(share: Share, kernel: Box<dyn Kernel>, output_bytes: u32) -> Self {
        let place_count = share.tasks.len();
        let payload_words = (output_bytes as usize).div_ceil(8);
        let unused_bits = 8 * (8 * payload_words - output_bytes as usize) as u32;
        let zeros = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            words: zeros(place_count),
            pending: (0..share.own_count)
                .map(|place| AtomicU32::new(share.inputs.of(place).len() as u32))
                .collect(),
            payload: zeros(place_count * payload_words),
            payload_words,
            last_mask: u64::from_le(u64::MAX.checked_shr(unused_bits).unwrap_or(0)),
            nonce: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
            share,
            kernel,
        }
    }

    /// Begins the next run. Nothing may be running.
    pub fn begin_run(&self, nonce: u64) {
        // Relaxed: other threads see both when they take their first task from the queue.
        self.nonce.store(nonce, Ordering::Relaxed);
        // The stamps go from 1 to 2^16 - 1, because a place that was never written has 0.
        self.stamp
            .store(self.stamp() % 0xFFFF + 1, Ordering::Relaxed);
    }

    #[inline]
    fn stamp(&self) -> u64 {
        // Relaxed: see `begin_run`.
        self.stamp.load(Ordering::Relaxed)
    }

    /// Forgets what earlier samples did besides computing values.
    pub fn reset_kernel(&self) {
        self.kernel.reset();
    }

    /// The words of each item of a message.
    pub fn item_words(&self) -> usize {
        match self.payload_words {
            words if words <= INLINE_WORDS => 2 + words,
            _ => 2,
        }
    }

    fn payload(&self, place: usize) -> &[AtomicU64] {
        let start = place * self.payload_words;
        &self.payload[start..start + self.payload_words]
    }

    /// The value of an own task, if it ran in this run.
    pub fn value(&self, place: usize) -> Result<u64, Trouble> {
        // Relaxed: the run is over, and its end was ordered after the store.
        let word = self.words[place].load(Ordering::Relaxed);
        match word >> 48 == self.stamp() {
            true => Ok(word & VALUE_MASK),
            false => {
                let task = self.share.tasks[place];
                let message = format!("task {task} was lost: the run ended without its output");
                Err(Trouble::new("lost-task", message).of_task(task))
            }
        }
    }

    /// Runs the own task at `place`, whose inputs must be there.
    #[inline]
    pub fn run_now(&self, place: usize) -> Result<(), Trouble> {
        match self.run(place)? {
            Ran::Yes => Ok(()),
            Ran::Missed(input) => Err(self.missing(TaskId(self.share.tasks[place]), input)),
        }
    }

    /// Runs the own task at `place`: checks and combines its inputs, works, and stores its value.
    #[inline]
    pub fn run(&self, place: usize) -> Result<Ran, Trouble> {
        let task = TaskId(self.share.tasks[place]);
        let stamp = self.stamp();
        // Relaxed: see `begin_run`.
        let mut seed = Seed::new(task, self.nonce.load(Ordering::Relaxed));
        for &input in self.share.inputs.of(place) {
            // Acquire: what was handed on with the value was written before it.
            let word = self.words[input as usize].load(Ordering::Acquire);
            if word >> 48 != stamp {
                return Ok(Ran::Missed(input));
            }
            seed.fold(word & VALUE_MASK);
            if self.payload_words > 0 {
                self.check(task, input as usize, word)?;
            }
        }
        let seed = seed.finish();
        let work = AssertUnwindSafe(|| self.kernel.run(task, seed));
        let value = catch_unwind(work).map_err(|panic| panicked(task, &*panic))?;
        let word = stamp << 48 | value & VALUE_MASK;
        if self.payload_words > 0 {
            self.write(place, word);
        }
        // Release: publishes what the task hands on. Relaxed for the read: only this run's own store matters, which a
        // second run of the task would follow in any case.
        let before = self.words[place].load(Ordering::Relaxed);
        if before >> 48 == stamp {
            let message = format!("task {task} ran twice");
            return Err(Trouble::new("not-once", message).of_task(task.0));
        }
        self.words[place].store(word, Ordering::Release);
        Ok(Ran::Yes)
    }

    /// Calls `ready` for each own task whose last missing input is the one at `place`. Other threads count too.
    #[inline]
    pub fn count(&self, place: usize, mut ready: impl FnMut(u32)) {
        for &reader in self.share.readers.of(place) {
            let pending = &self.pending[reader as usize];
            // Acquire and Release: a count publishes an input, and the last count acquires them all.
            if pending.fetch_sub(1, Ordering::AcqRel) == 1 {
                let all = self.share.inputs.of(reader as usize).len() as u32;
                // Relaxed: nobody counts it again before the next run, whose beginning is ordered after this.
                pending.store(all, Ordering::Relaxed);
                ready(reader);
            }
        }
    }

    /// Appends the item of an own task that goes to `to`. Bytes that do not fit are sent before, through `send`.
    #[inline]
    pub fn pack(
        &self,
        place: usize,
        to: Destination,
        items: &mut Vec<u64>,
        mut send: impl FnMut(&[u64]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        // Acquire: another thread may have run the task.
        let word = self.words[place].load(Ordering::Acquire);
        // Relaxed: ordered by the load above.
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        if self.payload_words > INLINE_WORDS {
            let parts = self.payload(place).chunks(MOST_BODY_WORDS - 2);
            for (index, part) in parts.enumerate() {
                let offset = (index * (MOST_BODY_WORDS - 2)) as u64;
                let mut message = vec![PART | offset, u64::from(to.place)];
                message.extend(part.iter().map(load));
                send(&message)?;
            }
            items.extend([u64::from(to.place), word]);
            return Ok(());
        }
        items.extend([u64::from(to.place), word]);
        items.extend(self.payload(place).iter().map(load));
        Ok(())
    }

    /// Stores what another rank has sent, and calls `arrived` with the place of each value.
    #[inline]
    pub fn unpack(
        &self,
        from: usize,
        items: &[u64],
        mut arrived: impl FnMut(usize),
    ) -> Result<(), Trouble> {
        if let [first, place, part @ ..] = items
            && first & PART != 0
        {
            let place = self.foreign(from, *place)?;
            let offset = (first & !PART) as usize;
            let target = self.payload(place).get(offset..offset + part.len());
            let target = target.ok_or_else(|| unknown(from, place as u64))?;
            return self.copy(place, target, part);
        }
        for item in items.chunks(self.item_words()) {
            let [place, word, bytes @ ..] = item else {
                return Err(Trouble::backend(format!(
                    "rank {from} sent a part of an item"
                )));
            };
            let place = self.foreign(from, *place)?;
            let task = self.share.tasks[place];
            if word >> 48 != self.stamp() {
                let message =
                    format!("rank {from} sent the output of task {task} in another run's message");
                return Err(Trouble::backend(message).of_task(task));
            }
            // Relaxed: only the thread that receives stores here.
            if self.words[place].load(Ordering::Relaxed) >> 48 == self.stamp() {
                let message = format!("the output of task {task} came twice from rank {from}");
                return Err(Trouble::backend(message).of_task(task));
            }
            if self.payload_words <= INLINE_WORDS {
                self.copy(place, self.payload(place), bytes)?;
            }
            // Release: publishes the bytes.
            self.words[place].store(*word, Ordering::Release);
            arrived(place);
        }
        Ok(())
    }

    fn foreign(&self, from: usize, place: u64) -> Result<usize, Trouble> {
        let places = self.share.own_count..self.share.tasks.len();
        let found = usize::try_from(place).ok();
        found
            .filter(|place| places.contains(place))
            .ok_or_else(|| unknown(from, place))
    }

    fn copy(&self, place: usize, target: &[AtomicU64], words: &[u64]) -> Result<(), Trouble> {
        if target.len() != words.len() {
            let task = self.share.tasks[place];
            let message = format!("not all bytes of task {task} came with its value");
            return Err(Trouble::backend(message).of_task(task));
        }
        for (target, word) in target.iter().zip(words) {
            // Relaxed: the store of the value publishes it.
            target.store(*word, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes the bytes that the task at `place` hands on.
    fn write(&self, place: usize, word: u64) {
        let mut content = Content::new(TaskId(self.share.tasks[place]), word);
        if let Some((last, others)) = self.payload(place).split_last() {
            // Relaxed: the store of the value publishes them.
            for place in others {
                place.store(content.next_word(), Ordering::Relaxed);
            }
            last.store(content.next_word() & self.last_mask, Ordering::Relaxed);
        }
    }

    /// Compares all bytes at `place` with what its task must hand on.
    fn check(&self, reader: TaskId, place: usize, word: u64) -> Result<(), Trouble> {
        let predecessor = self.share.tasks[place];
        let mut content = Content::new(TaskId(predecessor), word);
        let words = self.payload(place);
        for (index, found) in words.iter().enumerate() {
            let mask = if index + 1 == words.len() {
                self.last_mask
            } else {
                u64::MAX
            };
            // Relaxed: the load of the value has acquired them.
            let different = found.load(Ordering::Relaxed) ^ content.next_word() & mask;
            if different != 0 {
                let byte = 8 * index as u32 + different.to_le().trailing_zeros() / 8;
                let message = format!(
                    "byte {byte} that task {reader} received from its predecessor {predecessor} is wrong"
                );
                return Err(Trouble::new("wrong-payload", message).of_task(reader.0));
            }
        }
        Ok(())
    }

    #[cold]
    fn missing(&self, task: TaskId, input: u32) -> Trouble {
        let predecessor = self.share.tasks[input as usize];
        let message = format!("task {task} ran before its predecessor {predecessor} had finished");
        Trouble::new("missing-input", message).of_task(task.0)
    }
}

#[cold]
fn unknown(from: usize, place: u64) -> Trouble {
    Trouble::backend(format!(
        "rank {from} sent a value to place {place}, which is none"
    ))
}

#[cold]
fn panicked(task: TaskId, panic: &(dyn Any + Send)) -> Trouble {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("it has no message");
    let message = format!("the kernel panicked in task {task}: {text}");
    Trouble::new("panic", message).of_task(task.0)
}
