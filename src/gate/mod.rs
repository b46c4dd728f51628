//! The gate: runs two builds in alternation, pair by pair, until it is known whether one is slower.
//!
//! | module | what it does |
//! |---|---|
//! | `build` | finds or builds the program for a file or a revision |
//! | `listing` | finds the cases that both programs have |
//! | `pair` | measures one pair of fresh processes that alternate |
//! | `engine` | decides which pair comes next and when the gate ends |
//! | `track` | one case: its pairs so far, and what they say |
//! | `log` | stores finished pairs on disk |
//! | `self_test` | measures what the gate detects on this machine |
//! | `neighbour` | keeps a core busy during a self-test |
//!
//! METHODOLOGY.md gives the reasons. The verdicts are computed in [`crate::compare`].

use std::path::Path;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::case::{ChildProgram, Idle, Works};
use crate::compare::{Judgement, Side, SideError};
use crate::stats::paired::Looks;

pub(crate) mod build;
mod engine;
#[cfg(test)]
mod fixture;
mod listing;
mod log;
mod neighbour;
mod pair;
pub(crate) mod self_test;
mod steady;
mod track;

pub(crate) use engine::{Ran, Stop, run};
pub(crate) use listing::{ListedCase, Matched, list, match_up};
pub(crate) use log::{Header, LogError, PAIRS_VERSION, PairLog};
pub(crate) use neighbour::{Neighbour, be_busy};
pub(crate) use pair::Pair;

/// One value per side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Both<T> {
    /// The base, which is compared against.
    pub base: T,
    /// The head, which is judged.
    pub head: T,
}

impl<T> Both<T> {
    /// The value of one side.
    pub(crate) fn of(&self, side: Side) -> &T {
        match side {
            Side::Base => &self.base,
            Side::Head => &self.head,
        }
    }

    /// The value of one side, mutable.
    pub(crate) fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Base => &mut self.base,
            Side::Head => &mut self.head,
        }
    }
}

/// How a gate measures and when it judges. It is decided before the first pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GatePlan {
    /// The seed of all random orders.
    pub seed: u64,
    /// Whether workers are bound to cores. This is not part of the cases, because their names must not depend on what
    /// else the machine does.
    pub pin: bool,
    /// The chance of a false alarm in the whole gate.
    pub alpha: f64,
    /// The number of pairs of every case, after which all are judged once. Null if they are judged after every pair, so
    /// that a case gets only as many pairs as it needs.
    pub pair_count: Option<u64>,
    /// The rounds of a pair. Each has two slices per side.
    pub round_count: u32,
    /// How long a process warms up.
    pub warmup_ns: u64,
    /// A sample contains enough runs to last at least this long.
    pub min_sample_ns: u64,
    /// A slice contains enough samples to last at least this long.
    pub slice_ns: u64,
    /// The time limit of a process. A workload's own timeout overrides it.
    pub timeout_ns: u64,
}

impl GatePlan {
    /// The default plan: a pair of processes takes about a sixth of a second, and the cases are judged after every pair.
    /// Pairs differ mostly because their processes differ, so many short pairs give more information than a few long
    /// ones.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            pin: false,
            alpha: 0.01,
            pair_count: None,
            round_count: 3,
            // Starting a process takes about the same time again.
            warmup_ns: 10_000_000,
            // Eight samples per slice, of which the median is used.
            min_sample_ns: 1_000_000,
            slice_ns: 8_000_000,
            timeout_ns: 60_000_000_000,
        }
    }

    /// When the pairs are looked at.
    pub(crate) fn looks(&self) -> Looks {
        match self.pair_count {
            Some(_) => Looks::Once,
            None => Looks::AfterEveryPair,
        }
    }

    /// The fewest pairs with which any verdict on `case_count` cases can be reached.
    pub(crate) fn fewest_pairs(&self, case_count: usize) -> u64 {
        let level = self.alpha / 2.0 / case_count.max(1) as f64;
        self.looks().fewest_pairs(level)
    }
}

/// A case and the two programs that run it.
#[derive(Debug, Clone)]
pub(crate) struct Contest {
    /// The case.
    pub case: ListedCase,
    /// The programs that run it.
    pub arms: Both<Arm>,
    /// Changes smaller than this are ignored.
    pub threshold_ratio: f64,
    /// Whether both programs are the base.
    pub is_control: bool,
}

/// One of the two programs, or one of two versions of a foreign runtime.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    /// The program, as a child.
    pub child: ChildProgram,
    /// What its cases must compute, according to the same build.
    pub works: Rc<Works>,
    /// The planted slow-down, if any; see [`crate::case::protocol::Prepare`].
    pub stretch_ratio: Option<f64>,
}

impl Arm {
    /// A build of taskdyno, or a program that uses its harness, unchanged. The nonces of its runs are drawn from `seed`.
    pub(crate) fn of_build(program: &Path, seed: u64) -> Self {
        Self {
            child: ChildProgram::of_build(program),
            works: Rc::new(Works::new(program, seed)),
            stretch_ratio: None,
        }
    }
}

/// Observes a gate and may stop it.
pub(crate) trait Watcher: Idle {
    /// A pair begins. About `left` pairs remain, this one included.
    fn begin(&mut self, case: &str, left: u64);
    /// A case is decided, while others are still measured.
    fn decided(&mut self, case: &str, judgement: &Judgement);
    /// A case was given up.
    fn failed(&mut self, case: &str, error: &SideError);
}
