//! What several backends share. None of it is a backend.
//!
//! | module | what it holds |
//! |---|---|
//! | `worker` | how threads start and end, and how they wait |
//! | `process` | how worker processes start, are watched and end |
//! | `casualties` | which worker processes died, and what becomes of their tasks |
//! | `reserving` | when an idle worker keeps a task that waits for one more input |

pub(super) mod casualties;
#[cfg(test)]
pub(super) mod fixture;
pub(super) mod process;
pub(super) mod reserving;
pub(super) mod worker;
