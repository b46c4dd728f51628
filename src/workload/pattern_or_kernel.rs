use crate::kernel::KernelKind;
use crate::parameter::Parameter;
use crate::pattern::Pattern;
use crate::registry::Registry;

/// Patterns and kernels in workload files: both are chosen by name and take parameters.
pub(super) trait PatternOrKernel: Copy + 'static {
    /// The key in workload files and records: `pattern` or `kernel`.
    const KEY: &'static str;
    /// All patterns or kernels in `registry`.
    fn known(registry: &Registry) -> &[Self];
    fn kind_name(self) -> &'static str;
    fn declared(self) -> &'static [Parameter];

    /// The pattern or kernel with this name; `None` if there is none.
    fn find(registry: &Registry, name: &str) -> Option<Self> {
        let mut known = Self::known(registry).iter().copied();
        known.find(|kind| kind.kind_name() == name)
    }

    /// All names.
    fn names(registry: &Registry) -> Vec<&'static str> {
        let known = Self::known(registry).iter();
        known.map(|kind| kind.kind_name()).collect()
    }
}

impl PatternOrKernel for &'static dyn Pattern {
    const KEY: &'static str = "pattern";

    fn known(registry: &Registry) -> &[Self] {
        &registry.patterns
    }

    fn kind_name(self) -> &'static str {
        self.name()
    }

    fn declared(self) -> &'static [Parameter] {
        self.parameters()
    }
}

impl PatternOrKernel for &'static dyn KernelKind {
    const KEY: &'static str = "kernel";

    fn known(registry: &Registry) -> &[Self] {
        &registry.kernels
    }

    fn kind_name(self) -> &'static str {
        self.name()
    }

    fn declared(self) -> &'static [Parameter] {
        self.parameters()
    }
}
