//! A table of figures, with goals, that are measured in rounds.

use std::hint::black_box;
use std::time::Instant;

use crate::arguments::{self, Request};

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    /// The result, with its unit.
    pub(crate) found: String,
    /// The goal, in the same unit.
    pub(crate) goal: String,
    pub(crate) is_met: bool,
}

/// How much to measure.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// The number of rounds of A B B A.
    pub(crate) rounds: usize,
    /// The divisor of the sizes of graphs and loops.
    pub(crate) shrink: u64,
}

const MEASURE: Effort = Effort {
    rounds: 41,
    shrink: 1,
};

const TEST: Effort = Effort {
    rounds: 1,
    shrink: 100,
};

/// A part of the table: its name, and how to measure it.
pub(crate) type Section = (&'static str, fn(Effort) -> Vec<Row>);

/// Does what the command line asks for with `sections`.
pub(crate) fn main(sections: &[Section]) {
    match arguments::parse(std::env::args().skip(1)) {
        Request::Nothing => {}
        Request::List(filter) => {
            for (name, _) in sections.iter().filter(|(name, _)| filter.matches(name)) {
                println!("{name}: benchmark");
            }
        }
        Request::Test(filter) => {
            for (name, measure) in sections.iter().filter(|(name, _)| filter.matches(name)) {
                measure(TEST);
                println!("{name}: ok");
            }
        }
        Request::Measure(filter) => {
            let wanted = sections.iter().filter(|(name, _)| filter.matches(name));
            for row in wanted.flat_map(|(_, measure)| measure(MEASURE)) {
                print(&row);
            }
        }
    }
}

fn print(row: &Row) {
    let verdict = if row.is_met { "met" } else { "MISSED" };
    println!(
        "{:<82} {:>11} {:>9}  {verdict}",
        row.what, row.found, row.goal
    );
}

impl Row {
    /// A time in nanoseconds that must be at most `goal`.
    pub(crate) fn nanoseconds(what: impl Into<String>, found: f64, goal: f64) -> Self {
        Self {
            what: what.into(),
            found: format!("{found:.1} ns"),
            goal: format!("≤ {goal} ns"),
            is_met: found <= goal,
        }
    }

    /// A ratio that must be at most `goal`.
    pub(crate) fn at_most(what: impl Into<String>, found: f64, goal: f64) -> Self {
        Self {
            what: what.into(),
            found: format!("{found:.3} ×"),
            goal: format!("≤ {goal} ×"),
            is_met: found <= goal,
        }
    }

    /// A ratio that must be at least `goal`.
    pub(crate) fn at_least(what: impl Into<String>, found: f64, goal: f64) -> Self {
        Self {
            goal: format!("≥ {goal} ×"),
            is_met: found >= goal,
            ..Self::at_most(what, found, goal)
        }
    }
}

pub(crate) fn nanoseconds<R>(body: impl FnOnce() -> R) -> f64 {
    let start = Instant::now();
    black_box(body());
    start.elapsed().as_nanos() as f64
}

/// Measures A B B A in each round, and returns the two means of each round.
pub(crate) fn rounds(
    effort: Effort,
    mut a: impl FnMut() -> f64,
    mut b: impl FnMut() -> f64,
) -> Vec<(f64, f64)> {
    let mut round = || {
        let (first, second, third, fourth) = (a(), b(), b(), a());
        ((first + fourth) / 2.0, (second + third) / 2.0)
    };
    // The first round is a warm-up.
    round();
    (0..effort.rounds).map(|_| round()).collect()
}

/// The median over the rounds of A over B.
pub(crate) fn median_ratio(rounds: &[(f64, f64)]) -> f64 {
    median(rounds.iter().map(|(a, b)| a / b))
}

/// The median of an odd number of values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
