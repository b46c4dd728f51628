//! Tests with unusual files from the folder of real graphs, which other readers reject.

use taskdyno::internal::graph_file::import::{Imported, read};
use taskdyno_core::graph::bound::{span, work};

use crate::edges;
use crate::foreign_graphs::foreign_graphs;

#[test]
#[ignore = "needs TASKDYNO_GRAPHS"]
fn one_workflow_as_three_generators_write_it() {
    let folder = foreign_graphs().join("odd");
    let newest = read(&folder.join("six.json")).unwrap();
    let durations = newest.durations.as_deref().unwrap();
    assert_eq!(edges(&newest), "a>b");
    assert_eq!(work(durations), 3_000_000_000);
    assert_eq!(span(&newest.graph, durations), 3_000_000_000);
    for name in ["three.json", "zero.json"] {
        assert_eq!(read(&folder.join(name)).unwrap(), newest, "{name}");
    }
}

#[test]
#[ignore = "needs TASKDYNO_GRAPHS"]
fn a_refusal_says_what_to_do() {
    let folder = foreign_graphs().join("odd");
    for (name, help) in [
        ("total.stg", "write 1 instead"),
        ("latin.dot", "iconv -f ISO-8859-1 -t UTF-8"),
        ("utf16.dot", "iconv -f UTF-16 -t UTF-8"),
    ] {
        let error = read(&folder.join(name)).unwrap_err();
        assert!(error.help().contains(help), "{name}: {}", error.help());
    }
}

#[test]
#[ignore = "needs TASKDYNO_GRAPHS"]
fn edges_that_point_to_prerequisites_can_be_reversed() {
    let folder = foreign_graphs().join("odd");
    let drawn = read(&folder.join("depends-on.dot")).unwrap();
    assert!(drawn.depends_on_sign.is_some());
    let ends = |imported: &Imported| {
        let graph = &imported.graph;
        let is_source = |task: &_| graph.predecessors(*task).is_empty();
        let is_sink = |task: &_| graph.successors(*task).is_empty();
        let names = |is_one: &dyn Fn(&_) -> bool| -> Vec<String> {
            let tasks = graph.tasks().filter(|task| is_one(task));
            tasks
                .map(|task| imported.names[task.index()].clone())
                .collect()
        };
        (names(&is_source), names(&is_sink))
    };
    let [program, base] = ["program", "base"].map(|name| vec![name.to_owned()]);
    assert_eq!(ends(&drawn), (program.clone(), base.clone()));
    assert_eq!(ends(&drawn.reversed()), (base, program));
}
