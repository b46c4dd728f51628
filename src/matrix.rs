//! The matrix of cases to run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::{Backend, Continuation, Family};
use crate::external::{External, work_kind};
use crate::filter::CaseFilter;
use crate::parameter::{Parameters, Value};
use crate::record::{Case, Record};
use crate::workload::{Definition, Variant, Workload};

/// Selects a part of the matrix.
#[derive(Clone)]
pub struct Selection {
    /// Which cases are selected by their ids.
    pub filter: CaseFilter,
    /// The backends to run.
    pub backends: Vec<&'static dyn Backend>,
    /// Those of the backends that other programs drive.
    pub externals: Vec<&'static External>,
    /// Whether the backends were named. If not, external backends run only on their default workloads.
    pub is_named: bool,
    /// The numbers of workers to run them with. A backend with a fixed number of workers runs once, with that number.
    pub worker_counts: WorkerChoice,
    /// The continuation for backends that support it. Others keep their default.
    pub continuation: Option<Continuation>,
    /// Which backends bind their workers to cores.
    pub pin: Binding,
    /// Options for those backends that have them.
    pub options: BTreeMap<String, Value>,
}

/// The numbers of workers of the cases.
#[derive(Debug, Clone)]
pub enum WorkerChoice {
    /// These.
    Given(Vec<u32>),
    /// So many processes with so many threads each.
    Shape {
        /// The number of processes.
        processes: u32,
        /// The number of threads in each of them.
        threads: u32,
    },
    /// Those of each workload.
    OfWorkloads {
        /// The numbers for workloads that have none.
        usual: Vec<u32>,
        /// The number of usable cores.
        core_count: u32,
    },
}

impl WorkerChoice {
    /// Those of each workload; 1 and the number of usable cores for workloads that have none.
    pub fn usual(core_count: u32) -> Self {
        let mut usual = vec![1, core_count];
        usual.dedup();
        Self::OfWorkloads { usual, core_count }
    }

    /// The number of threads in each process, if it is given.
    fn process_threads(&self) -> Option<u32> {
        match self {
            Self::Shape { threads, .. } => Some(*threads),
            Self::Given(_) | Self::OfWorkloads { .. } => None,
        }
    }

    /// The numbers for cases of `workload` on `backend`.
    fn of(&self, workload: &Workload, backend: &dyn Backend) -> Vec<u32> {
        match self {
            Self::Given(counts) => counts.clone(),
            Self::Shape { processes, threads } => vec![processes * threads],
            Self::OfWorkloads { usual, core_count } => {
                let own = workload.worker_counts.as_ref();
                let own = own.and_then(|own| own.of(backend.family(), *core_count));
                own.unwrap_or_else(|| usual.clone())
            }
        }
    }
}

/// Which backends bind their workers to cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// None.
    Nobody,
    /// Those that declare that they can.
    WhoeverCan,
    /// All. A backend that does not bind its workers fails.
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
    /// The case.
    pub case: Case,
    /// What the workload is for.
    pub workload_why: String,
    /// What the backend is.
    pub backend_why: String,
    /// What the backend runs its tasks on.
    pub family: Family,
    /// The time limit of the workload, if any.
    pub timeout: Option<Duration>,
    /// The workload's time limit for one task on a worker process, if any.
    pub task_timeout: Option<Duration>,
    /// The duration of the shortest possible schedule with this number of workers, if the workload certifies it.
    pub certified_optimum: Option<Duration>,
    /// How often a task is tried again after its worker process died: the workload's number, or `DEFAULT_RETRIES` for
    /// kernels that may run again.
    pub retry_limit: u32,
    /// The workload's threshold for a gate, as a fraction of the base's time, if any.
    pub gate_threshold: Option<f64>,
    /// Whether the backend declares that it can bind its workers.
    pub can_pin: bool,
    /// Whether its tasks wait for each other.
    pub coordinates: bool,
}

impl PlannedCase {
    /// Writes into the record of this case what its workload and its backend are.
    pub(crate) fn describe(&self, record: &mut Record) {
        record.workload_why = Some(self.workload_why.clone());
        record.backend_why = Some(self.backend_why.clone());
        record.family = Some(self.family.name().into());
    }
}

/// The default number of retries of a task after its worker process died, for kernels that may run again. It is enough
/// for bad luck, but too small to hide a task that kills every worker.
pub(crate) const DEFAULT_RETRIES: u32 = 2;

/// The selected cases.
#[derive(Debug, Default)]
pub struct Cases {
    /// The cases to run, sorted by workload, variant, backend and workers.
    pub planned: Vec<PlannedCase>,
    /// Why other selected cases cannot run, and how many there are for each reason.
    pub not_applicable: BTreeMap<String, usize>,
}

impl Cases {
    /// Adds a case, which cannot run if there is a `misfit`.
    fn add(&mut self, misfit: Option<String>, planned: PlannedCase) {
        match misfit {
            Some(reason) => *self.not_applicable.entry(reason).or_default() += 1,
            None => self.planned.push(planned),
        }
    }
}

/// Returns the selected cases.
pub fn cases(workloads: &[Workload], selection: &Selection) -> Cases {
    let mut cases = Cases::default();
    for workload in workloads {
        for variant in &workload.variants {
            for backend in &selection.backends {
                let external = selection.external(*backend);
                if external.is_some_and(|one| !selection.is_meant(one, workload)) {
                    continue;
                }
                for workers in selection.workers(workload, *backend) {
                    let case = selection.case(workload, variant, *backend, workers);
                    let only_if_named = workload.only_if_named;
                    if selection
                        .filter
                        .selects(&case.id(), &case.workload, only_if_named)
                    {
                        let misfit = misfit(variant, *backend, external, &case);
                        cases.add(misfit, planned(workload, variant, *backend, case));
                    }
                }
            }
        }
    }
    cases
}

/// Why a case of `variant` cannot run on `backend`, which is `external` if another program drives it; `None` if it can.
fn misfit(
    variant: &Variant,
    backend: &dyn Backend,
    external: Option<&External>,
    case: &Case,
) -> Option<String> {
    if let Err(refusal) = backend.check_system() {
        return Some(refusal);
    }
    let definition = &variant.definition;
    let (kernel, size) = (definition.kernel, definition.graph_size());
    let work_kind = work_kind(kernel);
    if let Some(why_not) = external.and_then(|one| one.why_not(case, work_kind)) {
        return Some(why_not);
    }
    if kernel.coordinates() && size.edge_count > 0 {
        return Some(format!(
            "the tasks of the kernel `{}` wait for each other, so none can depend on another: use the pattern `trivial`",
            kernel.name()
        ));
    }
    if let Some(why_not) = other_kind_of_work(backend, definition) {
        return Some(why_not);
    }
    let task_count = u64::try_from(size.task_count).unwrap_or(u64::MAX);
    let mut venue = backend.venue(task_count, case.workers as usize);
    venue.is_external = external.is_some();
    kernel.fits(&definition.kernel_parameters, &venue).err()
}

/// Why `backend` cannot run work of the kind of `definition`; `None` if it can. An external backend has said this in its
/// file.
fn other_kind_of_work(backend: &dyn Backend, definition: &Definition) -> Option<String> {
    let (name, kernel) = (backend.name(), definition.kernel);
    match kernel.is_recursive() {
        true if definition.graph_size().task_count != 1 => Some(format!(
            "the recursive program `{}` is the one task of its graph: use the pattern `trivial` with `width = 1`",
            kernel.name()
        )),
        true if !backend.runs_recursion() => Some(format!(
            "`{name}` runs no recursive programs: {}",
            backend.why_no_recursion()
        )),
        false if !backend.runs_graphs() => Some(format!(
            "`{name}` runs only recursive programs: it has no way to run a graph that is known beforehand"
        )),
        _ => None,
    }
}

/// The case with what its workload and its backend say of it.
fn planned(
    workload: &Workload,
    variant: &Variant,
    backend: &dyn Backend,
    case: Case,
) -> PlannedCase {
    let optimum = workload.certified_optimum.as_ref();
    PlannedCase {
        workload_why: workload.why.clone(),
        backend_why: backend.why().into(),
        family: backend.family(),
        certified_optimum: optimum.and_then(|optimum| optimum.of(case.workers)),
        timeout: workload.timeout,
        task_timeout: workload.task_timeout,
        retry_limit: workload.retries.unwrap_or(default_retries(variant)),
        gate_threshold: workload.gate_threshold,
        can_pin: backend.can_pin(),
        coordinates: variant.definition.kernel.coordinates(),
        case,
    }
}

fn default_retries(variant: &Variant) -> u32 {
    match variant.definition.kernel.is_idempotent() {
        true => DEFAULT_RETRIES,
        false => 0,
    }
}

impl Selection {
    /// The case of these.
    fn case(
        &self,
        workload: &Workload,
        variant: &Variant,
        backend: &dyn Backend,
        workers: u32,
    ) -> Case {
        Case {
            workload: workload.name.clone(),
            variant: variant.label.clone(),
            backend: backend.name().into(),
            workers,
            process_threads: self.worker_counts.process_threads(),
            parameters: variant.definition.to_json(),
            continuation: self.continuation(backend),
            pin: self.pin.includes(backend),
            options: self.options(backend),
        }
    }

    /// `backend`, if another program drives it.
    fn external(&self, backend: &dyn Backend) -> Option<&'static External> {
        let mut externals = self.externals.iter().copied();
        externals.find(|one| one.name() == backend.name())
    }

    /// Whether `external` is to run on `workload`, if it can.
    fn is_meant(&self, external: &External, workload: &Workload) -> bool {
        let defaults = external.default_workloads();
        self.is_named || defaults.is_none_or(|names| names.contains(&workload.name))
    }

    /// The options of `backend`: the given options that it has, and its defaults for the rest.
    fn options(&self, backend: &dyn Backend) -> BTreeMap<String, serde_json::Value> {
        let declared = backend.options();
        let own = |name: &str| declared.iter().find(|option| option.name == name);
        let given = self.options.iter().filter_map(|(name, value)| {
            // A number may be a word among the values of another backend.
            let accepted = own(name)?.accept_text(&value.to_string());
            Some((name.clone(), accepted.unwrap_or_else(|| value.clone())))
        });
        let given: BTreeMap<String, Value> = given.collect();
        let checked = Parameters::check(declared, &given);
        // Invalid options are passed on unchanged. The child refuses them and gives the reason.
        let values = checked.map_or(given, |checked| checked.values().clone());
        let json = |value| serde_json::to_value(value).expect("a value is plain data");
        values
            .into_iter()
            .map(|(name, value)| (name, json(value)))
            .collect()
    }

    fn workers(&self, workload: &Workload, backend: &dyn Backend) -> Vec<u32> {
        match backend.fixed_worker_count() {
            Some(count) => vec![count as u32],
            None => self.worker_counts.of(workload, backend),
        }
    }

    fn continuation(&self, backend: &dyn Backend) -> Option<String> {
        let all = backend.continuations();
        let wanted = self.continuation.filter(|wanted| all.contains(wanted));
        wanted.or(all.first().copied()).map(|one| one.name().into())
    }
}
