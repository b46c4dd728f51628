//! How long the tasks of a file took.

use serde_json::value::RawValue;

use super::super::refusal::{Refusal, in_line, quoted};
use super::super::{all_or_none, billionths};
use super::tasks::Tasks;
use super::wire::{WireExecuted, WireTask};

/// The runtimes of all tasks.
pub(super) struct Runtimes {
    /// In nanoseconds; none if the file states none.
    pub(super) durations: Option<Vec<u64>>,
    /// What is odd about them.
    pub(super) notes: Vec<String>,
}

/// The last version, by its second part, that has `runtime` and not `runtimeInSeconds`.
const LAST_WITH_RUNTIME: u32 = 3;

/// The first version, by its second part, that keeps runtimes apart from the tasks.
const FIRST_WITH_EXECUTION: u32 = 5;

impl Tasks<'_> {
    /// The runtimes that stand with the tasks of a file of this version: `runtimeInSeconds`, or `runtime` where no task
    /// has the former.
    pub(super) fn own_runtimes(&self, minor: u32) -> Result<Runtimes, Refusal> {
        let is_new = self
            .wire
            .iter()
            .any(|task| task.runtime_in_seconds.is_some());
        let is_old = self.wire.iter().any(|task| task.runtime.is_some());
        if is_new || !is_old {
            let durations = self.durations(|task| task.runtime_in_seconds)?;
            return Ok(Runtimes {
                durations: self.all_or_none(durations)?,
                notes: Vec::new(),
            });
        }
        let durations = self.durations(|task| task.runtime)?;
        let left_out_count = durations
            .iter()
            .filter(|duration| duration.is_none())
            .count();
        let mut notes = Vec::new();
        if minor > LAST_WITH_RUNTIME {
            notes.push(
                "its durations are named `runtime`, as versions up to 1.3 have it: read as seconds"
                    .to_owned(),
            );
        }
        if left_out_count > 0 {
            notes.push(format!(
                "{left_out_count} of its tasks have no `runtime`, which stands for 0 in versions up to 1.3"
            ));
        }
        Ok(Runtimes {
            durations: Some(
                durations
                    .into_iter()
                    .map(Option::unwrap_or_default)
                    .collect(),
            ),
            notes,
        })
    }

    fn durations<'a>(
        &'a self,
        runtime: impl Fn(&'a WireTask<'a>) -> Option<&'a RawValue>,
    ) -> Result<Vec<Option<u64>>, Refusal> {
        let tasks = self.wire.iter().zip(&self.keys);
        tasks
            .map(|(task, key)| self.duration(runtime(task), key))
            .collect()
    }

    /// The runtimes that stand apart from the tasks. Where none do, those that stand with them count.
    pub(super) fn executed_runtimes(
        &self,
        executed: &[WireExecuted<'_>],
    ) -> Result<Runtimes, Refusal> {
        if executed.is_empty() {
            let mut own = self.own_runtimes(FIRST_WITH_EXECUTION)?;
            if own.durations.is_some() && own.notes.is_empty() {
                own.notes.push(
                    "its runtimes stand with its tasks and not under `workflow.execution`: read all the same"
                        .to_owned(),
                );
            }
            return Ok(own);
        }
        let mut durations = vec![None; self.wire.len()];
        let mut first: Vec<Option<&str>> = vec![None; self.wire.len()];
        for runtime in executed {
            let id = &*runtime.id.0;
            let task = self.find(id).ok_or_else(|| {
                let message = format!("the execution names task {}, which is not specified", quoted(id));
                let help = "add it to `workflow.specification.tasks`, or take it out of `workflow.execution.tasks`";
                Refusal::new(message, help).at(self.text, id)
            })?;
            if let Some(first) = first[task as usize].replace(id) {
                let first = in_line(self.text, first);
                let message = format!("the execution names task {} twice{first}", quoted(id));
                let help = "leave one runtime a task: the sum, if it ran in several parts";
                return Err(Refusal::new(message, help).at(self.text, id));
            }
            durations[task as usize] = self.duration(runtime.runtime_in_seconds, id)?;
        }
        Ok(Runtimes {
            durations: self.all_or_none(durations)?,
            notes: Vec::new(),
        })
    }

    /// The runtime of the task that is named as `key`, in nanoseconds.
    fn duration(&self, runtime: Option<&RawValue>, key: &str) -> Result<Option<u64>, Refusal> {
        let Some(runtime) = runtime.map(RawValue::get) else {
            return Ok(None);
        };
        let task = || format!("task {}", quoted(key));
        // What begins like a number of JSON is one: the file was read as JSON.
        let duration = match runtime.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            true => billionths(runtime.parse().unwrap_or(f64::NAN), task),
            false => Err(not_a_number(runtime, &task())),
        };
        duration
            .map(Some)
            .map_err(|refusal| refusal.at(self.text, runtime))
    }

    fn all_or_none(&self, durations: Vec<Option<u64>>) -> Result<Option<Vec<u64>>, Refusal> {
        all_or_none(durations, |without| {
            let key = self.keys[without];
            let message = format!(
                "task {} has no `runtimeInSeconds`, but others have",
                quoted(key)
            );
            let help = "give every task its runtime (0 is one), or none";
            Refusal::new(message, help).at(self.text, key)
        })
    }
}

fn not_a_number(runtime: &str, task: &str) -> Refusal {
    let runtime = quoted(runtime.trim_matches('"'));
    Refusal::new(
        format!("the duration of {task} is {runtime}, which is no number"),
        "a runtime is a number of seconds from 0 up, without quotes",
    )
}
