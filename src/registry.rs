//! What there is to choose from: the built-in backends, kernels and patterns, and those that a user's own
//! binary adds.

use crate::backend::{BACKENDS, Backend};
use crate::kernel::{KERNELS, KernelKind};
use crate::pattern::{PATTERNS, Pattern};

/// Backends, kernels and patterns, each with a name of its own.
#[derive(Clone)]
pub struct Registry {
    /// The backends, built-in ones first.
    pub backends: Vec<&'static dyn Backend>,
    /// The kernels, built-in ones first.
    pub kernels: Vec<&'static dyn KernelKind>,
    /// The patterns, built-in ones first.
    pub patterns: Vec<&'static dyn Pattern>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            backends: BACKENDS.to_vec(),
            kernels: KERNELS.to_vec(),
            patterns: PATTERNS.to_vec(),
        }
    }
}

impl Registry {
    /// The backend of this name.
    pub fn backend(&self, name: &str) -> Option<&'static dyn Backend> {
        let mut all = self.backends.iter().copied();
        all.find(|backend| backend.name() == name)
    }

    /// The kernel of this name.
    pub fn kernel(&self, name: &str) -> Option<&'static dyn KernelKind> {
        let mut all = self.kernels.iter().copied();
        all.find(|kernel| kernel.name() == name)
    }

    /// The pattern of this name.
    pub fn pattern(&self, name: &str) -> Option<&'static dyn Pattern> {
        let mut all = self.patterns.iter().copied();
        all.find(|pattern| pattern.name() == name)
    }
}

/// The name among `known` that is most like `name`, if any is close enough to be a slip.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // 0.7 and below also matches words that merely share letters, which misleads more than it helps.
    const CLOSE: f64 = 0.75;
    let scored = known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    scored
        .filter(|(score, _)| *score > CLOSE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
