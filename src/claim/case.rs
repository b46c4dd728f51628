//! The cases of a claim on this machine.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Claim, ClaimValue, Contender};
use crate::filter::CaseFilter;
use crate::matrix::{self, Binding, PlannedCase, Selection, WorkerChoice};
use crate::parameter::Value;
use crate::record::{Case, CaseError, ErrorKind};
use crate::registry::Registry;
use crate::workload::{CertifiedOptimum, Definition, Variant, Workload};

/// The parameter of `sleep`: how long a task sleeps.
const DURATION: &str = "duration_ms";

/// A side of a claim on this machine.
pub(super) struct ClaimCase {
    /// The side.
    pub(super) contender: &'static Contender,
    /// The case; if it cannot run, the case without defaults, and why.
    pub(super) planned: Result<PlannedCase, (Box<Case>, CaseError)>,
}

impl ClaimCase {
    pub(super) fn case(&self) -> &Case {
        match &self.planned {
            Ok(planned) => &planned.case,
            Err((case, _)) => case,
        }
    }
}

/// The sides of a claim. Those that are optional are left out if this machine does not have their backend.
pub(super) fn claim_cases(
    claim: &Claim,
    registry: &Registry,
    core_count: u32,
    scale: f64,
) -> Vec<ClaimCase> {
    let is_here = |one: &&Contender| !one.is_optional || registry.backend(one.backend).is_some();
    let sides = claim.sides.iter().filter(is_here);
    let case = |contender| ClaimCase {
        contender,
        planned: planned(claim, contender, registry, core_count, scale),
    };
    sides.map(case).collect()
}

/// The ids of the cases of a claim.
pub(crate) fn case_ids(
    claim: &Claim,
    registry: &Registry,
    core_count: u32,
    scale: f64,
) -> Vec<String> {
    let cases = claim_cases(claim, registry, core_count, scale);
    cases.iter().map(|one| one.case().id()).collect()
}

fn planned(
    claim: &Claim,
    contender: &Contender,
    registry: &Registry,
    core_count: u32,
    scale: f64,
) -> Result<PlannedCase, (Box<Case>, CaseError)> {
    let parameters = contender.parameters(core_count, scale);
    let case = Case {
        workload: format!("claim-{}", claim.id),
        variant: format!("side={}", contender.name),
        backend: contender.backend.into(),
        workers: contender.workers.on(core_count),
        process_threads: None,
        parameters: parameters.clone(),
        continuation: None,
        pin: false,
        options: BTreeMap::new(),
    };
    let refused = |why: String| {
        (
            Box::new(case.clone()),
            CaseError::new(ErrorKind::SetUp, why),
        )
    };
    let Some(backend) = registry.backend(contender.backend) else {
        return Err(refused(format!(
            "this program has no backend `{}`",
            contender.backend
        )));
    };
    if let Some(obstacle) = registry
        .external(contender.backend)
        .and_then(|one| one.obstacle())
    {
        return Err(refused(obstacle));
    }
    let definition = Definition::from_json(&parameters, registry);
    let definition = definition.map_err(|error| refused(error.to_string()))?;
    let workload = workload(claim, contender, &case, definition, scale);
    let selection = Selection {
        filter: CaseFilter::default(),
        backends: vec![backend],
        externals: registry.externals.clone(),
        is_named: true,
        worker_counts: WorkerChoice::Given(vec![case.workers]),
        continuation: None,
        pin: Binding::Nobody,
        options: contender
            .options
            .iter()
            .map(|(name, value)| ((*name).into(), Value::Text((*value).into())))
            .collect(),
    };
    let mut cases = matrix::cases(&[workload], &selection);
    cases.planned.pop().ok_or_else(|| {
        let reasons: Vec<String> = cases.not_applicable.into_keys().collect();
        refused(reasons.join("; "))
    })
}

/// The workload with this definition alone.
fn workload(
    claim: &Claim,
    contender: &Contender,
    case: &Case,
    definition: Definition,
    scale: f64,
) -> Workload {
    Workload {
        name: case.workload.clone(),
        why: claim.statement.into(),
        timeout: None,
        task_timeout: None,
        retries: None,
        certified_optimum: contender.optimum(scale).map(CertifiedOptimum::Any),
        gate_threshold: None,
        only_if_named: false,
        worker_counts: None,
        notes: Vec::new(),
        variants: vec![Variant {
            label: case.variant.clone(),
            definition,
        }],
    }
}

impl Contender {
    /// The parameters of its case, as in a record.
    fn parameters(&self, core_count: u32, scale: f64) -> Json {
        let mut kernel = json!({ "kind": self.kernel });
        for (name, value) in self.parameters {
            kernel[*name] = json!(value.at(scale));
        }
        let tasks = self.tasks.on(core_count);
        json!({ "pattern": { "kind": "trivial", "width": tasks }, "kernel": kernel })
    }

    /// The shortest possible run, if it has rounds.
    fn optimum(&self, scale: f64) -> Option<Duration> {
        let rounds = self.rounds?;
        let mut all = self.parameters.iter();
        let milliseconds = all.find_map(|(name, value)| match value {
            ClaimValue::Scaled(full) if *name == DURATION => Some(full * scale),
            _ => None,
        })?;
        Some(Duration::from_secs_f64(milliseconds / 1000.0) * rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::CLAIMS;

    /// Those that need a kernel which this program may not have yet are refused with its name.
    #[test]
    fn every_side_is_a_case_at_every_scale_or_says_why_not() {
        let registry = Registry::default();
        for (claim, scale) in CLAIMS.iter().flat_map(|claim| [(claim, 1.0), (claim, 0.1)]) {
            for side in claim_cases(claim, &registry, 2, scale) {
                let contender = side.contender;
                let is_known = registry.backend(contender.backend).is_some()
                    && registry
                        .kernels
                        .iter()
                        .any(|one| one.name() == contender.kernel);
                match side.planned {
                    Ok(planned) => assert_eq!(planned.case.workers, contender.workers.on(2)),
                    Err((case, error)) => {
                        assert!(!is_known, "{}: {}", case.id(), error.message);
                        let names = [contender.backend, contender.kernel];
                        assert!(
                            names.iter().any(|name| error.message.contains(name)),
                            "{}",
                            error.message
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn parts_compare_sides_of_their_claim_and_ids_and_names_are_unique() {
        for (index, claim) in CLAIMS.iter().enumerate() {
            assert!(CLAIMS[..index].iter().all(|other| other.id != claim.id));
            let names: Vec<&str> = claim.sides.iter().map(|side| side.name).collect();
            for (place, name) in names.iter().enumerate() {
                assert!(
                    !names[..place].contains(name),
                    "{name} of claim {} is there twice",
                    claim.id
                );
            }
            for part in claim.parts {
                assert!(
                    names.contains(&part.more) && names.contains(&part.less),
                    "{}",
                    part.statement
                );
                assert_ne!(part.more, part.less);
            }
            let used = |name: &&str| {
                claim
                    .parts
                    .iter()
                    .any(|part| part.more == *name || part.less == *name)
            };
            assert!(
                names.iter().all(used),
                "claim {} measures more than it compares",
                claim.id
            );
            assert!(claim.parts.iter().any(|part| !part.is_aside));
        }
    }
}
