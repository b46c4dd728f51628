//! Graphs from files: real ones, small ones of our own, and ones that are refused.

use std::fs;
use std::path::{Path, PathBuf};

use taskdyno::graph::bound::{span, work};
use taskdyno::graph::import::{Imported, Unit, read};

/// The folder with real graphs, if this machine has it.
fn foreign_graphs() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("TASKDYNO_GRAPHS")?);
    // The tests of a package run in its folder, whatever folder `cargo` was called in.
    folder.is_dir().then_some(folder)
}

/// What the manifest says about one file, in the columns behind its name.
fn row_of(imported: &Imported, decimals: usize) -> [String; 8] {
    let graph = &imported.graph;
    let durations = imported.durations.as_deref().unwrap();
    let units = |billionths: u128| format!("{:.decimals$}", billionths as f64 / 1e9);
    let sinks = graph
        .tasks()
        .filter(|task| graph.successors(*task).is_empty());
    [
        graph.task_count().to_string(),
        graph.edge_count().to_string(),
        units(work(durations)),
        units(span(graph, durations)),
        (graph.levels().iter().max().unwrap() + 1).to_string(),
        graph.sources().len().to_string(),
        sinks.count().to_string(),
        match imported.unit {
            Unit::Seconds => "s".into(),
            Unit::None => "unit".into(),
        },
    ]
}

/// The rows of the table in the manifest: path below the folder, then the columns.
fn manifest(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("MANIFEST.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .strip_prefix('|')?
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        folder.join(&cells[0]).is_file().then_some(cells)
    });
    rows.collect()
}

#[test]
fn real_graphs_are_what_their_manifest_says() {
    let Some(folder) = foreign_graphs() else {
        println!("left out: TASKDYNO_GRAPHS names no folder with real graphs");
        return;
    };
    let rows = manifest(&folder);
    assert!(!rows.is_empty(), "no file of the manifest is there");
    for row in rows {
        let imported = read(&folder.join(&row[0])).unwrap();
        let mut expected: Vec<String> = row[1..9].to_vec();
        // The manifest rounds to two decimals, and leaves zeros out.
        for number in &mut expected[2..4] {
            *number = format!("{:.2}", number.parse::<f64>().unwrap());
        }
        assert_eq!(row_of(&imported, 2).to_vec(), expected, "{}", row[0]);
    }
}

#[test]
fn one_workflow_in_two_versions_is_one_graph() {
    let Some(folder) = foreign_graphs() else {
        println!("left out: TASKDYNO_GRAPHS names no folder with real graphs");
        return;
    };
    let read = |name: &str| read(&folder.join("wfformat").join(name)).unwrap();
    let old = read("LEGACY-1.4-blast-chameleon-small-001.json");
    assert_eq!(old, read("blast-chameleon-small-001.json"));
}
