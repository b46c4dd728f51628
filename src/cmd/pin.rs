//! `--pin`: whether to bind workers to cores.

use crate::machine::bracket::others_core_count;
use crate::matrix::Binding;

/// When to bind workers to cores.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Always; so does `--pin` alone.
    #[value(alias = "true")]
    Always,
    /// Never.
    #[value(alias = "false")]
    Never,
    /// For backends that can do it, if all other programs on the machine together keep less than a quarter of a core busy.
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

    /// Whose workers to bind, now that it matters.
    pub(super) fn binding(self) -> Binding {
        match self {
            _ if !self.is_to_be() => Binding::Nobody,
            Self::Auto => Binding::WhoeverCan,
            _ => Binding::Everybody,
        }
    }
}

/// Whether no bound worker would have to share its core with anything worth a word. What has gone by the third look
/// is no neighbour. Where it cannot be told, the scheduler is trusted to know.
fn is_quiet() -> bool {
    const LOOKS: usize = 3;
    const MOST_CORES: f64 = 0.25;
    (0..LOOKS).any(|_| others_core_count().is_some_and(|cores| cores < MOST_CORES))
}
