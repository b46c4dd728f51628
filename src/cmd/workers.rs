//! Values of `--workers`: numbers of workers, and shapes such as `2x2`, two processes with two threads each.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Exit, complaint};
use crate::backend::{Backend, MOST_WORKERS, PROCESS_THREADS};
use crate::external::External;
use crate::machine::host;
use crate::matrix::{Selection, WorkerChoice};
use crate::parameter::Value;

/// One of the values of `--workers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workers {
    /// A number of workers, of whichever kind the backend has.
    Count(u32),
    /// A number of processes with the same number of threads each.
    Shape(Shape),
}

/// Processes × threads per process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    processes: u32,
    threads: u32,
}

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let workers = match text.split_once('x') {
            None => number(text).map(Self::Count),
            Some((processes, threads)) => number(processes)
                .zip(number(threads))
                .map(|(processes, threads)| Self::Shape(Shape { processes, threads })),
        };
        workers
            .filter(|workers| workers.total() <= MOST_WORKERS.into())
            .ok_or_else(|| {
                format!(
                    "expected a number from 1 to {MOST_WORKERS}, or processes x threads such as `2x2`, which make at most \
                     {MOST_WORKERS} workers"
                )
            })
    }
}

impl Workers {
    fn total(self) -> u64 {
        match self {
            Self::Count(count) => count.into(),
            Self::Shape(shape) => u64::from(shape.processes) * u64::from(shape.threads),
        }
    }
}

/// The plain numbers among `asked`, and the shapes.
pub(super) fn split(asked: &[Workers]) -> (Vec<u32>, Vec<Shape>) {
    let (mut counts, mut shapes) = (Vec::new(), Vec::new());
    for workers in asked {
        match *workers {
            Workers::Count(count) => counts.push(count),
            Workers::Shape(shape) if shapes.contains(&shape) => {}
            Workers::Shape(shape) => shapes.push(shape),
        }
    }
    (counts, shapes)
}

/// The numbers of workers to run with, of which these are given. If none are given, each workload has its own, and with
/// `only_cores`, a workload without any runs only with the number of usable cores.
pub(super) fn choice(mut given: Vec<u32>, only_cores: bool) -> WorkerChoice {
    if !given.is_empty() {
        given.sort_unstable();
        given.dedup();
        return WorkerChoice::Given(given);
    }
    let core_count = host::host().usable_core_count();
    match only_cores {
        true => WorkerChoice::OfWorkloads {
            usual: vec![core_count],
            core_count,
        },
        false => WorkerChoice::usual(core_count),
    }
}

impl Shape {
    /// What `plain` selects, on the backends that support this shape. An option passes the number of threads to them,
    /// and records contain this option.
    pub(super) fn selection(
        self,
        plain: &Selection,
        backends: &[&'static dyn Backend],
    ) -> Selection {
        let threads = Value::Count(self.threads.into());
        let mut selection = Selection {
            backends: backends
                .iter()
                .copied()
                .filter(|one| has_shapes(*one, &plain.externals))
                .collect(),
            worker_counts: WorkerChoice::Shape {
                processes: self.processes,
                threads: self.threads,
            },
            ..plain.clone()
        };
        selection
            .options
            .insert(PROCESS_THREADS.name.into(), threads);
        selection
    }
}

/// Refuses shapes that no named backend supports, and shapes that contradict an option. `counts` are the plain numbers
/// of workers given beside them, `named` the backends given by name, and `externals` those that other programs drive.
pub(super) fn check(
    shapes: &[Shape],
    counts: &[u32],
    named: &[&'static dyn Backend],
    externals: &[&'static External],
    options: &BTreeMap<String, Value>,
) -> Result<(), Exit> {
    let Some(first) = shapes.first() else {
        return Ok(());
    };
    let without = named
        .iter()
        .find(|backend| !has_shapes(**backend, externals));
    if let Some(backend) = without.filter(|_| counts.is_empty()) {
        return Err(Exit::usage(complaint!(
            help = format!(
                "use `--backends fork-threads`, or add a plain number for the other backends, such as `--workers {},{first}`",
                first.processes * first.threads
            ),
            "the backend `{}` does not support processes with threads, so it cannot run with {first} workers",
            backend.name()
        )));
    }
    if options.contains_key(PROCESS_THREADS.name) {
        return Err(Exit::usage(complaint!(
            help = "remove one of them",
            "`--workers {first}` and `--option {}=` both set the number of threads per process",
            PROCESS_THREADS.name
        )));
    }
    Ok(())
}

/// Whether its workers can be processes with several threads each. One that another program drives says so in its file.
fn has_shapes(backend: &dyn Backend, externals: &[&External]) -> bool {
    let mut externals = externals.iter();
    let external = externals.find(|one| one.name() == backend.name());
    if external.is_some_and(|one| one.has_shapes()) {
        return true;
    }
    let mut options = backend.options().iter();
    options.any(|option| option.name == PROCESS_THREADS.name)
}

impl std::fmt::Display for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Shape(shape) => shape.fmt(f),
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.processes, self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_shapes_are_read() {
        assert_eq!("3".parse(), Ok(Workers::Count(3)));
        for text in ["3", "2x4"] {
            assert_eq!(text.parse::<Workers>().unwrap().to_string(), text);
        }
        let (processes, threads) = (2, 4);
        assert_eq!(
            "2x4".parse(),
            Ok(Workers::Shape(Shape { processes, threads }))
        );
        for wrong in [
            "",
            "0",
            "x",
            "2x",
            "x2",
            "0x2",
            "2x0",
            "2x2x2",
            "-1",
            "4097",
            "4294967295x4294967295",
        ] {
            assert!(wrong.parse::<Workers>().is_err(), "{wrong}");
        }
    }
}
