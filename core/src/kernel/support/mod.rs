//! What several kernels share, and kernels that serve measuring. None of it is a kernel of a workload.
//!
//! | module | what it holds |
//! |---|---|
//! | `sequence` | keeps the work of one task from overlapping with that of the task before it |
//! | `multiply_add` | a known number of floating-point operations |
//! | `traced` | times every task of another kernel |
//! | `deadly` | kills worker processes in the tasks of another kernel |
//! | `recursive` | what the kernels that are recursive programs have in common |
//! | `venue` | where kernels run |
//! | `wrapper` | forwards the methods of a wrapped kernel |

pub(super) mod deadly;
pub(super) mod multiply_add;
pub(super) mod recursive;
pub(super) mod sequence;
pub(super) mod traced;
pub(super) mod venue;
pub(super) mod wrapper;
