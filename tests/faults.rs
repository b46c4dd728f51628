//! Kills random workers at random moments with random signals from outside. Every run must end with the right result or
//! with an error that names a task, and leave nothing behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use taskdyno::internal::backend::BACKENDS;
use taskdyno::internal::case::protocol::Prepare;
use taskdyno::internal::case::{ChildPlan, ChildProgram, Idle, Patience, Session, Works};
use taskdyno::internal::measure::{Slice, SlicePlan};
use taskdyno::record::{Case, CaseError};
use taskdyno_core::kernel::Sharing;
use taskdyno_core::random::SplitMix64;

const RUNS_A_GRAPH: u64 = 18;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Kills one worker of a case at a random moment.
struct Killer {
    random: SplitMix64,
    case: u32,
    due: Instant,
    killed: bool,
    seen: BTreeSet<Process>,
}

impl Idle for Killer {
    fn idle(&mut self) -> Instant {
        let workers = children(self.case);
        self.seen
            .extend(workers.iter().copied().filter_map(Process::find));
        if self.killed {
            return Instant::now() + Duration::from_secs(1);
        }
        if Instant::now() >= self.due && !workers.is_empty() {
            let victim = workers[self.random.below(workers.len() as u64) as usize];
            let signals = [Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::TERM];
            let signal = signals[self.random.below(4) as usize];
            // It may have ended meanwhile.
            let _ = kill_process(Pid::from_raw(victim).unwrap(), signal);
            self.killed = true;
        }
        self.due.max(Instant::now() + Duration::from_micros(200))
    }
}

/// Identifies a process, even if its id is reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    id: i32,
    /// In clock ticks since the kernel booted.
    start_ticks: u64,
}

impl Process {
    /// The process with this id, which may be a zombie.
    fn find(id: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in parentheses may contain anything. The start time is the 20th field after it (proc_pid_stat(5)).
        let behind_name = stat.rsplit(')').next().unwrap();
        let start = behind_name.split_whitespace().nth(19).unwrap();
        Some(Self {
            id,
            start_ticks: start.parse().unwrap(),
        })
    }
}

fn children(process: u32) -> Vec<i32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

fn descriptor_count() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

struct Graph {
    pattern: serde_json::Value,
    workers: u32,
}

fn prepare(backend: &str, graph: &Graph, retry_limit: u32) -> Prepare {
    Prepare {
        retry_limit,
        ..Prepare::of(Case {
            workload: "faults".into(),
            variant: String::new(),
            backend: backend.into(),
            workers: graph.workers,
            process_threads: None,
            parameters: json!({
                "pattern": graph.pattern,
                "kernel": { "kind": "hash", "block_bytes": 1024, "times": 50 },
            }),
            continuation: None,
            pin: false,
            options: Default::default(),
        })
    }
}

/// Runs the case three times while a worker is killed, and checks that nothing is left behind.
fn run(backend: &str, graph: &Graph, seed: u64) -> Result<Slice, CaseError> {
    let before = descriptor_count();
    let mut random = SplitMix64::new(seed);
    let retry_limit = if seed.is_multiple_of(3) { 0 } else { 2 };
    let program = Path::new(env!("CARGO_BIN_EXE_taskdyno"));
    let prepare = prepare(backend, graph, retry_limit);
    // It keeps the graph open for children, so it ends before descriptors are counted again.
    let works = Works::new(program, seed);
    let child_plan = ChildPlan {
        program: ChildProgram::of_build(program),
        works: Some(&works),
        backend: None,
    };
    let (mut session, _) = Session::start(&child_plan, prepare, TIMEOUT, &mut Patience).unwrap();
    let mut killer = Killer {
        case: session.process_id(),
        due: Instant::now() + Duration::from_micros(random.below(8_000)),
        random,
        killed: false,
        seen: BTreeSet::new(),
    };
    let result = session.slice(SlicePlan::exactly(3), &mut killer);
    match &result {
        Ok(_) => {
            session.finish(&mut Patience).unwrap();
        }
        Err(_) => drop(session),
    }
    drop(works);
    for worker in killer.seen {
        let is_left = Process::find(worker.id) == Some(worker);
        assert!(
            !is_left,
            "{backend}, seed {seed}: {worker:?} is still there"
        );
    }
    assert_eq!(descriptor_count(), before, "{backend}, seed {seed}");
    result
}

#[test]
fn every_run_survives_a_random_death_or_names_its_task() {
    let graph = |workers, pattern| Graph { pattern, workers };
    let graphs = [
        graph(3, json!({ "kind": "trivial", "width": 97 })),
        graph(3, json!({ "kind": "stencil-1d", "width": 7, "steps": 13 })),
        graph(3, json!({ "kind": "fan-out-in", "width": 11, "steps": 7 })),
        // If both workers have a core, each keeps tasks for itself whenever the other makes the last input.
        graph(2, json!({ "kind": "stencil-1d", "width": 2, "steps": 45 })),
    ];
    let process_backends = BACKENDS
        .iter()
        .filter(|backend| backend.sharing() == Sharing::Processes);
    let mut run_count = 0;
    let mut struck_count = 0;
    for (number, backend) in process_backends.enumerate() {
        for (place, graph) in graphs.iter().enumerate() {
            for run_number in 0..RUNS_A_GRAPH {
                let first = (number * graphs.len() + place) as u64 * RUNS_A_GRAPH;
                let seed = first + run_number;
                run_count += 1;
                match run(backend.name(), graph, seed) {
                    Ok(slice) => {
                        // The child has verified every sample, and marks those in which a worker died.
                        let degraded = slice.samples.iter().any(|sample| sample.is_degraded);
                        assert_eq!(degraded, !slice.deaths.is_empty(), "seed {seed}");
                        struck_count += u64::from(degraded);
                    }
                    Err(error) => {
                        let name = backend.name();
                        assert_eq!(
                            error.kind.name(),
                            "worker-died",
                            "{name}, seed {seed}: {error:?}"
                        );
                        assert!(error.task.is_some(), "{name}, seed {seed}: {error:?}");
                        let death = error.death.unwrap();
                        assert_eq!(death.task, error.task);
                        assert!(death.signal.is_some());
                        // One death can only be too many if there are no retries.
                        assert_eq!(seed % 3, 0, "{name}, seed {seed}");
                        assert_eq!(death.attempt_count, 1);
                        struck_count += 1;
                    }
                }
            }
        }
    }
    assert!(run_count >= 200, "{run_count} runs");
    // A kill can come between the last task and the end, but most kills must hit a task.
    assert!(
        struck_count * 2 > run_count,
        "only {struck_count} of {run_count}"
    );
}
