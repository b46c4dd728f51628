use super::{EXTENT, Pattern, RADIX, SEED, Size, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};
use crate::random;

/// Each task depends on some of the tasks shortly before it, drawn by a seed.
///
/// Task `i` draws how many it depends on, from 0 to `radix`, and then each of them from the `window` tasks before it.
/// One that is drawn twice counts once. Task 0 depends on nothing.
///
/// As numbers: `draw(seed, i, 0) mod (radix + 1)` is how many, and `i - 1 - draw(seed, i, k) mod min(i, window)` the one
/// drawn as the `k`-th, from 1 up. A small window makes long paths, a large one short ones (Devroye, Janson,
/// "Long and short paths in uniform random recursive dags", 2011).
pub const RANDOM_DAG: RandomDag = RandomDag;

/// See [`RANDOM_DAG`].
#[derive(Debug)]
pub struct RandomDag;

impl Pattern for RandomDag {
    fn name(&self) -> &'static str {
        "random-dag"
    }

    fn why(&self) -> &'static str {
        "each task depends on some of those before it, drawn by a seed: a graph without any regularity"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[TASKS, RADIX, WINDOW, SEED]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let task_count = u128::from(parameters.count("tasks"));
        Size {
            task_count,
            // The most there can be: only drawing them all would tell how many there are.
            edge_count: (task_count - 1) * u128::from(parameters.count("radix")),
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let (seed, radix) = (parameters.count("seed"), parameters.count("radix"));
        let window = parameters.count("window");
        let mut builder = builder(self.size(parameters));
        let mut inputs: Vec<TaskId> = Vec::new();
        builder.push([])?;
        for task in 1..parameters.count("tasks") {
            let draws = random::draw([seed, task, 0]) % (radix + 1);
            inputs.clear();
            inputs.extend((1..=draws).map(|k| {
                let distance = 1 + random::draw([seed, task, k]) % task.min(window);
                TaskId((task - distance) as u32)
            }));
            inputs.sort_unstable();
            inputs.dedup();
            builder.push(inputs.iter().copied())?;
        }
        Ok(builder.finish())
    }
}

const TASKS: Parameter = Parameter {
    name: "tasks",
    why: "how many tasks there are",
    kind: EXTENT,
    default: None,
};

const WINDOW: Parameter = Parameter {
    name: "window",
    why: "how many tasks back a task may depend on",
    kind: EXTENT,
    default: None,
};
