//! What all checks share: the child under test, what it claims, and what it has to run.

use std::hash::{BuildHasher, RandomState};

use super::claims::{ClaimedBackend, Claims};
use super::exchange::TestedChild;
use super::fault::ConformError;
use super::session::TestCase;
use super::work::{ChosenKernel, NamedGraph};
use crate::kernel::KernelKind;
use crate::registry::Registry;

/// The number of workers of most cases.
const WORKERS: u32 = 2;

/// A child under test, and what it has to run.
pub(super) struct Bench<'a> {
    pub(super) subject: &'a TestedChild<'a>,
    pub(super) claims: Claims,
    /// The kernels that it claims, with each of their choices; those that this program does not know are left out.
    pub(super) kernels: Vec<ChosenKernel>,
    /// Every pattern by itself.
    pub(super) patterns: Vec<NamedGraph>,
    /// Every pattern, all in one graph.
    pub(super) together: NamedGraph,
    /// A graph that no number of workers divides, with durations.
    pub(super) odd: NamedGraph,
    /// Two nonces that no child can know beforehand.
    pub(super) nonces: [u64; 2],
    doing: &'a dyn Fn(&str),
}

impl<'a> Bench<'a> {
    /// The bench for a child with these claims, limited to the backends in `only`, if it is not empty.
    ///
    /// # Errors
    ///
    /// If the child has no such backend, or claims no kernel that this program knows.
    pub(super) fn new(
        subject: &'a TestedChild<'a>,
        mut claims: Claims,
        registry: &Registry,
        only: &[String],
        doing: &'a dyn Fn(&str),
    ) -> Result<Self, ConformError> {
        let claimed = claims.kernels.iter();
        let kernels: Vec<ChosenKernel> = claimed
            .flat_map(|claim| ChosenKernel::claimed(claim, registry))
            .collect();
        if kernels.is_empty() {
            let claimed = claims.kernels.join(", ");
            return Err(ConformError::NoKernel { claimed });
        }
        let known: Vec<String> = claims.backends.iter().map(|one| one.name.clone()).collect();
        if let Some(name) = only.iter().find(|name| !known.contains(name)) {
            return Err(ConformError::NoBackend {
                name: name.clone(),
                known,
            });
        }
        let is_chosen = |backend: &ClaimedBackend| only.is_empty() || only.contains(&backend.name);
        claims.backends.retain(is_chosen);
        let patterns = NamedGraph::variety(registry);
        // Each instance of this hasher has random keys.
        let draw = || RandomState::new().hash_one(());
        Ok(Self {
            subject,
            kernels,
            together: NamedGraph::together(&patterns),
            patterns,
            odd: NamedGraph::dense(7, 5).timed(),
            nonces: [draw(), draw()],
            claims,
            doing,
        })
    }

    /// The backends under test.
    pub(super) fn backends(&self) -> impl Iterator<Item = &ClaimedBackend> {
        let backends = self.claims.backends.iter();
        backends.inspect(|backend| (self.doing)(&backend.name))
    }

    /// The backend for checks that are not about backends.
    pub(super) fn any_backend(&self) -> &ClaimedBackend {
        &self.claims.backends[0]
    }

    /// The kernel for checks that are not about kernels: the first that the child names.
    pub(super) fn any_kernel(&self) -> &ChosenKernel {
        &self.kernels[0]
    }

    /// The case for checks that are not about cases, on `backend`.
    pub(super) fn any_case<'b>(&'b self, backend: &'b ClaimedBackend) -> TestCase<'b> {
        TestCase::new(backend, WORKERS, self.any_kernel(), &self.odd)
    }

    /// The kernel with this name, if the child claims it.
    pub(super) fn claimed_kind(&self, name: &str) -> Option<&'static dyn KernelKind> {
        let mut kinds = self.kernels.iter().map(|kernel| kernel.kind);
        kinds.find(|kind| kind.name() == name)
    }

    /// Shows what is tested now.
    pub(super) fn doing(&self, what: &str) {
        (self.doing)(what);
    }
}
