//! Claims on the time of tasks of two seconds: how many rounds they take, and what is added to it.

use super::{NOT_FASTER, PART, waiting};
use crate::claim::ClaimValue::Scaled;
use crate::claim::{Claim, ClaimPart, ClaimValue, Contender};
use crate::record::Quantity;

/// "Twice as long", with room for what starting and ending take.
const TWICE: f64 = 1.8;
/// How many times the overhead of Rust the overhead of CPython is at least.
const OVERHEAD_GOAL: f64 = 2.5;

const TWO_SECONDS: &[(&str, ClaimValue)] = &[("duration_ms", Scaled(2000.0))];
const ONE_SECOND: &[(&str, ClaimValue)] = &[("duration_ms", Scaled(1000.0))];

/// Sleeping tasks in rounds: as many as the workers hold at once in each.
const fn in_rounds(
    name: &'static str,
    backend: &'static str,
    (tasks, workers): (u32, u32),
    duration_ms: &'static [(&'static str, ClaimValue)],
) -> Contender {
    Contender {
        rounds: Some(tasks.div_ceil(workers)),
        ..waiting(name, backend, workers, tasks, duration_ms)
    }
}

const fn overhead(statement: &'static str, more: &'static str, less: &'static str) -> ClaimPart {
    ClaimPart {
        statement,
        quantity: Quantity::Overhead,
        more,
        less,
        factor: OVERHEAD_GOAL,
        is_aside: true,
    }
}

pub(super) const TWO_TASKS: Claim = Claim {
    id: "3",
    statement: "Two 2-second tasks take about 4 s sequentially, and about 2 s in two processes or two threads",
    sides: &[
        in_rounds("sequential", "serial", (2, 1), TWO_SECONDS),
        in_rounds("threads", "threads", (2, 2), TWO_SECONDS),
        in_rounds("processes", "fork-per-task", (2, 2), TWO_SECONDS),
        in_rounds("python-threads", "python-threads", (2, 2), TWO_SECONDS),
        in_rounds("python-processes", "python-process", (2, 2), TWO_SECONDS),
    ],
    takes_long: true,
    parts: &[
        ClaimPart {
            statement: "sequential code takes 1.8 × as long as two threads, or longer",
            more: "sequential",
            less: "threads",
            factor: TWICE,
            ..PART
        },
        ClaimPart {
            statement: "sequential code takes 1.8 × as long as two processes, or longer",
            more: "sequential",
            less: "processes",
            factor: TWICE,
            ..PART
        },
        ClaimPart {
            statement: "sequential code takes 1.8 × as long as two threads of CPython, or longer",
            more: "sequential",
            less: "python-threads",
            factor: TWICE,
            ..PART
        },
        ClaimPart {
            statement: "sequential code takes 1.8 × as long as two processes of CPython, or longer",
            more: "sequential",
            less: "python-processes",
            factor: TWICE,
            ..PART
        },
        overhead(
            "the overhead of two threads in CPython is more than 2.5 × that in Rust",
            "python-threads",
            "threads",
        ),
        overhead(
            "the overhead of two processes in CPython is more than 2.5 × that in Rust",
            "python-processes",
            "processes",
        ),
    ],
};

const fn two_rounds(statement: &'static str, less: &'static str) -> ClaimPart {
    ClaimPart {
        statement,
        more: "one-task",
        less,
        factor: NOT_FASTER / 2.0,
        ..PART
    }
}

pub(super) const ROUNDS: Claim = Claim {
    id: "4",
    statement: "Fourteen 2-second tasks on a pool of 8 take two rounds; so do eight on 5 threads, and five 1-second \
                tasks on 4",
    sides: &[
        in_rounds("one-task", "serial", (1, 1), TWO_SECONDS),
        in_rounds("fourteen-on-8-processes", "fork", (14, 8), TWO_SECONDS),
        in_rounds("eight-on-5-threads", "thread-pool", (8, 5), TWO_SECONDS),
        in_rounds("five-on-4-threads", "thread-pool", (5, 4), ONE_SECOND),
        in_rounds(
            "python-fourteen-on-8-processes",
            "python-process-pool",
            (14, 8),
            TWO_SECONDS,
        ),
        in_rounds(
            "python-eight-on-5-threads",
            "python-thread-pool",
            (8, 5),
            TWO_SECONDS,
        ),
    ],
    takes_long: true,
    parts: &[
        two_rounds(
            "one task takes at least 0.45 × as long as fourteen on 8 processes",
            "fourteen-on-8-processes",
        ),
        two_rounds(
            "one task takes at least 0.45 × as long as eight on 5 threads",
            "eight-on-5-threads",
        ),
        ClaimPart {
            factor: NOT_FASTER,
            ..two_rounds(
                "one 2-second task takes at least 0.91 × as long as five 1-second tasks on 4 threads",
                "five-on-4-threads",
            )
        },
        two_rounds(
            "one task takes at least 0.45 × as long as fourteen on 8 processes of CPython",
            "python-fourteen-on-8-processes",
        ),
        two_rounds(
            "one task takes at least 0.45 × as long as eight on 5 threads of CPython",
            "python-eight-on-5-threads",
        ),
        overhead(
            "the overhead of fourteen on 8 processes in CPython is more than 2.5 × that in Rust",
            "python-fourteen-on-8-processes",
            "fourteen-on-8-processes",
        ),
        overhead(
            "the overhead of eight on 5 threads in CPython is more than 2.5 × that in Rust",
            "python-eight-on-5-threads",
            "eight-on-5-threads",
        ),
    ],
};
