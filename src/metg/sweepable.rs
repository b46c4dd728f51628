use std::time::Duration;

use serde_json::{Value, json};

use super::{PROBE_BACKEND, PROBE_TASKS};
use crate::backend::{Backend, Family, SERIAL};
use crate::external::External;
use crate::kernel::Timed;
use crate::matrix::PlannedCase;
use crate::parameter::{LONGEST_MILLISECONDS, ParameterKind};
use crate::record::{Case, Peak};
use crate::registry::Registry;
use crate::workload::{BuildError, Definition, DefinitionError};

/// A case whose task size can be swept.
#[derive(Debug, Clone)]
pub(crate) struct Sweepable {
    pub(super) planned: PlannedCase,
    /// The variant without the size.
    pub(super) variant: String,
    pub(super) size_parameter: &'static str,
    /// The next smaller size, if the size is the cut-off of a recursive program.
    pub(super) next_cut_off: Option<fn(u64) -> u64>,
    /// The parameters in which the probe's kernel differs from the case's.
    even_parameters: &'static [(&'static str, u64)],
    /// The time per unit of size, for kernels whose tasks last for a known time.
    pub(super) timed: Option<Timed>,
    pub(super) sizes: Sizes,
    pub(super) least_task_count: u64,
    /// The memory of one size, in bytes.
    pub(super) byte_len: u64,
    /// The backend that shows the peak rate if the kernel runs in another program; `None` if it is ours.
    foreign_prober: Option<&'static External>,
}

/// The backend that shows at which rate the program behind `external` can compute: its plain loop if it has one, and
/// otherwise itself. A kernel of another language has another rate.
fn foreign_prober(external: &'static External, registry: &Registry) -> &'static External {
    let is_loop = |other: &&'static External| {
        other.family() == Family::Serial && other.command() == external.command()
    };
    let mut all = registry.externals.iter().copied();
    all.find(is_loop).unwrap_or(external)
}

/// The sizes that a kernel accepts: all multiples of `step` from `least` to `most`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) least: f64,
    pub(super) most: f64,
    step: f64,
}

impl Sizes {
    /// The sizes of a parameter; `None` for words and ratios.
    fn of(kind: ParameterKind) -> Option<Self> {
        match kind {
            ParameterKind::Count { min, max } => Some(Self {
                least: min.max(1) as f64,
                most: max as f64,
                step: 1.0,
            }),
            // No timer is finer than a microsecond.
            ParameterKind::Milliseconds => Some(Self {
                least: 0.001,
                most: LONGEST_MILLISECONDS as f64,
                step: 0.001,
            }),
            ParameterKind::Limit { .. } | ParameterKind::Ratio | ParameterKind::Choice(_) => None,
        }
    }

    /// Returns the largest size up to `size`, or else the smallest.
    pub(super) fn at_most(self, size: f64) -> f64 {
        // Divide by a whole number instead of multiplying by a fraction, so that 0.25 stays 0.25.
        let per_unit = (1.0 / self.step).round();
        ((size * per_unit).floor() / per_unit).clamp(self.least, self.most)
    }
}

/// A size as the value of a parameter. Whole numbers have no fraction.
fn value(size: f64) -> Value {
    match size.fract() == 0.0 {
        true => json!(size as u64),
        false => json!(size),
    }
}

/// Why a case cannot be looked at for a sweep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SweepError {
    /// Its parameters are not those of a workload.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// Nothing has the name of its backend.
    #[error("there is no backend `{0}`")]
    NoBackend(String),
    /// Its graph cannot be built.
    #[error(transparent)]
    Graph(#[from] BuildError),
}

impl Sweepable {
    /// Makes `planned` a case to sweep; `None` if its kernel has no size.
    ///
    /// # Errors
    ///
    /// When the case does not fit `registry`, or its graph cannot be built.
    pub(crate) fn new(
        planned: &PlannedCase,
        registry: &Registry,
    ) -> Result<Option<Self>, SweepError> {
        let case = &planned.case;
        let definition = Definition::from_json(&case.parameters, registry)?;
        let external = registry.external(&case.backend);
        // Another program has another serial rate, and no loop that runs recursive programs.
        let cut_off = definition.kernel.cut_off().filter(|_| external.is_none());
        let cut_off_parameter = cut_off.map(|cut_off| cut_off.parameter);
        let Some(size_parameter) = definition.kernel.size_parameter().or(cut_off_parameter) else {
            return Ok(None);
        };
        let mut declared = definition.kernel.parameters().iter();
        let size = declared.find(|one| one.name == size_parameter);
        let Some(sizes) = size.and_then(|one| Sizes::of(one.kind)) else {
            return Ok(None);
        };
        let timed = definition.kernel.timed();
        let backend = registry
            .backend(&case.backend)
            .ok_or_else(|| SweepError::NoBackend(case.backend.clone()))?;
        let graph = definition.build_graph()?;
        let task_count = graph.task_count() as u64;
        let depth = graph.levels().into_iter().max().map_or(0, |last| last + 1);
        let waits = timed.is_some_and(|timed| timed.waits);
        let parallelism = backend.parallelism(case.workers as usize, waits);
        let share = parallelism.map_or(0, |workers| task_count.div_ceil(workers.max(1) as u64));
        Ok(Some(Self {
            variant: without(&case.variant, size_parameter),
            planned: planned.clone(),
            size_parameter,
            next_cut_off: cut_off.map(|cut_off| cut_off.next),
            even_parameters: definition.kernel.even_parameters(),
            timed,
            sizes,
            least_task_count: share.max(u64::from(depth)),
            byte_len: definition.byte_len(),
            foreign_prober: external.map(|external| foreign_prober(external, registry)),
        }))
    }

    /// Identifies it. Two cases that differ only in the size have the same id.
    pub(crate) fn id(&self) -> String {
        self.case(None).id()
    }

    /// Whether the kernel runs in another program.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign_prober.is_some()
    }

    /// The backend of the probe.
    fn prober(&self) -> &'static str {
        if self.next_cut_off.is_some() {
            return SERIAL.name();
        }
        self.foreign_prober.map_or(PROBE_BACKEND, Backend::name)
    }

    /// The kernel without its size, the backend of the probe, the number of workers and their binding. Cases that agree
    /// in these share a probe.
    pub(crate) fn probe_key(&self) -> String {
        let case = self.case(None);
        let kernel = &case.parameters["kernel"];
        let prober = self.prober();
        format!("{kernel} {prober} {} {}", case.workers, case.pin)
    }

    /// The case at this size, or without a size.
    pub(super) fn case(&self, size: Option<f64>) -> Case {
        let mut case = self.planned.case.clone();
        let size = size.map(value);
        case.parameters["kernel"][self.size_parameter] = json!(size);
        case.variant = self.variant.clone();
        if let Some(size) = size {
            let separator = if case.variant.is_empty() { "" } else { "," };
            case.variant += &format!("{separator}{}={size}", self.size_parameter);
        }
        case
    }

    /// The certified optimum of `case`, if any. The workload certifies only its own size.
    pub(super) fn optimum(&self, case: &Case) -> Option<Duration> {
        let own_size = self.planned.case.parameters["kernel"][self.size_parameter].as_f64();
        let is_own = *case == self.case(own_size);
        self.planned.certified_optimum.filter(|_| is_own)
    }

    /// Says in the `peak` of a recursive program that the probe, which is the whole program, is the time of all its tasks
    /// at the peak rate. Changes nothing for others.
    pub(super) fn divide(&self, peak: &mut Peak, task_count: u64) {
        if self.next_cut_off.is_some() {
            let workers = u64::from(self.planned.case.workers.max(1));
            peak.least_task_count = task_count.div_ceil(workers);
            (peak.probe_size, peak.probe_task_count) = (peak.size, task_count);
        }
    }

    /// The case at this size without any scheduling.
    pub(super) fn serial_case(&self, size: f64) -> Case {
        let mut case = self.case(Some(size));
        case.backend = SERIAL.name().into();
        case.workers = 1;
        case.continuation = None;
        case.options.clear();
        case
    }

    /// The case of a probe: as many chains as there are workers, with tasks of this size. In another program it is one
    /// chain on one worker, because nothing there is known to keep several workers busy.
    pub(super) fn probe_case(&self, size: f64) -> Case {
        let mut case = self.case(Some(size));
        let own_backend = std::mem::take(&mut case.backend);
        case.backend = self.prober().into();
        if case.backend != own_backend {
            case.continuation = None;
            case.options.clear();
        }
        if let Some(prober) = self.foreign_prober {
            case.workers = prober.fixed_worker_count().unwrap_or(1) as u32;
            case.process_threads = None;
        }
        let mut kernel = case.parameters["kernel"].take();
        for (name, value) in self.even_parameters {
            kernel[*name] = json!(value);
        }
        let pattern = json!({"kind": "no-comm", "width": case.workers, "steps": PROBE_TASKS});
        case.parameters = json!({"pattern": pattern, "kernel": kernel});
        case
    }
}

/// Removes the entry of one parameter from a variant's label.
fn without(variant: &str, parameter: &str) -> String {
    let entries = variant.split(',');
    let entries = entries.filter(|entry| entry.split('=').next() != Some(parameter));
    entries.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Family;

    #[test]
    fn sizes_are_those_that_the_parameter_accepts() {
        let count = Sizes::of(ParameterKind::Count { min: 0, max: 9 }).unwrap();
        assert_eq!(
            [0.3, 2.9, 70.0].map(|size| count.at_most(size)),
            [1.0, 2.0, 9.0]
        );
        assert_eq!(value(2.0).to_string(), "2");
        let time = Sizes::of(ParameterKind::Milliseconds).unwrap();
        assert_eq!(
            [1e-9, 0.2519, 2.0].map(|size| time.at_most(size)),
            [0.001, 0.251, 2.0]
        );
        assert_eq!(value(0.25).to_string(), "0.25");
        assert!(Sizes::of(ParameterKind::Ratio).is_none());
    }

    #[test]
    fn an_optimum_is_certified_only_for_the_size_of_the_workload() {
        let parameters = json!({
            "pattern": {"kind": "chain", "steps": 3},
            "kernel": {"kind": "sleep", "duration_ms": 2.0},
        });
        let case = json!({"workload": "x", "variant": "duration_ms=2", "backend": "rayon", "workers": 2, "parameters": parameters});
        let planned = PlannedCase {
            case: serde_json::from_value(case).unwrap(),
            workload_why: String::new(),
            backend_why: String::new(),
            family: Family::Threads,
            timeout: None,
            task_timeout: None,
            certified_optimum: Some(Duration::from_millis(6)),
            retry_limit: 0,
            gate_threshold: None,
            can_pin: true,
            coordinates: false,
        };
        let sweepable = Sweepable::new(&planned, &Registry::default());
        let sweepable = sweepable.unwrap().expect("sleep has a size");
        let optimum = |case| sweepable.optimum(&case);
        assert_eq!(
            optimum(sweepable.case(Some(2.0))),
            planned.certified_optimum
        );
        assert_eq!(optimum(sweepable.case(Some(1.0))), None);
        assert_eq!(optimum(sweepable.probe_case(2.0)), None);
    }

    #[test]
    fn only_the_size_is_removed_from_the_variant() {
        assert_eq!(without("", "times"), "");
        assert_eq!(without("times=3", "times"), "");
        assert_eq!(
            without("width=2,times=3,steps=4", "times"),
            "width=2,steps=4"
        );
        assert_eq!(without("sometimes=3", "times"), "sometimes=3");
    }
}
