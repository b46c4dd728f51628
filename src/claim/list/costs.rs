//! Claims on what locks, starts, messages and orders cost.

use super::{PART, SIDE};
use crate::claim::ClaimValue::{Fixed, Scaled};
use crate::claim::Count::Of;
use crate::claim::{Claim, ClaimPart, ClaimValue, Contender};
use crate::record::Quantity;

const fn counting(
    name: &'static str,
    backend: &'static str,
    parameters: &'static [(&'static str, ClaimValue)],
) -> Contender {
    Contender {
        name,
        backend,
        workers: Of(2),
        tasks: Of(2),
        kernel: "counter",
        parameters,
        ..SIDE
    }
}

/// In a shorter run, the first thread could end before the second begins.
const RUST_UNLOCKED: &[(&str, ClaimValue)] = &[
    ("variant", ClaimValue::Word("racy")),
    ("increments", Fixed(1_000_000)),
];
const RUST_LOCKED: &[(&str, ClaimValue)] = &[
    ("variant", ClaimValue::Word("mutex")),
    ("increments", Fixed(1_000_000)),
];
const UNLOCKED: &[(&str, ClaimValue)] = &[
    ("variant", ClaimValue::Word("racy")),
    ("increments", Scaled(1e6)),
];
const LOCKED: &[(&str, ClaimValue)] = &[
    ("variant", ClaimValue::Word("mutex")),
    ("increments", Scaled(1e6)),
];

pub(super) const COUNTER: Claim = Claim {
    id: "5",
    statement: "An unlocked counter loses updates; a lock fixes it and costs a factor",
    sides: &[
        counting("unlocked", "threads", RUST_UNLOCKED),
        counting("locked", "threads", RUST_LOCKED),
        counting("python-unlocked", "python-threads", UNLOCKED),
        counting("python-locked", "python-threads", LOCKED),
        Contender {
            is_optional: true,
            ..counting("python-t-unlocked", "python-t-threads", UNLOCKED)
        },
        Contender {
            is_optional: true,
            ..counting("python-t-locked", "python-t-threads", LOCKED)
        },
    ],
    takes_long: false,
    parts: &[
        ClaimPart {
            statement: "Rust: a counter with a lock keeps more updates than one without",
            quantity: Quantity::KeptUpdates,
            more: "locked",
            less: "unlocked",
            ..PART
        },
        ClaimPart {
            statement: "Rust: a counter with a lock takes longer than one without",
            more: "locked",
            less: "unlocked",
            ..PART
        },
        ClaimPart {
            statement: "CPython: a counter with a lock keeps more updates than one without",
            quantity: Quantity::KeptUpdates,
            more: "python-locked",
            less: "python-unlocked",
            is_aside: true,
            ..PART
        },
        ClaimPart {
            statement: "CPython: a counter with a lock takes longer than one without",
            more: "python-locked",
            less: "python-unlocked",
            ..PART
        },
        ClaimPart {
            statement: "CPython without a global lock: a counter with a lock keeps more updates than one without",
            quantity: Quantity::KeptUpdates,
            more: "python-t-locked",
            less: "python-t-unlocked",
            is_aside: true,
            ..PART
        },
    ],
};

const fn starting(name: &'static str, backend: &'static str) -> Contender {
    Contender {
        name,
        backend,
        tasks: Of(20),
        ..SIDE
    }
}

pub(super) const START: Claim = Claim {
    id: "7",
    statement: "Starting a process costs more than starting a thread; a pool pays that once",
    sides: &[
        starting("thread-per-task", "threads"),
        starting("process-per-task", "fork-per-task"),
        starting("process-pool", "fork"),
        starting("python-thread-per-task", "python-threads"),
        starting("python-process-per-task", "python-process"),
        starting("python-process-pool", "python-process-pool"),
    ],
    takes_long: false,
    parts: &[
        ClaimPart {
            statement: "Rust, 20 empty tasks: a process per task takes longer than a thread per task",
            more: "process-per-task",
            less: "thread-per-task",
            ..PART
        },
        ClaimPart {
            statement: "Rust, 20 empty tasks: a process per task takes longer than a pool of processes",
            more: "process-per-task",
            less: "process-pool",
            ..PART
        },
        ClaimPart {
            statement: "CPython, 20 empty tasks: a process per task takes longer than a thread per task",
            more: "python-process-per-task",
            less: "python-thread-per-task",
            ..PART
        },
        ClaimPart {
            statement: "CPython, 20 empty tasks: a process per task takes longer than a pool of processes",
            more: "python-process-per-task",
            less: "python-process-pool",
            ..PART
        },
    ],
};

const fn ping_pong(name: &'static str, backend: &'static str) -> Contender {
    Contender {
        name,
        backend,
        workers: Of(2),
        tasks: Of(2),
        kernel: "ping-pong",
        parameters: &[("round_trips", Fixed(500))],
        ..SIDE
    }
}

pub(super) const MESSAGE: Claim = Claim {
    id: "8",
    statement: "A message between processes costs more than one between threads",
    sides: &[
        ping_pong("threads", "thread-pool"),
        ping_pong("processes", "fork"),
    ],
    takes_long: false,
    parts: &[ClaimPart {
        statement: "500 round trips between two processes take longer than between two threads",
        more: "processes",
        less: "threads",
        ..PART
    }],
};

/// The tasks take 1, 2, .. 8 steps.
const SUBMITTED: &[(&str, ClaimValue)] = &[
    ("order", ClaimValue::Word("submitted")),
    ("step_ms", Scaled(20.0)),
];
const COMPLETED: &[(&str, ClaimValue)] = &[
    ("order", ClaimValue::Word("completed")),
    ("step_ms", Scaled(20.0)),
];

const fn ordered(
    name: &'static str,
    parameters: &'static [(&'static str, ClaimValue)],
) -> Contender {
    Contender {
        name,
        backend: "thread-pool",
        // Eight results and the task that receives them. All are in progress at once.
        workers: Of(9),
        tasks: Of(9),
        kernel: "map-order",
        parameters,
        ..SIDE
    }
}

pub(super) const ORDER: Claim = Claim {
    id: "9",
    statement: "Results in submission order arrive later than results as they complete, when sizes differ",
    sides: &[
        ordered("as-submitted", SUBMITTED),
        ordered("as-completed", COMPLETED),
    ],
    takes_long: false,
    parts: &[ClaimPart {
        statement: "the median of 8 results arrives later in submission order than as they complete",
        quantity: Quantity::Arrival,
        more: "as-submitted",
        less: "as-completed",
        ..PART
    }],
};
