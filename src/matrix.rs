//! The matrix: which cases there are to run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::{Backend, Continuation};
use crate::parameter::{Parameters, Value};
use crate::record::Case;
use crate::workload::{Variant, Workload};

/// Which part of the matrix to take.
#[derive(Clone)]
pub struct Selection {
    /// Only cases whose id holds this text, or is this text if `exact`. Cases of a workload that has to be named are
    /// taken only where the text begins within the workload's name, or is it.
    pub filter: Option<String>,
    /// Whether `filter` must be the whole id, or the whole name of a workload.
    pub exact: bool,
    /// The backends to run.
    pub backends: Vec<&'static dyn Backend>,
    /// The numbers of workers to run them with. A backend with a fixed number runs once, with that.
    pub worker_counts: Vec<u32>,
    /// The continuation for backends that have it; the others keep their own.
    pub continuation: Option<Continuation>,
    /// Whose workers to bind to cores.
    pub pin: Binding,
    /// Options for those backends that have them.
    pub options: BTreeMap<String, Value>,
}

/// Whose workers are bound to cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Nobody's.
    Nobody,
    /// Those of backends that say that they can.
    WhoeverCan,
    /// Everybody's: a backend that does not do it fails.
    Everybody,
}

impl Binding {
    fn includes(self, backend: &dyn Backend) -> bool {
        match self {
            Self::Nobody => false,
            Self::WhoeverCan => backend.can_pin(),
            Self::Everybody => true,
        }
    }
}

/// A case to run.
#[derive(Debug, Clone)]
pub struct PlannedCase {
    /// What to run.
    pub case: Case,
    /// The time limit that the workload sets, if it does.
    pub timeout: Option<Duration>,
    /// The time limit for one task on a worker process, if the workload sets one.
    pub task_timeout: Option<Duration>,
    /// How long a run takes at best with this many workers, if the workload certifies it.
    pub certified_optimum: Option<Duration>,
    /// How often a task whose worker process died is tried again: as the workload says, or
    /// [`DEFAULT_RETRIES`] for kernels that may be run again.
    pub retry_limit: u32,
    /// The smallest change that a gate is to notice, as a part of the base's time, if the workload says so.
    pub gate_threshold: Option<f64>,
    /// Whether the backend says that it can bind its workers.
    pub can_pin: bool,
}

/// Retries of a task whose worker process died, where its kernel allows it and its workload says nothing:
/// enough for bad luck, too few to hide a task that kills whoever runs it.
pub const DEFAULT_RETRIES: u32 = 2;

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
                        pin: selection.pin.includes(*backend),
                        options: selection.options(*backend),
                    };
                    if selection.takes(&case, workload.only_if_named) {
                        cases.push(PlannedCase {
                            case,
                            certified_optimum: workload
                                .certified_optimum
                                .as_ref()
                                .and_then(|optimum| optimum.of(workers)),
                            timeout: workload.timeout,
                            task_timeout: workload.task_timeout,
                            retry_limit: workload.retries.unwrap_or(default_retries(variant)),
                            gate_threshold: workload.gate_threshold,
                            can_pin: backend.can_pin(),
                        });
                    }
                }
            }
        }
    }
    cases
}

fn default_retries(variant: &Variant) -> u32 {
    match variant.definition.kernel.is_idempotent() {
        true => DEFAULT_RETRIES,
        false => 0,
    }
}

impl Selection {
    /// The options of `backend`: those that were given where it has them, its defaults for the rest.
    fn options(&self, backend: &dyn Backend) -> BTreeMap<String, serde_json::Value> {
        let declared = backend.options();
        let mut given = self.options.clone();
        given.retain(|name, _| declared.iter().any(|option| option.name == name.as_str()));
        let checked = Parameters::check(declared, &given);
        // What does not fit is refused by the child, with the reason; here it goes in as it was given.
        let values = checked.map_or(given, |checked| checked.values().clone());
        let json = |value| serde_json::to_value(value).expect("a value is plain data");
        values
            .into_iter()
            .map(|(name, value)| (name, json(value)))
            .collect()
    }

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

    fn takes(&self, case: &Case, only_if_named: bool) -> bool {
        let Some(filter) = &self.filter else {
            return !only_if_named;
        };
        if self.exact {
            return case.id() == *filter || case.workload == *filter;
        }
        // An id begins with the name of its workload.
        let is_named = |start: usize| !filter.is_empty() && start < case.workload.len();
        let found = case.id().find(filter.as_str());
        found.is_some_and(|start| !only_if_named || is_named(start))
    }
}
