use std::io;

use super::compute_bound::ITERATIONS;
use super::multiply_add::MultiplyAdd;
use super::{Kernel, KernelKind, Setting};
use crate::graph::{TaskGraph, TaskId};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::random::mix;

/// Tasks that compute, some much and some little.
pub const LOAD_IMBALANCE: LoadImbalanceKind = LoadImbalanceKind;

/// See [`LOAD_IMBALANCE`].
#[derive(Debug)]
pub struct LoadImbalanceKind;

/// The value of `redraw` for which a point keeps its share in all steps.
const NEVER: &str = "never";

impl KernelKind for LoadImbalanceKind {
    fn name(&self) -> &'static str {
        "load-imbalance"
    }

    fn why(&self) -> &'static str {
        "computes like compute-bound, but some tasks much and some little, as a seed draws it"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                why: "how many times 64 floating-point operations a task does on average",
                ..ITERATIONS
            },
            Parameter {
                name: "imbalance_percent",
                why: "how far the smallest and the largest task lie apart, in percent of the average",
                kind: ParameterKind::Count { min: 0, max: 200 },
                default: Some(DefaultValue::Count(200)),
            },
            Parameter {
                name: "redraw",
                why: "when the sizes are drawn anew: every step, or never, so that a point keeps its own",
                kind: ParameterKind::Choice(&["every-step", NEVER]),
                default: Some(DefaultValue::Text("every-step")),
            },
            Parameter {
                name: "seed",
                why: "what the sizes are drawn from",
                kind: ParameterKind::Count {
                    min: 0,
                    max: u32::MAX as u64,
                },
                default: Some(DefaultValue::Count(0)),
            },
        ]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some(ITERATIONS.name)
    }

    fn even_parameters(&self) -> &'static [(&'static str, u64)] {
        &[("imbalance_percent", 0)]
    }

    fn task_byte_len(&self) -> u64 {
        // Its iterations.
        size_of::<u64>() as u64
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let draw = Draw {
            iterations: parameters.count(ITERATIONS.name),
            imbalance: parameters.count("imbalance_percent") as f64 / 100.0,
            is_persistent: parameters.text("redraw") == NEVER,
            seed: parameters.count("seed"),
        };
        Ok(Box::new(LoadImbalance {
            iterations: draw.all(setting.graph),
            multiply_add: MultiplyAdd::new(),
        }))
    }
}

/// How the size of each task is drawn.
struct Draw {
    iterations: u64,
    /// From 0, all the same, to 2, anything between nothing and twice the average.
    imbalance: f64,
    is_persistent: bool,
    seed: u64,
}

impl Draw {
    /// The iterations of each task. Its step is the number of tasks on the longest path before it, its point
    /// the number of tasks of that step that come before it.
    fn all(&self, graph: &TaskGraph) -> Box<[u64]> {
        let levels = graph.levels();
        let mut points = vec![0u64; levels.iter().max().map_or(0, |last| *last as usize + 1)];
        let draw = |level: &u32| {
            let point = &mut points[*level as usize];
            *point += 1;
            self.one(u64::from(*level), *point - 1)
        };
        levels.iter().map(draw).collect()
    }

    /// Uniform within half of `imbalance` around the average, as Task Bench draws it
    /// (`select_imbalance_iterations` in its `core/core_kernel.cc`).
    fn one(&self, step: u64, point: u64) -> u64 {
        let step = if self.is_persistent { 0 } else { step };
        let number = mix(mix(mix(self.seed) ^ step) ^ point);
        // 53 bits are what a float holds: uniform over [0, 1).
        let uniform = (number >> 11) as f64 / (1u64 << 53) as f64;
        ((1.0 + (uniform - 0.5) * self.imbalance) * self.iterations as f64).round() as u64
    }
}

struct LoadImbalance {
    /// Of each task.
    iterations: Box<[u64]>,
    multiply_add: MultiplyAdd,
}

impl Kernel for LoadImbalance {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        let iterations = self.iterations[task.index()];
        self.multiply_add.rounds(seed, iterations)
    }

    fn expected(&self, task: TaskId, seed: u64) -> u64 {
        MultiplyAdd::outcome(seed, self.iterations[task.index()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskGraphBuilder;

    /// Rows side by side, each point depending on itself alone.
    fn rows(width: u32, steps: u32) -> TaskGraph {
        let mut builder = TaskGraphBuilder::default();
        for task in 0..width * steps {
            let above = task.checked_sub(width).map(TaskId);
            builder.push(above).unwrap();
        }
        builder.finish()
    }

    fn draw(imbalance: f64, is_persistent: bool, seed: u64) -> Box<[u64]> {
        let draw = Draw {
            iterations: 1000,
            imbalance,
            is_persistent,
            seed,
        };
        draw.all(&rows(1000, 5))
    }

    #[test]
    fn sizes_are_uniform_around_the_average() {
        for (imbalance, min, max) in [(2.0, 0, 2000), (0.5, 750, 1250), (0.0, 1000, 1000)] {
            let sizes = draw(imbalance, false, 1);
            assert!(sizes.iter().all(|size| (min..=max).contains(size)));
            // The mean of n uniform numbers has a deviation of (max - min) / sqrt(12 n).
            let deviation = (max - min) as f64 / (12.0 * sizes.len() as f64).sqrt();
            let mean = sizes.iter().sum::<u64>() as f64 / sizes.len() as f64;
            assert!((mean - 1000.0).abs() <= 4.0 * deviation, "{mean}");
            let quarter = (max - min) / 4;
            for lowest in (0..4).map(|part| min + part * quarter) {
                let part = lowest..=lowest + quarter;
                let count = sizes.iter().filter(|size| part.contains(size)).count();
                assert!(count >= sizes.len() / 5, "{count} in {part:?}");
            }
        }
    }

    #[test]
    fn only_redrawn_sizes_change_from_step_to_step() {
        let same_as_above = |sizes: &[u64]| {
            let pairs = sizes.iter().zip(&sizes[1000..]);
            pairs.filter(|(above, below)| above == below).count()
        };
        assert_eq!(same_as_above(&draw(2.0, true, 1)), 4000);
        assert!(same_as_above(&draw(2.0, false, 1)) < 100);
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(draw(2.0, false, 1), draw(2.0, false, 1));
        assert_ne!(draw(2.0, false, 1), draw(2.0, false, 2));
    }

    #[test]
    fn a_graph_without_tasks_has_no_sizes() {
        let draw = Draw {
            iterations: 1,
            imbalance: 1.0,
            is_persistent: false,
            seed: 0,
        };
        assert!(draw.all(&TaskGraph::default()).is_empty());
    }
}
