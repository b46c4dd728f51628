//! Random graphs on all engines and partitions, compared with a serial run.

mod driver;

use driver::{Ranks, Setup, has_mpi, oracle};
use serde_json::json;
use taskdyno_core::execute::fold;
use taskdyno_core::graph::TaskGraph;
use taskdyno_mpi::graphs::{grid, random};

const SHAPES: [(u32, u32); 7] = [(1, 1), (2, 1), (3, 1), (4, 1), (2, 2), (2, 3), (3, 2)];
const ENGINES: [&str; 3] = ["dataflow", "bulk", "waitall"];
const PARTITIONS: [&str; 3] = ["columns", "cyclic", "owner"];

fn word(digest: u64) -> String {
    format!("{digest:016x}")
}

/// Runs `graph` with two nonces and in a chain.
fn check(setup: &Setup, graph: &TaskGraph) {
    let mut ranks = Ranks::prepared(setup, graph);
    for nonce in [0, 0x1234_5678_9abc_def0, 0] {
        let (digests, _) = ranks.slice(nonce, 2, 3, false).unwrap();
        assert_eq!(
            digests,
            [word(oracle(graph, nonce)), word(oracle(graph, nonce))],
            "{setup:?}"
        );
    }
    let (digests, _) = ranks.slice(7, 2, 2, true).unwrap();
    let mut nonce = 7;
    let expected = [1, 2, 3, 4].map(|_| {
        let digest = oracle(graph, nonce);
        nonce = fold(nonce, digest);
        word(digest)
    });
    assert_eq!(digests, [&*expected[1], &*expected[3]], "{setup:?}");
    ranks.finish();
}

/// All partitions and shapes on one engine, each with another random graph.
fn engine(engine: &'static str) {
    if !has_mpi(engine) {
        return;
    }
    for (index, (ranks, threads)) in SHAPES.into_iter().enumerate() {
        for (number, partition) in PARTITIONS.into_iter().enumerate() {
            let setup = Setup {
                ranks,
                threads,
                engine,
                partition,
                ..Setup::default()
            };
            check(&setup, &random(150, (10 * index + number) as u64));
        }
    }
}

#[test]
fn dataflow_computes_what_a_serial_run_computes() {
    engine(ENGINES[0]);
}

#[test]
fn bulk_computes_what_a_serial_run_computes() {
    engine(ENGINES[1]);
}

#[test]
fn waitall_computes_what_a_serial_run_computes() {
    engine(ENGINES[2]);
}

/// A rank that leaves the barrier first sends values of the next run to ranks that are still in it. All inputs of some tasks
/// are such values, so these tasks may run before their rank has begun the run.
#[test]
fn values_that_come_before_their_run_belong_to_it() {
    if !has_mpi("values that come early") {
        return;
    }
    // Each task reads one of the next column, so of another rank in the cyclic partition.
    let graph = grid(300, 2, |column| vec![(column + 1) % 300]);
    for engine in ENGINES {
        for threads in [1, 2] {
            let setup = Setup {
                ranks: 3,
                threads,
                engine,
                partition: "cyclic",
                ..Setup::default()
            };
            let mut ranks = Ranks::prepared(&setup, &graph);
            for nonce in 0..5 {
                let (digests, _) = ranks.slice(nonce, 1, 200, false).unwrap();
                assert_eq!(digests, [word(oracle(&graph, nonce))], "{setup:?}");
            }
            ranks.finish();
        }
    }
}

#[test]
fn bytes_are_handed_on_and_checked() {
    if !has_mpi("bytes") {
        return;
    }
    for engine in ENGINES {
        // Words that are cut, several values per message, and more than fit into one.
        for output_bytes in [3, 1000, 200_003] {
            for threads in [1, 2] {
                let setup = Setup {
                    engine,
                    output_bytes,
                    threads,
                    ..Setup::default()
                };
                check(&setup, &random(40, u64::from(output_bytes)));
            }
        }
    }
}

#[test]
fn small_graphs_leave_ranks_without_work() {
    if !has_mpi("small graphs") {
        return;
    }
    let one = grid(1, 1, |_| Vec::new());
    let chain = grid(1, 20, |_| vec![0]);
    for graph in [one, chain] {
        for engine in ENGINES {
            check(
                &Setup {
                    ranks: 3,
                    engine,
                    ..Setup::default()
                },
                &graph,
            );
        }
    }
}

#[test]
fn more_ranks_than_cores_end() {
    if !has_mpi("more ranks than cores") {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    let graph = grid(16, 40, |column| {
        (column.saturating_sub(1)..=(column + 1).min(15)).collect()
    });
    for engine in ENGINES {
        let setup = Setup {
            ranks: (2 * cores + 1).min(9),
            engine,
            ..Setup::default()
        };
        check(&setup, &graph);
    }
}

#[test]
fn an_output_goes_once_to_each_rank_that_reads_it() {
    if !has_mpi("messages") {
        return;
    }
    let (width, steps) = (64, 5);
    let graph = grid(width, steps, |_| (0..width).collect());
    for engine in ENGINES {
        for ranks in [2, 3] {
            let setup = Setup {
                ranks,
                engine,
                ..Setup::default()
            };
            let mut ranks = Ranks::prepared(&setup, &graph);
            let (_, findings) = ranks.slice(1, 2, 3, false).unwrap();
            let runs = 2 * 3;
            let most = u64::from(runs * (steps - 1) * width * (setup.ranks - 1));
            assert_eq!(findings["sent_values_count"], most);
            let messages = findings["sent_messages_count"].as_u64().unwrap();
            assert!(messages > 0 && messages <= most, "{findings}");
            // The edges between different ranks, of which a value's rank saves all but one per rank.
            assert!(findings["cut_edges_count"].as_u64().unwrap() > most);
            ranks.finish();
        }
    }
}

#[test]
fn kernels_compute_and_sleep() {
    if !has_mpi("kernels") {
        return;
    }
    let graph = grid(4, 2, |column| vec![column]);
    // That of the documentation of the child protocol.
    let setup = Setup {
        kernel: json!({"kind": "loop", "iterations": 10}),
        ..Setup::default()
    };
    let mut ranks = Ranks::prepared(&setup, &graph);
    let (first, _) = ranks.slice(0, 1, 1, false).unwrap();
    let one = Setup { ranks: 1, ..setup };
    let mut alone = Ranks::prepared(&one, &graph);
    assert_eq!(alone.slice(0, 1, 1, false).unwrap().0, first);
    assert_ne!(first[0], word(oracle(&graph, 0)));
    let sleep = Setup {
        kernel: json!({"kind": "sleep", "duration_ms": 1}),
        ..Setup::default()
    };
    let mut ranks = Ranks::prepared(&sleep, &graph);
    assert_eq!(
        ranks.slice(0, 1, 1, false).unwrap().0,
        [word(oracle(&graph, 0))]
    );
}
