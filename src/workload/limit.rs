//! The limit on the number of cases per workload file.

use crate::toml_file::Mistake;

/// The largest number of cases per workload. A larger sweep would run for hours, and most likely has a list by mistake.
pub(super) const VARIANTS_MAX: usize = 1000;

/// The mistake that the lists multiply to more cases.
pub(super) fn too_many_variants() -> Mistake {
    Mistake::new(
        format!("the lists multiply to more than {VARIANTS_MAX} cases"),
        "shorten the lists, or split the workload into several files",
    )
}
