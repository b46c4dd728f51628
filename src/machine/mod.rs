//! Facts about the machine and about the processes that are measured on it.
//!
//! | module | what it reads |
//! |---|---|
//! | [`host`] | the processor, kernel, memory and toolchain; the commit of a folder |
//! | [`usage`] | CPU time, context switches, memory and last cores of a process and its workers |
//! | [`tree`] | all processes that belong to a case: what they use, and how they end |
//! | [`ticks`] | the kernel's counters of busy time, for the machine and each core |
//! | [`load`] | how busy each core was over time |
//! | [`bracket`] | what else the machine did while something was measured |
//! | [`doctor`] | what makes the machine unfit for measuring |
//!
//! One function reads each text of the kernel, and another function parses it. So tests can parse texts from other
//! machines.

pub(crate) mod bracket;
pub(crate) mod doctor;
pub(crate) mod host;
pub(crate) mod load;
pub(crate) mod oom;
pub(crate) mod ticks;
pub(crate) mod tree;
pub(crate) mod usage;
