use std::io;

use super::{Findings, Kernel, KernelKind, Pace, Setting, Sharing};
use crate::graph::TaskId;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{AtomicCounter, MutexCounter, ProcessMutexCounter, RacyCounter, SharedCounter};

/// A task that adds one to a shared variable and subtracts it again, many times.
pub const PLUS_MINUS: PlusMinusKind = PlusMinusKind;

/// See [`PLUS_MINUS`].
#[derive(Debug)]
pub struct PlusMinusKind;

impl KernelKind for PlusMinusKind {
    fn name(&self) -> &'static str {
        "plus-minus"
    }

    fn why(&self) -> &'static str {
        "contends: every task adds one to a shared variable and subtracts it again, many times"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "variant",
                why: "how the variable is protected; racy is unprotected and may not end at 0",
                kind: ParameterKind::Choice(&["racy", "atomic", "mutex"]),
                default: Some(DefaultValue::Text("atomic")),
            },
            Parameter {
                name: "pairs",
                why: "how many times a task adds and subtracts",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(500)),
            },
        ]
    }

    fn is_idempotent(&self) -> bool {
        // An interrupted task may have added without subtracting.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("pairs")
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Contention
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let pairs = parameters.count("pairs");
        Ok(match (parameters.text("variant"), setting.sharing) {
            ("racy", _) => PlusMinus::boxed(RacyCounter::new()?, pairs, true),
            ("atomic", _) => PlusMinus::boxed(AtomicCounter::new()?, pairs, false),
            (_, Sharing::Threads) => PlusMinus::boxed(MutexCounter::new(), pairs, false),
            (_, Sharing::Processes) => PlusMinus::boxed(ProcessMutexCounter::new()?, pairs, false),
        })
    }
}

struct PlusMinus<C> {
    variable: C,
    pairs: u64,
    /// Whether the variable may end at something other than 0, because the variant exists to show it.
    may_be_off: bool,
}

impl<C: SharedCounter + 'static> PlusMinus<C> {
    fn boxed(variable: C, pairs: u64, may_be_off: bool) -> Box<dyn Kernel> {
        Box::new(Self {
            variable,
            pairs,
            may_be_off,
        })
    }
}

impl<C: SharedCounter> Kernel for PlusMinus<C> {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        for _ in 0..self.pairs {
            self.variable.add(1);
            // Subtracts one.
            self.variable.add(u64::MAX);
        }
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        seed
    }

    fn reset(&self) {
        self.variable.reset();
    }

    fn verify(&self, _: u64) -> Result<Findings, String> {
        let value = self.variable.value() as i64;
        match self.may_be_off {
            true => Ok(Findings::from([(
                "off_by_count".into(),
                value.unsigned_abs(),
            )])),
            false if value == 0 => Ok(Findings::new()),
            false => Err(format!(
                "the variable is {value} after as many subtractions as additions of one"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_lost_an_update_is_found() {
        let variant = |may_be_off| PlusMinus {
            variable: AtomicCounter::new().unwrap(),
            pairs: 3,
            may_be_off,
        };
        for may_be_off in [false, true] {
            let kernel = variant(may_be_off);
            assert_eq!(kernel.run(TaskId(0), 7), 7);
            let findings = kernel.verify(1).unwrap();
            assert_eq!(findings.values().sum::<u64>(), 0);
            // A subtraction that nobody asked for stands for an addition that was lost.
            kernel.variable.add(u64::MAX);
            let expected = match may_be_off {
                true => Ok(Findings::from([("off_by_count".into(), 1)])),
                false => {
                    Err("the variable is -1 after as many subtractions as additions of one".into())
                }
            };
            assert_eq!(kernel.verify(1), expected);
        }
    }
}
