//! A case: what every rank makes of the request `prepare`.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use taskdyno_core::graph::TaskGraph;
use taskdyno_core::kernel::{self, Kernel, KernelKind, Setting, Sharing};
use taskdyno_core::parameter::{Parameters, Value};

use crate::engine::EngineKind;
use crate::partition::Partition;
use crate::trouble::Trouble;

/// The name of the backend.
pub const BACKEND: &str = "mpi";

/// The values of the option `bind`, the default first.
pub const BIND: [bool; 2] = [false, true];

/// The value of the option `bind`.
pub fn bind_name(is_bound: bool) -> &'static str {
    if is_bound { "cores" } else { "no" }
}

/// The most workers of a case.
const MOST_WORKERS: u64 = 4096;

/// The kernels that ranks have: all whose tasks share nothing but their outputs.
pub const KERNELS: [&dyn KernelKind; 9] = [
    &kernel::EMPTY,
    &kernel::BUSY_WAIT,
    &kernel::COMPUTE_BOUND,
    &kernel::MEMORY_BOUND,
    &kernel::LOAD_IMBALANCE,
    &kernel::SLEEP,
    &kernel::HASH,
    &kernel::LOOP,
    &kernel::REPLAY,
];

/// What a case asks for.
pub struct Case {
    /// When tasks run.
    pub engine: EngineKind,
    /// Which rank runs which tasks.
    pub partition: Partition,
    /// Whether each thread has a core on which it runs.
    pub is_bound: bool,
    /// The threads of each rank.
    pub threads: usize,
    kernel: &'static dyn KernelKind,
    parameters: Parameters,
}

/// The value of an option: the one that is given, or the first.
fn option<T: Copy>(
    case: &Json,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<T, Trouble> {
    let Some(given) = case["options"].get(name) else {
        return Ok(all[0]);
    };
    let chosen = all
        .iter()
        .find(|one| given.as_str() == Some(name_of(**one)));
    chosen.copied().ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|one| name_of(*one)).collect();
        Trouble::set_up(format!(
            "the option `{name}` is one of {}, and not {given}",
            known.join(", ")
        ))
    })
}

impl Case {
    /// Reads `case` of the request.
    ///
    /// # Errors
    ///
    /// If these ranks cannot run it.
    pub fn new(case: &Json, rank_count: usize) -> Result<Self, Trouble> {
        if case["backend"] != BACKEND {
            return Err(Trouble::set_up(format!(
                "this program has only the backend `{BACKEND}`, and not {}",
                case["backend"]
            )));
        }
        let workers = case["workers"].as_u64().unwrap_or(0);
        if !(1..=MOST_WORKERS).contains(&workers) {
            return Err(Trouble::protocol(format!(
                "`workers` is {}, and must be from 1 to {MOST_WORKERS}",
                case["workers"]
            )));
        }
        let threads = match &case["process_threads"] {
            Json::Null => 1,
            given => given.as_u64().unwrap_or(0),
        };
        if threads == 0 || threads.checked_mul(rank_count as u64) != Some(workers) {
            return Err(Trouble::set_up(wrong_ranks(workers, threads, rank_count)));
        }
        let table = &case["parameters"]["kernel"];
        let name = table["kind"].as_str().unwrap_or_default();
        let kernel = KERNELS.into_iter().find(|one| one.name() == name);
        let kernel =
            kernel.ok_or_else(|| Trouble::set_up(format!("ranks have no kernel {name:?}")))?;
        Ok(Self {
            engine: option(case, "engine", &EngineKind::ALL, EngineKind::name)?,
            partition: option(case, "partition", &Partition::ALL, Partition::name)?,
            is_bound: option(case, "bind", &BIND, bind_name)?,
            threads: threads as usize,
            kernel,
            parameters: parameters(kernel, table)?,
        })
    }

    /// The kernel for the tasks of `graph`.
    ///
    /// # Errors
    ///
    /// If the system refuses what it needs.
    pub fn kernel(&self, graph: &TaskGraph) -> Result<Box<dyn Kernel>, Trouble> {
        let setting = Setting::new(graph, Sharing::Threads, self.threads);
        let kernel = self.kernel.build(&self.parameters, &setting);
        kernel.map_err(|error| Trouble::set_up(error.to_string()))
    }
}

/// That there are not as many ranks as the case needs. The launcher of another MPI starts each rank alone.
fn wrong_ranks(workers: u64, threads: u64, rank_count: usize) -> String {
    let counted = |count: u64, noun: &str| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let there = match rank_count {
        1 => "there is 1".into(),
        _ => format!("there are {rank_count}"),
    };
    let help = match rank_count {
        1 => {
            ": use the launcher of the MPI that `taskdyno-mpi` is linked to; that of another one starts each rank alone"
        }
        _ => ": start as many as there are processes",
    };
    let (all, each) = (counted(workers, "worker"), counted(threads, "thread"));
    match workers
        .checked_div(threads)
        .filter(|ranks| ranks * threads == workers)
    {
        Some(ranks) => {
            let needed = counted(ranks, "rank");
            format!("the case needs {needed} with {each} each, and {there}{help}")
        }
        None => format!("the case has {all}, which is no number of ranks with {each} each"),
    }
}

/// The parameters in the table of a kernel. Those that it does not know belong to later versions.
fn parameters(kernel: &dyn KernelKind, table: &Json) -> Result<Parameters, Trouble> {
    let mut given = BTreeMap::new();
    for parameter in kernel.parameters() {
        let Some(value) = table.get(parameter.name) else {
            continue;
        };
        let value: Value = serde_json::from_value(value.clone())
            .map_err(|_| Trouble::set_up(format!("`{}` cannot be {value}", parameter.name)))?;
        given.insert(parameter.name.to_owned(), value);
    }
    Parameters::check(kernel.parameters(), &given)
        .map_err(|error| Trouble::set_up(format!("kernel `{}`: {error}", kernel.name())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case() -> Json {
        json!({"backend": "mpi", "workers": 6, "process_threads": 3,
            "options": {"engine": "bulk", "partition": "owner"},
            "parameters": {"kernel": {"kind": "loop", "iterations": 3, "of_a_later_version": 1}}})
    }

    #[test]
    fn ranks_times_threads_are_the_workers() {
        let read = Case::new(&case(), 2).ok().unwrap();
        assert_eq!(
            (read.threads, read.engine, read.partition),
            (3, EngineKind::Bulk, Partition::Owner)
        );
        assert_eq!(Case::new(&case(), 3).err().unwrap().kind, "set-up");
    }

    #[test]
    fn a_wrong_number_of_ranks_says_what_is_needed_and_why_a_rank_may_be_alone() {
        for (workers, threads, ranks, expected) in [
            (
                2,
                1,
                3,
                "the case needs 2 ranks with 1 thread each, and there are 3: start",
            ),
            (
                2,
                2,
                3,
                "the case needs 1 rank with 2 threads each, and there are 3: start",
            ),
            (
                6,
                3,
                1,
                "the case needs 2 ranks with 3 threads each, and there is 1: use the launcher",
            ),
            (
                5,
                3,
                1,
                "the case has 5 workers, which is no number of ranks with 3 threads each",
            ),
            (
                5,
                0,
                1,
                "the case has 5 workers, which is no number of ranks with 0 threads each",
            ),
        ] {
            let message = wrong_ranks(workers, threads, ranks);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn what_ranks_cannot_do_is_refused() {
        for (pointer, value) in [
            ("/backend", json!("rayon")),
            ("/workers", json!(0)),
            ("/workers", json!(5000)),
            ("/process_threads", json!(0)),
            ("/options/engine", json!("steam")),
            ("/parameters/kernel/kind", json!("counter")),
            ("/parameters/kernel/iterations", json!("many")),
        ] {
            let mut changed = case();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(Case::new(&changed, 2).is_err(), "{pointer}");
        }
    }
}
