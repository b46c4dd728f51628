//! Claims on work that computes.

use super::{NOT_FASTER, PART, SIDE};
use crate::claim::ClaimValue::{Fixed, Scaled};
use crate::claim::Count::PerCore;
use crate::claim::{Claim, ClaimPart, ClaimValue, Contender, Count};

const fn hashing(name: &'static str, backend: &'static str) -> Contender {
    Contender {
        name,
        backend,
        kernel: "hash",
        parameters: &[("block_bytes", Fixed(1 << 20)), ("times", Scaled(200.0))],
        ..SIDE
    }
}

const fn looping(
    name: &'static str,
    backend: &'static str,
    parameters: &'static [(&'static str, ClaimValue)],
) -> Contender {
    Contender {
        name,
        backend,
        kernel: "loop",
        parameters,
        ..SIDE
    }
}

/// A few tenths of a second of a core in the textbook's run.
const RUST_LOOP: &[(&str, ClaimValue)] = &[("iterations", Scaled(100e6))];
const PYTHON_LOOP: &[(&str, ClaimValue)] = &[("iterations", Scaled(3e6))];

pub(super) const CPU_BOUND: Claim = Claim {
    id: "1",
    statement: "CPU-bound work: processes beat threads in CPython, but not in Rust; where the work is hashing large \
                blocks, threads win in CPython too",
    sides: &[
        looping("python-threads", "python-threads", PYTHON_LOOP),
        looping("python-processes", "python-process", PYTHON_LOOP),
        looping("threads", "threads", RUST_LOOP),
        looping("processes", "fork-per-task", RUST_LOOP),
        hashing("python-threads-hash", "python-threads"),
        hashing("python-processes-hash", "python-process"),
    ],
    takes_long: false,
    parts: &[
        ClaimPart {
            statement: "CPython, a plain loop: threads take longer than processes",
            more: "python-threads",
            less: "python-processes",
            ..PART
        },
        ClaimPart {
            statement: "Rust, a plain loop: processes take at least 0.91 × as long as threads",
            more: "processes",
            less: "threads",
            factor: NOT_FASTER,
            ..PART
        },
        ClaimPart {
            statement: "CPython, hashing blocks of 1 MiB: processes take longer than threads",
            more: "python-processes-hash",
            less: "python-threads-hash",
            ..PART
        },
    ],
};

const fn crowded(
    name: &'static str,
    backend: &'static str,
    workers: Count,
    parameters: &'static [(&'static str, ClaimValue)],
) -> Contender {
    Contender {
        workers,
        tasks: PerCore(4),
        ..looping(name, backend, parameters)
    }
}

const RUST_PIECE: &[(&str, ClaimValue)] = &[("iterations", Scaled(50e6))];
const PYTHON_PIECE: &[(&str, ClaimValue)] = &[("iterations", Scaled(1e6))];

pub(super) const OVERSUBSCRIBED: Claim = Claim {
    id: "6",
    statement: "More processes than cores do not help CPU work",
    sides: &[
        crowded("cores", "fork", PerCore(1), RUST_PIECE),
        crowded("twice-cores", "fork", PerCore(2), RUST_PIECE),
        crowded(
            "python-cores",
            "python-process-pool",
            PerCore(1),
            PYTHON_PIECE,
        ),
        crowded(
            "python-twice-cores",
            "python-process-pool",
            PerCore(2),
            PYTHON_PIECE,
        ),
    ],
    takes_long: false,
    parts: &[
        ClaimPart {
            statement: "Rust: 2 processes per core take at least 0.91 × as long as one per core",
            more: "twice-cores",
            less: "cores",
            factor: NOT_FASTER,
            ..PART
        },
        ClaimPart {
            statement: "CPython: 2 processes per core take at least 0.91 × as long as one per core",
            more: "python-twice-cores",
            less: "python-cores",
            factor: NOT_FASTER,
            ..PART
        },
    ],
};
