//! `--pin`: whether to bind workers to cores.

use crate::machine::bracket::others_core_count;
use crate::matrix::Binding;

/// When to bind workers to cores.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Bind always; the same as `--pin` without a value.
    #[value(alias = "true")]
    Always,
    /// Do not bind.
    #[value(alias = "false")]
    Never,
    /// Bind on backends that support it, if all other programs on the machine together use less than a quarter of a
    /// core.
    Auto,
}

impl Pin {
    /// Whether to bind workers. `Auto` measures for a third of a second, or for a second if the machine is busy.
    pub(super) fn is_to_be(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_quiet(),
        }
    }

    /// The backends whose workers to bind. Measures the machine for `Auto`, like [`Pin::is_to_be`].
    pub(super) fn binding(self) -> Binding {
        match self {
            _ if !self.is_to_be() => Binding::Nobody,
            Self::Auto => Binding::WhoeverCan,
            _ => Binding::Everybody,
        }
    }
}

/// Whether a bound worker would have its core to itself, apart from negligible load. A load that is gone by the third
/// look does not count. If the load cannot be measured, the answer is no: the scheduler then places the workers.
fn is_quiet() -> bool {
    const LOOKS: usize = 3;
    const MOST_CORES: f64 = 0.25;
    (0..LOOKS).any(|_| others_core_count().is_some_and(|cores| cores < MOST_CORES))
}
