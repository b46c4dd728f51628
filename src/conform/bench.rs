//! What all checks share: the child under test, what it claims, and what it has to run.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::thread;

use super::claims::{ClaimedBackend, Claims};
use super::exchange::TestedChild;
use super::fault::{ConformError, Setback};
use super::passed::Passed;
use super::session::TestCase;
use super::work::{ChosenKernel, NamedGraph};
use crate::kernel::KernelKind;
use crate::registry::Registry;

/// Nothing that holds one of the locks can panic.
const NO_PANIC: &str = "no thread panics while it holds a lock";

/// What of a child is tested.
#[derive(Debug)]
pub(crate) struct TestPlan<'a> {
    /// The names of the backends; all if it is empty.
    pub(crate) backends: &'a [String],
    /// The names of the checks; all if it is empty. The greeting is always tested.
    pub(crate) checks: &'a [String],
    /// Whether to leave out the checks that seldom fail while everything else is right.
    pub(crate) is_quick: bool,
    /// How many backends are tested at the same time.
    pub(crate) job_count: usize,
}

/// The number of workers of most cases.
const WORKERS: u32 = 2;

/// A child under test, and what it has to run.
pub(super) struct Bench<'a> {
    pub(super) subject: &'a TestedChild<'a>,
    pub(super) claims: Claims,
    /// The kernels that it claims whose tasks need only their inputs, with each of their choices. Those that this program
    /// does not know are left out.
    pub(super) kernels: Vec<ChosenKernel>,
    /// The same for kernels whose tasks wait for each other.
    pub(super) coordinating: Vec<ChosenKernel>,
    /// Every pattern by itself.
    pub(super) patterns: Vec<NamedGraph>,
    /// Every pattern, all in one graph.
    pub(super) together: NamedGraph,
    /// A graph that no number of workers divides, with durations.
    pub(super) odd: NamedGraph,
    /// Two nonces that no child can know beforehand.
    pub(super) nonces: [u64; 2],
    /// Whether to leave out what seldom fails alone.
    pub(super) is_quick: bool,
    job_count: usize,
    doing: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Bench<'a> {
    /// The bench for a child with these claims.
    ///
    /// # Errors
    ///
    /// If the child has no such backend, or claims no kernel that this program knows.
    pub(super) fn new(
        subject: &'a TestedChild<'a>,
        mut claims: Claims,
        registry: &Registry,
        selection: &TestPlan<'_>,
        doing: &'a (dyn Fn(&str) + Sync),
    ) -> Result<Self, ConformError> {
        let claimed = claims.kernels.iter();
        // A recursive program has no graph. Tasks that wait for each other cannot depend on each other, as those of most graphs here do.
        let (coordinating, kernels): (Vec<_>, Vec<_>) = claimed
            .flat_map(|claim| ChosenKernel::claimed(claim, registry))
            .filter(|kernel| !kernel.kind.is_recursive())
            .partition(|kernel| kernel.kind.coordinates());
        if kernels.is_empty() {
            let claimed = claims.kernels.join(", ");
            return Err(ConformError::NoKernel { claimed });
        }
        let known: Vec<String> = claims.backends.iter().map(|one| one.name.clone()).collect();
        let only = selection.backends;
        if let Some(name) = only.iter().find(|name| !known.contains(name)) {
            return Err(ConformError::NoBackend {
                name: name.clone(),
                known,
            });
        }
        let is_chosen = |backend: &ClaimedBackend| only.is_empty() || only.contains(&backend.name);
        claims.backends.retain(is_chosen);
        let patterns = NamedGraph::variety(registry);
        Ok(Self {
            subject,
            coordinating,
            kernels,
            together: NamedGraph::together(&patterns),
            patterns,
            odd: NamedGraph::dense(7, 5).timed(),
            nonces: [draw(), draw()],
            claims,
            is_quick: selection.is_quick,
            job_count: selection.job_count,
            doing,
        })
    }

    /// The backends under test.
    pub(super) fn backends(&self) -> &[ClaimedBackend] {
        &self.claims.backends
    }

    /// Makes a check on each backend, as many at a time as the user allows, and sums up the results. After a fault, no
    /// other one is begun.
    pub(super) fn each(
        &self,
        check: impl Fn(&ClaimedBackend) -> Result<Passed, Setback> + Sync,
    ) -> Result<Passed, Setback> {
        self.each_of(self.backends(), self.job_count, check)
    }

    /// [`each`](Self::each), but only on the first backend in a quick test: for what children usually do in the same way
    /// for all their backends.
    pub(super) fn first_or_each(
        &self,
        check: impl Fn(&ClaimedBackend) -> Result<Passed, Setback> + Sync,
    ) -> Result<Passed, Setback> {
        let backends = match self.is_quick {
            true => &self.backends()[..1],
            false => self.backends(),
        };
        self.each_of(backends, self.job_count, check)
    }

    /// [`each`](Self::each), one after the other, for checks that need a core for themselves.
    pub(super) fn each_alone(
        &self,
        check: impl Fn(&ClaimedBackend) -> Result<Passed, Setback> + Sync,
    ) -> Result<Passed, Setback> {
        self.each_of(self.backends(), 1, check)
    }

    fn each_of(
        &self,
        backends: &[ClaimedBackend],
        job_count: usize,
        check: impl Fn(&ClaimedBackend) -> Result<Passed, Setback> + Sync,
    ) -> Result<Passed, Setback> {
        let waiting = Mutex::new(backends.iter().enumerate());
        let results = Mutex::new(BTreeMap::new());
        let work = || {
            loop {
                let next = waiting.lock().expect(NO_PANIC).next();
                let Some((index, backend)) = next else {
                    return;
                };
                self.doing(&backend.name);
                let result = check(backend);
                if result.is_err() {
                    waiting.lock().expect(NO_PANIC).by_ref().for_each(drop);
                }
                results.lock().expect(NO_PANIC).insert(index, result);
            }
        };
        thread::scope(|scope| {
            for _ in 0..job_count.min(backends.len()) {
                scope.spawn(work);
            }
        });
        self.sum(results.into_inner().expect(NO_PANIC))
    }

    /// The first fault; otherwise all doubts, with the names of their backends.
    fn sum(&self, results: BTreeMap<usize, Result<Passed, Setback>>) -> Result<Passed, Setback> {
        let mut doubts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (index, result) in results {
            if let Passed::CannotTell(why) = result? {
                let names = doubts.entry(why).or_default();
                names.push(&self.backends()[index].name);
            }
        }
        let doubts = doubts.into_iter();
        let doubts: Vec<String> = doubts
            .map(|(why, names)| format!("{}: {why}", names.join(", ")))
            .collect();
        match doubts.is_empty() {
            true => Ok(Passed::Yes),
            false => Ok(Passed::CannotTell(doubts.join("; "))),
        }
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

/// A word that no child can know beforehand.
pub(super) fn draw() -> u64 {
    // Each instance of this hasher has random keys.
    RandomState::new().hash_one(())
}
