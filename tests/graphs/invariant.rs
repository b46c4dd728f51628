//! Invariants that must hold for any bytes. The fuzz targets check the same.

use std::collections::HashSet;

use taskdyno::internal::diagnostic::Diagnostic;
use taskdyno::internal::graph_file::GraphFormat;
use taskdyno::internal::graph_file::export;
use taskdyno::internal::graph_file::import::{ImportError, Imported, parse};
use taskdyno_core::graph::{TaskGraph, TaskId};

/// Reads `bytes`, which must not panic, and checks the result. Returns whether it is a graph.
pub(crate) fn check(format: GraphFormat, bytes: &[u8]) -> bool {
    match parse(format, "file", bytes) {
        Ok(imported) => {
            check_imported(&imported);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.help().is_empty());
            told(&error);
            false
        }
    }
}

/// All that the error says, one thing per line.
pub(crate) fn told(error: &ImportError) -> String {
    let mut text = error.to_string();
    let excerpts = error.excerpt().into_iter();
    for (excerpt, mark) in excerpts.flat_map(|one| one.marks().iter().map(move |mark| (one, mark)))
    {
        let (line, column) = excerpt.position(mark);
        let marked = &excerpt.text()[mark.span.clone()];
        text += &format!(
            "\n  {}:{line}:{column}: {marked:?} {}",
            excerpt.file(),
            mark.label
        );
    }
    text + "\n  help: " + error.help() + "\n"
}

fn check_imported(imported: &Imported) {
    let task_count = imported.graph.task_count();
    assert_eq!(imported.names.len(), task_count);
    assert_eq!(
        imported.names.iter().collect::<HashSet<_>>().len(),
        task_count
    );
    let durations = imported.durations.as_deref().unwrap_or_default();
    assert!(imported.durations.is_none() || durations.len() == task_count);
    if durations.iter().all(|duration| *duration < EXACT) {
        check_round_trips(imported);
    }
}

/// The limit below which a floating-point number of units represents a duration in billionths exactly.
pub(crate) const EXACT: u64 = 1 << 51;

/// Writes the graph in every format that can express it, and reads it back.
pub(crate) fn check_round_trips(imported: &Imported) {
    check_stg(imported);
    for format in [GraphFormat::WfFormat, GraphFormat::Dot] {
        let mut bytes = Vec::new();
        if export::write(format, "test", imported, &mut bytes).is_err() {
            continue;
        }
        let again = parse(format, "file", &bytes).unwrap_or_else(|error| {
            panic!("{error}\n{}", String::from_utf8_lossy(&bytes));
        });
        assert_eq!(again.graph, imported.graph, "{format}");
        assert_eq!(again.durations, imported.durations, "{format}");
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.#".contains(&byte);
        let are_ids = |name: &String| !name.is_empty() && name.bytes().all(is_id);
        if format == GraphFormat::Dot || imported.names.iter().all(are_ids) {
            assert_eq!(again.names, imported.names, "{format}");
        }
    }
}

/// STG adds dummies around the graph, replaces names by numbers, and stores durations in a fraction of the unit, which
/// it names.
fn check_stg(imported: &Imported) {
    let mut bytes = Vec::new();
    export::write(GraphFormat::Stg, "test", imported, &mut bytes).unwrap();
    let again = parse(GraphFormat::Stg, "file", &bytes).unwrap_or_else(|error| {
        panic!("{error}\n{}", String::from_utf8_lossy(&bytes));
    });
    let task_count = imported.graph.task_count();
    let added_count = again.graph.task_count() - task_count;
    assert!(
        [0, 2].contains(&added_count),
        "{added_count} dummies were added"
    );
    let first = added_count / 2;
    let row = |graph: &TaskGraph, task: usize, first: usize| -> Vec<usize> {
        let row = graph.predecessors(TaskId(task as u32)).iter();
        row.filter_map(|before| before.index().checked_sub(first))
            .collect()
    };
    for task in 0..task_count {
        let expected = row(&imported.graph, task, 0);
        assert_eq!(row(&again.graph, task + first, first), expected);
    }
    let text = String::from_utf8(bytes).unwrap();
    let scale = text.lines().next().unwrap().split("`scale = ").nth(1);
    let scale: f64 = scale.map_or(1.0, |rest| rest.trim_end_matches("`.").parse().unwrap());
    let most_off = match text.contains("rounded") {
        true => scale * 0.5e9,
        false => 0.0,
    };
    let costs = again.durations.unwrap();
    for task in 0..task_count {
        let expected = imported
            .durations
            .as_ref()
            .map_or(1_000_000_000, |all| all[task]);
        let off = ((costs[task + first] as f64 * scale).round() - expected as f64).abs();
        assert!(off <= most_off, "{task}: {off}");
    }
}
