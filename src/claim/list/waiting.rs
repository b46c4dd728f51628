//! Claims on tasks that wait for something outside the program.

use super::{NOT_FASTER, PART, waiting};
use crate::claim::ClaimValue::Scaled;
use crate::claim::{Claim, ClaimPart, ClaimValue};

const MANY: u32 = 2000;
/// CPython takes longer to start a thread.
const MANY_IN_PYTHON: u32 = 1000;
const FEW: u32 = 20;
const SHORT_WAIT: &[(&str, ClaimValue)] = &[("duration_ms", Scaled(1.0))];
const LONG_WAIT: &[(&str, ClaimValue)] = &[("duration_ms", Scaled(50.0))];

pub(super) const IO_BOUND: Claim = Claim {
    id: "2",
    statement: "IO-bound work: threads beat sequential code; at thousands of waits async beats both, at tens it does \
                not",
    sides: &[
        waiting("few-sequential", "serial", 1, FEW, LONG_WAIT),
        waiting("few-threads", "threads", FEW, FEW, LONG_WAIT),
        waiting("few-async", "tokio", 1, FEW, LONG_WAIT),
        waiting("many-sequential", "serial", 1, MANY, SHORT_WAIT),
        waiting("many-threads", "threads", MANY, MANY, SHORT_WAIT),
        waiting("many-async", "tokio", 1, MANY, SHORT_WAIT),
        waiting(
            "many-python-threads",
            "python-threads",
            MANY_IN_PYTHON,
            MANY_IN_PYTHON,
            SHORT_WAIT,
        ),
        waiting(
            "many-python-async",
            "python-asyncio",
            1,
            MANY_IN_PYTHON,
            SHORT_WAIT,
        ),
    ],
    takes_long: true,
    parts: &[
        ClaimPart {
            statement: "20 waits: sequential code takes longer than one thread per wait",
            more: "few-sequential",
            less: "few-threads",
            ..PART
        },
        ClaimPart {
            statement: "20 waits: async takes at least 0.91 × as long as one thread per wait",
            more: "few-async",
            less: "few-threads",
            factor: NOT_FASTER,
            ..PART
        },
        ClaimPart {
            statement: "2,000 waits: one thread per wait takes longer than async",
            more: "many-threads",
            less: "many-async",
            ..PART
        },
        ClaimPart {
            statement: "2,000 waits: sequential code takes longer than async",
            more: "many-sequential",
            less: "many-async",
            ..PART
        },
        ClaimPart {
            statement: "CPython, 1,000 waits: one thread per wait takes longer than asyncio",
            more: "many-python-threads",
            less: "many-python-async",
            ..PART
        },
    ],
};
