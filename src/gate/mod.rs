//! The gate: two builds run in turns, pair by pair, until it is known whether one is slower.
//!
//! | module | what it does |
//! |---|---|
//! | `build` | from what was asked for, a file or a revision, to a program |
//! | `listing` | which cases both programs have |
//! | `pair` | one pair of fresh processes that take turns |
//! | `engine` | which pair comes next, and when it is enough |
//! | `log` | finished pairs on disk |
//! | `self_test` | what the gate can see on this machine |
//! | `neighbour` | a busy loop beside it |
//!
//! METHODOLOGY.md says why it is done so; the verdicts themselves are made in [`crate::compare`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::case::Idle;
use crate::compare::{Side, SideError};
use crate::stats::interval_rank;

pub mod build;
mod engine;
mod listing;
mod log;
mod neighbour;
mod pair;
pub mod self_test;

pub use engine::{Ran, Stop, run};
pub use listing::{ListError, ListedCase, Matched, list, match_up};
pub use log::{Header, LogError, PAIRS_VERSION, PairLog};
pub use neighbour::{Neighbour, be_busy};
pub use pair::{Channel, Pair, PairSlice, SliceSample};

/// Something for each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both<T> {
    /// Of what is compared against.
    pub base: T,
    /// Of what is judged.
    pub head: T,
}

impl<T> Both<T> {
    /// That of one side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Base => &self.base,
            Side::Head => &self.head,
        }
    }

    /// That of one side, to be changed.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Base => &mut self.base,
            Side::Head => &mut self.head,
        }
    }
}

/// How a gate measures and when it judges. Settled before the first pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatePlan {
    /// What every order is drawn from.
    pub seed: u64,
    /// Whether workers are bound to cores. The cases do not say so themselves: what they are called must not hang
    /// on what else the machine does.
    pub pin: bool,
    /// The chance of a false alarm in the whole gate.
    pub alpha: f64,
    /// Pairs of each case before the first look, and before each further one.
    pub pair_count: u64,
    /// How often it is looked at most. `alpha` is shared out among the looks.
    pub look_count: u64,
    /// Rounds of a pair; each has two slices a side.
    pub round_count: u32,
    /// How long a process runs its case before it counts as warm.
    pub warmup_ns: u64,
    /// Runs are put together until a sample is at least this long.
    pub min_sample_ns: u64,
    /// Samples are taken until a slice is at least this long.
    pub slice_ns: u64,
    /// A process that has not ended after this long is killed; a workload's own timeout goes before it.
    pub timeout_ns: u64,
}

impl GatePlan {
    /// The usual plan: a pair of processes takes a sixth of a second, 50 of them see 5%, and 100 see 2%, on
    /// most machines. What differs between pairs is mostly the processes themselves, so that many short pairs tell
    /// more than few long ones.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            pin: false,
            alpha: 0.01,
            pair_count: 50,
            look_count: 2,
            round_count: 3,
            // Starting a process takes about as long again.
            warmup_ns: 10_000_000,
            // Eight samples a slice, of which the median is taken.
            min_sample_ns: 1_000_000,
            slice_ns: 8_000_000,
            timeout_ns: 60_000_000_000,
        }
    }

    /// The part of `alpha` that each look has.
    pub fn alpha_per_look(&self) -> f64 {
        self.alpha / self.look_count as f64
    }

    /// The fewest pairs with which any verdict on `case_count` cases can be reached at one look.
    pub fn fewest_pairs(&self, case_count: usize) -> u64 {
        let alpha = self.alpha_per_look() / case_count.max(1) as f64;
        let reaches = |count: &usize| interval_rank(*count, alpha).is_some();
        (1..).find(|count| reaches(count)).unwrap_or(usize::MAX) as u64
    }
}

/// A case, and the two programs that it is run with.
#[derive(Debug, Clone)]
pub struct Contest {
    /// What is run.
    pub case: ListedCase,
    /// Who runs it.
    pub arms: Both<Arm>,
    /// A change of less than this is none.
    pub threshold_ratio: f64,
    /// Whether the two are the same on purpose.
    pub is_control: bool,
}

/// One of the two programs.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Started with `child`.
    pub program: PathBuf,
    /// A slow-down that is planted in it; see [`crate::case::protocol::Prepare`].
    pub stretch_ratio: Option<f64>,
}

/// Who watches a gate, and may stop it.
pub trait Watcher: Idle {
    /// A pair begins; at most so many are still to come at this look, this one included.
    fn begin(&mut self, case: &str, left: u64);
    /// A case was given up.
    fn failed(&mut self, case: &str, error: &SideError);
}
