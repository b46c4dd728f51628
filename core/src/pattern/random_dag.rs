use super::{EXTENT, Pattern, RADIX, SEED, Size, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};
use crate::random;

/// Each task depends on some of the tasks shortly before it, drawn from a seed.
///
/// Task `i` draws its number of dependences, from 0 to `radix`, and then draws each of them from the `window` tasks
/// before it. Duplicates count once. Task 0 depends on nothing.
///
/// The number is `draw(seed, i, 0) mod (radix + 1)`, and the `k`-th task, from 1, is `i - 1 - draw(seed, i, k) mod
/// min(i, window)`. A small window makes long paths, a large one short paths (Devroye, Janson, "Long and short paths
/// in uniform random recursive dags", 2011).
pub const RANDOM_DAG: RandomDag = RandomDag;

/// See [`RANDOM_DAG`].
#[derive(Debug)]
pub struct RandomDag;

impl Pattern for RandomDag {
    fn name(&self) -> &'static str {
        "random-dag"
    }

    fn why(&self) -> &'static str {
        "each task depends on some earlier tasks, drawn from a seed: a graph without regularity"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[TASKS, RADIX, WINDOW, SEED]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let task_count = u128::from(parameters.count("tasks"));
        Size {
            task_count,
            // An upper bound: the actual number is known only after drawing all edges.
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
    why: "how far back a task may depend on others, in tasks",
    kind: EXTENT,
    default: None,
};
