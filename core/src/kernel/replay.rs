use std::hint::black_box;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::busy_wait::spin;
use super::hash;
use super::support::sequence::in_sequence;
use super::{Kernel, KernelKind, Setting, Venue};
use crate::graph::TaskId;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

/// Tasks that each last as long as the graph says.
pub const REPLAY: ReplayKind = ReplayKind;

/// See [`REPLAY`].
#[derive(Debug)]
pub struct ReplayKind;

impl KernelKind for ReplayKind {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn why(&self) -> &'static str {
        "each task lasts as long as the graph says: by sleeping, by spinning, or by hashing a calibrated number of times"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "by",
            why: "what a task does during its time; on shared cores only hash takes longer",
            kind: ParameterKind::Choice(&["sleep", "spin", "hash"]),
            default: Some(DefaultValue::Text("sleep")),
        }]
    }

    fn fits(&self, parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        match parameters.text("by") {
            "sleep" => venue.lets_wait(),
            _ => Ok(()),
        }
    }

    fn needs_durations(&self) -> bool {
        true
    }

    fn knows_durations(&self) -> bool {
        true
    }

    fn task_byte_len(&self) -> u64 {
        // The task's duration, which the graph also holds.
        size_of::<u64>() as u64
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let durations_ns = setting.graph.durations_ns().ok_or_else(|| {
            io::Error::other("`replay` needs a graph that contains the duration of each task")
        })?;
        Ok(Box::new(Replay {
            durations_ns: durations_ns.into(),
            by: match parameters.text("by") {
                "sleep" => By::Sleep,
                "spin" => By::Spin,
                _ => By::Hash {
                    round_ns: round_ns(),
                },
            },
        }))
    }
}

/// What a task does during its time.
enum By {
    Sleep,
    Spin,
    /// SHA-256 over eight bytes; each round depends on the round before it.
    Hash {
        /// How long a round takes.
        round_ns: f64,
    },
}

struct Replay {
    durations_ns: Box<[u64]>,
    by: By,
}

impl Replay {
    fn time(&self, task: TaskId) -> Duration {
        Duration::from_nanos(self.durations_ns[task.index()])
    }

    fn rounds(&self, task: TaskId, round_ns: f64) -> u64 {
        (self.durations_ns[task.index()] as f64 / round_ns).round() as u64
    }
}

impl Kernel for Replay {
    fn run(&self, task: TaskId, seed: u64) -> u64 {
        match self.by {
            By::Sleep => thread::sleep(self.time(task)),
            By::Spin => spin(self.time(task), seed),
            By::Hash { round_ns } => {
                chain(seed, self.rounds(task, round_ns));
            }
        }
        self.expected(task, seed)
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        // The number of rounds must not affect the output, because it differs between processes.
        seed
    }

    fn wait(&self, task: TaskId) -> Option<Duration> {
        matches!(self.by, By::Sleep).then(|| self.time(task))
    }

    fn duration(&self, task: TaskId) -> Option<Duration> {
        Some(self.time(task))
    }

    fn is_duration_kept(&self) -> bool {
        !matches!(self.by, By::Hash { .. })
    }
}

/// Hashes `count` times, beginning when `seed` is known.
fn chain(seed: u64, count: u64) -> u64 {
    black_box(in_sequence(seed, |seed| hash::rounds(&[], seed, count)))
}

/// How long a round takes on this core when nothing disturbs it: the fastest of several trials, because a
/// disturbance can only make a trial longer. Takes a third of a millisecond in total.
fn round_ns() -> f64 {
    const TRIALS: usize = 16;
    const ROUNDS: u64 = 250;
    let trial = |_| {
        let start = Instant::now();
        chain(1, ROUNDS);
        start.elapsed().as_nanos() as f64 / ROUNDS as f64
    };
    (0..TRIALS).map(trial).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::graph::{TaskGraph, TaskGraphBuilder};
    use crate::kernel::Sharing;
    use crate::parameter::Value;

    /// A graph of two tasks; the second lasts for `last_ns`.
    fn graph(last_ns: u64) -> TaskGraph {
        let mut builder = TaskGraphBuilder::default();
        builder.push([]).unwrap();
        builder.push([]).unwrap();
        builder.finish().with_durations(Box::new([0, last_ns]))
    }

    fn build(graph: &TaskGraph, by: &str) -> io::Result<Box<dyn Kernel>> {
        let given = BTreeMap::from([("by".into(), Value::Text(by.into()))]);
        let parameters = Parameters::check(REPLAY.parameters(), &given).unwrap();
        let setting = Setting::new(graph, Sharing::Threads, 1);
        REPLAY.build(&parameters, &setting)
    }

    #[test]
    fn a_task_that_sleeps_or_spins_never_ends_before_its_time() {
        for by in ["sleep", "spin"] {
            let kernel = build(&graph(200_000), by).unwrap();
            let start = Instant::now();
            assert_eq!(kernel.run(TaskId(1), 9), 9);
            assert!(start.elapsed() >= Duration::from_micros(200), "{by}");
            assert!(kernel.is_duration_kept());
        }
    }

    #[test]
    fn a_task_that_hashes_does_as_many_rounds_as_fit_into_its_time() {
        let replay = Replay {
            durations_ns: Box::new([0, 1_000, 2_500]),
            by: By::Hash { round_ns: 50.0 },
        };
        let rounds = [0, 1, 2].map(|task| replay.rounds(TaskId(task), 50.0));
        assert_eq!(rounds, [0, 20, 50]);
        // All rounds, each on the result of the previous round.
        let step_by_step = (0..20).fold(7, |seed, _| chain(seed, 1));
        assert_eq!(chain(7, 20), step_by_step);
        assert_ne!(chain(7, 19), step_by_step);
        assert!(round_ns() > 0.0);
    }

    #[test]
    fn only_a_sleep_can_be_awaited() {
        let wait = |by| build(&graph(5), by).unwrap().wait(TaskId(1));
        assert_eq!(wait("sleep"), Some(Duration::from_nanos(5)));
        assert_eq!(wait("spin"), None);
        assert_eq!(wait("hash"), None);
    }

    #[test]
    fn every_way_knows_its_durations() {
        for by in ["sleep", "spin", "hash"] {
            let kernel = build(&graph(5), by).unwrap();
            let durations = [0, 1].map(|task| kernel.duration(TaskId(task)));
            assert_eq!(durations, [0, 5].map(|ns| Some(Duration::from_nanos(ns))));
        }
    }

    #[test]
    fn a_graph_without_durations_is_refused() {
        let error = build(&TaskGraph::default(), "spin").err().unwrap();
        let expected = "`replay` needs a graph that contains the duration of each task";
        assert_eq!(error.to_string(), expected);
    }
}
