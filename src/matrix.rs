//! The matrix: which cases there are to run.

use std::time::Duration;

use crate::backend::{Backend, Continuation};
use crate::record::Case;
use crate::workload::Workload;

/// Which part of the matrix to take.
#[derive(Clone)]
pub struct Selection {
    /// Only cases whose id holds this text, or is this text if `exact`.
    pub filter: Option<String>,
    /// Whether `filter` must be the whole id, or the whole name of a workload.
    pub exact: bool,
    /// The backends to run.
    pub backends: Vec<&'static dyn Backend>,
    /// The numbers of workers to run them with. A backend with a fixed number runs once, with that.
    pub worker_counts: Vec<u32>,
    /// The continuation for backends that have it; the others keep their own.
    pub continuation: Option<Continuation>,
    /// Whether to bind workers to cores.
    pub pin: bool,
}

/// A case to run.
#[derive(Debug, Clone)]
pub struct PlannedCase {
    /// What to run.
    pub case: Case,
    /// The time limit that the workload sets, if it does.
    pub timeout: Option<Duration>,
}

/// The selected cases: workloads, their variants, backends and workers, in that order.
pub fn cases(workloads: &[Workload], selection: &Selection) -> Vec<PlannedCase> {
    let mut cases = Vec::new();
    for workload in workloads {
        for variant in &workload.variants {
            let parameters = variant.definition.to_json();
            for backend in &selection.backends {
                for workers in selection.workers(*backend) {
                    let case = Case {
                        workload: workload.name.clone(),
                        variant: variant.label.clone(),
                        backend: backend.name().into(),
                        workers,
                        parameters: parameters.clone(),
                        continuation: selection.continuation(*backend),
                        pin: selection.pin,
                    };
                    if selection.takes(&case) {
                        let timeout = workload.timeout;
                        cases.push(PlannedCase { case, timeout });
                    }
                }
            }
        }
    }
    cases
}

impl Selection {
    fn workers(&self, backend: &dyn Backend) -> Vec<u32> {
        match backend.fixed_worker_count() {
            Some(count) => vec![count as u32],
            None => self.worker_counts.clone(),
        }
    }

    fn continuation(&self, backend: &dyn Backend) -> Option<String> {
        let all = backend.continuations();
        let wanted = self.continuation.filter(|wanted| all.contains(wanted));
        wanted.or(all.first().copied()).map(|one| one.name().into())
    }

    fn takes(&self, case: &Case) -> bool {
        match &self.filter {
            None => true,
            Some(filter) if self.exact => case.id() == *filter || case.workload == *filter,
            Some(filter) => case.id().contains(filter.as_str()),
        }
    }
}

/// The cases in an order drawn from `seed`, so that slow changes of the machine fall on all alike.
///
/// Fisher and Yates' shuffle, with numbers from SplitMix64.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        // The bias of the remainder is below 2^-32 for any matrix that can be run.
        let chosen = split_mix(&mut state) % (last as u64 + 1);
        items.swap(last, chosen as usize);
    }
}

/// The next number of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_gives_the_published_numbers() {
        let mut state = 1234567;
        let numbers: Vec<u64> = (0..3).map(|_| split_mix(&mut state)).collect();
        let published = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
        ];
        assert_eq!(numbers, published);
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_depends_on_the_seed_alone() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(shuffled(7), shuffled(7));
        assert_ne!(shuffled(7), shuffled(8));
        let mut sorted = shuffled(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
