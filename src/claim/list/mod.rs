//! The claims: one entry each.

use super::Count::{Of, PerCore};
use super::{Claim, ClaimPart, ClaimValue, Contender};
use crate::record::Quantity;

mod costs;
mod cpu;
mod rounds;
mod waiting;

/// All claims, in the order in which they are shown.
pub(crate) const CLAIMS: &[Claim] = &[
    cpu::CPU_BOUND,
    waiting::IO_BOUND,
    rounds::TWO_TASKS,
    rounds::ROUNDS,
    costs::COUNTER,
    cpu::OVERSUBSCRIBED,
    costs::START,
    costs::MESSAGE,
    costs::ORDER,
];

/// "Not faster" means: it takes at least this fraction of the other's time. Two medians are never exactly equal, so
/// equality cannot be decided; an advantage of a tenth can.
const NOT_FASTER: f64 = 1.0 / 1.1;

/// The values that most sides share.
const SIDE: Contender = Contender {
    name: "",
    backend: "",
    options: &[],
    workers: PerCore(1),
    tasks: PerCore(1),
    kernel: "empty",
    parameters: &[],
    rounds: None,
    is_optional: false,
};

/// The values that most parts share.
const PART: ClaimPart = ClaimPart {
    statement: "",
    quantity: Quantity::WallTime,
    more: "",
    less: "",
    factor: 1.0,
    is_aside: false,
};

/// Tasks that only wait, one after the other on each worker.
const fn waiting(
    name: &'static str,
    backend: &'static str,
    workers: u32,
    tasks: u32,
    duration_ms: &'static [(&'static str, ClaimValue)],
) -> Contender {
    Contender {
        name,
        backend,
        workers: Of(workers),
        tasks: Of(tasks),
        kernel: "sleep",
        parameters: duration_ms,
        ..SIDE
    }
}
