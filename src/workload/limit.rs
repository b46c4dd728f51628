//! How many cases a file may stand for.

use super::mistake::Mistake;

/// The most cases that one workload may stand for. A sweep beyond it would run for hours, and is most
/// likely one list too many.
pub(super) const VARIANTS_MAX: usize = 1000;

/// The mistake that lists multiply to more.
pub(super) fn too_many_variants() -> Mistake {
    Mistake::new(
        format!("the lists multiply to more than {VARIANTS_MAX} cases"),
        "shorten the lists, or split the workload into several files",
    )
}
