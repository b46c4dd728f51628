//! What is known about the machine and about the processes that are measured on it.
//!
//! | module | what it reads |
//! |---|---|
//! | [`host`] | the processor, kernel, memory and toolchain; the commit of a folder |
//! | [`usage`] | CPU time, context switches, memory and last cores of a process and its workers |
//! | [`ticks`] | the kernel's counters of busy time, for the machine and each core |
//! | [`load`] | how busy each core was over time |
//! | [`bracket`] | what else the machine did while something was measured |
//! | [`doctor`] | what makes the machine unfit for measuring |
//!
//! Everything the kernel shows as text is read by one function and understood by another, so that the
//! second can be tested with the texts of other machines.

pub(crate) mod bracket;
pub(crate) mod doctor;
pub(crate) mod host;
pub(crate) mod load;
pub(crate) mod ticks;
pub(crate) mod usage;
