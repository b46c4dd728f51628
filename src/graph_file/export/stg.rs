//! STG, whose costs are whole numbers without a unit, and whose first and last task are dummies.
//!
//! Durations are written in the largest decimal part of their unit in which all of them are whole, or, where a number
//! would be too large for other readers then, in the smallest part in which none is, rounded. A comment says which part
//! that is, and whether anything was rounded.

use std::io::Write;

use super::{ExportError, Imported};
use crate::graph::TaskGraph;
use crate::graph_file::import::Unit;

pub(super) fn write(graph: &Imported, out: &mut dyn Write) -> Result<(), ExportError> {
    let tasks = &graph.graph;
    let part = Part::of(graph.durations.as_deref().unwrap_or_default());
    let durations = graph.durations.as_deref();
    let cost = |index: usize| durations.map_or(1, |durations| part.cost(durations[index]));
    writeln!(out, "# {}", part.comment(graph))?;
    if has_dummies(tasks, durations) {
        writeln!(out, "{}", tasks.task_count() - 2)?;
        for task in tasks.tasks() {
            let before = tasks.predecessors(task).iter().map(|one| one.index());
            write_task(out, task.index(), cost(task.index()), before)?;
        }
        return Ok(());
    }
    // The first dummy is task 0, so every other one has the number behind its own.
    let count = tasks.task_count();
    writeln!(out, "{count}")?;
    write_task(out, 0, 0, std::iter::empty())?;
    for task in tasks.tasks() {
        let row = tasks.predecessors(task);
        let dummy = row.is_empty().then_some(0);
        let before = row.iter().map(|one| one.index() + 1).chain(dummy);
        write_task(out, task.index() + 1, cost(task.index()), before)?;
    }
    let is_sink = |task: &_| tasks.successors(*task).is_empty();
    let sinks = tasks.tasks().filter(is_sink).map(|task| task.index() + 1);
    let dummy = (count == 0).then_some(0);
    write_task(out, count + 1, 0, sinks.chain(dummy))
}

/// The line of a task: `id cost predecessor_count predecessor...`
fn write_task(
    out: &mut dyn Write,
    id: usize,
    cost: u64,
    predecessors: impl Iterator<Item = usize>,
) -> Result<(), ExportError> {
    let predecessors: Vec<_> = predecessors.collect();
    write!(out, "{id} {cost} {}", predecessors.len())?;
    for predecessor in predecessors {
        write!(out, " {predecessor}")?;
    }
    writeln!(out)?;
    Ok(())
}

/// Whether the first and the last task are what dummies are already, as in a graph that was read from STG: they cost
/// nothing, and everything else stands between them.
fn has_dummies(graph: &TaskGraph, durations: Option<&[u64]>) -> bool {
    let sink_count = graph
        .tasks()
        .filter(|task| graph.successors(*task).is_empty())
        .count();
    let is_between = graph.task_count() >= 2 && graph.sources().len() == 1 && sink_count == 1;
    // The only source is the first task and the only sink the last one, as the order is topological.
    let are_free =
        |durations: &[u64]| durations.first() == Some(&0) && durations.last() == Some(&0);
    is_between && durations.is_some_and(are_free)
}

/// What a cost of one stands for.
struct Part {
    billionths: u64,
    /// The same as people write it.
    name: &'static str,
    is_exact: bool,
}

/// The largest cost that a reader can be trusted with: programs keep them in 32 bits, with a sign.
const MOST: u64 = i32::MAX as u64;

/// All parts, with the largest first.
const PARTS: [(u64, &str); 4] = [
    (1_000_000_000, "1"),
    (1_000_000, "0.001"),
    (1_000, "0.000001"),
    (1, "0.000000001"),
];

impl Part {
    /// The one for these durations.
    fn of(durations: &[u64]) -> Self {
        let is_whole = |billionths: u64| durations.iter().all(|one| one.is_multiple_of(billionths));
        let longest = durations.iter().copied().max().unwrap_or(0);
        let fits = |billionths: u64| longest / billionths < MOST;
        let exact = PARTS.iter().find(|part| is_whole(part.0) && fits(part.0));
        let rounded = || PARTS.iter().rfind(|part| fits(part.0));
        // Centuries are above the limit even in whole units.
        let (billionths, name) = *exact.or_else(rounded).unwrap_or(&PARTS[0]);
        Self {
            billionths,
            name,
            is_exact: is_whole(billionths),
        }
    }

    /// A duration in this part, to the nearest.
    fn cost(&self, duration: u64) -> u64 {
        let rest = duration % self.billionths;
        duration / self.billionths + u64::from(rest >= self.billionths.div_ceil(2))
    }

    fn comment(&self, graph: &Imported) -> String {
        if graph.durations.is_none() {
            return "The durations are not known: every task costs 1.".into();
        }
        let unit = match graph.unit {
            Unit::Seconds => " s",
            Unit::None => "",
        };
        let rounded = match self.is_exact {
            true => "",
            false => ", to which durations are rounded",
        };
        format!(
            "A cost of 1 is {}{unit}{rounded}: a workload that reads this says `scale = {}`.",
            self.name, self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part for these durations, and the costs in it.
    fn costs(durations: &[u64]) -> (&'static str, bool, Vec<u64>) {
        let part = Part::of(durations);
        let costs = durations.iter().map(|duration| part.cost(*duration));
        (part.name, part.is_exact, costs.collect())
    }

    #[test]
    fn nothing_is_rounded_that_need_not_be() {
        assert_eq!(costs(&[0, 3_000_000_000]), ("1", true, vec![0, 3]));
        assert_eq!(
            costs(&[2_500_000_000, 1_000_000]),
            ("0.001", true, vec![2500, 1])
        );
        assert_eq!(costs(&[7]), ("0.000000001", true, vec![7]));
        assert_eq!(costs(&[]), ("1", true, vec![]));
    }

    #[test]
    fn costs_fit_into_32_bits_and_are_rounded_to_the_nearest() {
        // A thousand seconds and a nanosecond: microseconds fit.
        assert_eq!(
            costs(&[1_000_000_000_001, 1_499, 1_500]),
            ("0.000001", false, vec![1_000_000_000, 1, 2])
        );
        // Beyond 68 years nothing does, and whole units are left.
        let (name, is_exact, costs) = costs(&[u64::MAX]);
        assert_eq!((name, is_exact, costs), ("1", false, vec![18_446_744_074]));
    }
}
