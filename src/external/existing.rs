use std::collections::BTreeSet;

use crate::kernel::KernelKind;

/// What the program has already.
pub(crate) struct Existing<'a> {
    /// The names of its backends.
    pub(crate) names: &'a [&'static str],
    /// Its kernels.
    pub(crate) kernels: &'a [&'static dyn KernelKind],
    /// The names of all workloads, to check what backends say of them; `None` if they are not known.
    pub(crate) workloads: Option<&'a BTreeSet<String>>,
}
