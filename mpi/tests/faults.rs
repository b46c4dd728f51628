//! What ranks do when something fails.

mod driver;

use driver::{Ranks, Setup, assert_gone, describe, has_mpi, is_open_mpi, oracle};
use serde_json::{Value as Json, json};
use taskdyno_core::graph::TaskGraph;
use taskdyno_core::random::SplitMix64;
use taskdyno_mpi::graphs::grid;

const ENGINES: [&str; 3] = ["dataflow", "bulk", "waitall"];

fn stencil() -> TaskGraph {
    grid(6, 20, |column| {
        (column.saturating_sub(1)..=(column + 1).min(5)).collect()
    })
}

/// Nothing follows an error, and the exit code is 1.
fn assert_ends_with_error(ranks: &mut Ranks) {
    assert_eq!(ranks.line(), None);
    let status = ranks.end();
    assert_eq!(status.code(), Some(1), "{}", describe(status));
}

/// Prepares and takes a slice with a faulty transport: the error, or the digests.
fn faulty(fault: &'static str, engine: &'static str, ranks: u32) -> Result<Vec<String>, Json> {
    let setup = Setup {
        engine,
        ranks,
        fault: Some(fault),
        ..Setup::default()
    };
    let graph = stencil();
    let mut ranks = Ranks::start(&setup);
    let request = ranks.request(&setup, &graph);
    ranks.send(&request);
    let outcome = ranks
        .reply("prepared")
        .and_then(|_| ranks.slice(3, 1, 3, false))
        .map(|(digests, _)| digests);
    if outcome.is_err() {
        assert_ends_with_error(&mut ranks);
    }
    outcome
}

#[test]
fn lost_repeated_and_late_messages_are_found() {
    if !has_mpi("faulty transports") {
        return;
    }
    for (fault, expected) in [
        ("lose", "was lost"),
        ("duplicate", "came again"),
        ("reorder", "was lost, or overtaken"),
    ] {
        for engine in ENGINES {
            for ranks in [2, 3] {
                let error = faulty(fault, engine, ranks).expect_err(fault);
                let message = error["message"].as_str().unwrap();
                assert!(message.contains(expected), "{fault} {engine}: {message}");
                let source = format!("from rank {}", ranks - 1);
                assert!(message.contains(&source), "{message}");
            }
        }
    }
}

#[test]
fn a_changed_value_changes_the_digest() {
    if !has_mpi("a faulty transport") {
        return;
    }
    let setup = Setup {
        fault: Some("garble"),
        ..Setup::default()
    };
    let graph = stencil();
    let mut ranks = Ranks::start(&setup);
    let request = ranks.request(&setup, &graph);
    ranks.send(&request);
    // The fault comes in the first run.
    let mut once = request;
    once["prepare"]["warmup_run_count"] = json!(1);
    let digest = ranks.expect("prepared")["digest"].clone();
    let right = format!("{:016x}", oracle(&graph, 3));
    // The warm-up has two runs, and only the last one's digest is sent: the fault is over by then.
    assert_eq!(digest, right);
    let mut ranks = Ranks::start(&setup);
    ranks.send(&once);
    // The file is that of the other ranks, which still exist.
    assert_ne!(ranks.expect("prepared")["digest"], right);
}

#[test]
fn a_killed_rank_is_named_with_its_signal() {
    if !has_mpi("killed ranks") {
        return;
    }
    let mut numbers = SplitMix64::new(19);
    let graph = stencil();
    // Open MPI's launcher takes a second to end the others.
    let rounds = if is_open_mpi() { 25 } else { 100 };
    let (mut named_count, mut unnamed_count) = (0, 0);
    for round in 0..rounds {
        let setup = Setup {
            ranks: 2 + numbers.below(3) as u32,
            engine: ENGINES[round % 3],
            ..Setup::default()
        };
        let mut ranks = Ranks::prepared(&setup, &graph);
        let all = ranks.processes();
        let of_ranks = ranks.rank_processes();
        assert_eq!(of_ranks.len(), setup.ranks as usize, "{all:?}");
        let (rank, second) = &of_ranks[numbers.below(setup.ranks.into()) as usize];
        let first = all.iter().find(|one| one.id == second.parent);
        // The process in which MPI runs, or the one that waits for it.
        let is_second = numbers.below(2) == 0;
        let victim = if is_second { second } else { first.unwrap() };
        // The standard library and Open MPI survive the first SIGSEGV that somebody sends. A real one kills.
        let third = match is_second && !is_open_mpi() {
            true => libc::SIGSEGV,
            false => libc::SIGQUIT,
        };
        let signal = [libc::SIGKILL, third, libc::SIGTERM][numbers.below(3) as usize];
        // A slice that does not end by itself, in some of the rounds.
        let is_busy = numbers.below(2) == 0;
        if is_busy {
            ranks.send(&json!({"slice": {
                "nonce": "0000000000000000", "min_time_ns": 60_000_000_000_u64,
                "max_time_ns": 60_000_000_000_u64, "min_sample_count": 1,
                "max_sample_count": 1_000_000_000,
            }}));
        }
        victim.kill(signal);
        let first_line = ranks.line();
        let reply: Option<Json> = first_line
            .as_deref()
            .and_then(|line| serde_json::from_str(line).ok());
        let Some(error) = reply.as_ref().and_then(|reply| reply.get("error")) else {
            // The launcher, whose child the first process is, may be quicker than all that the rank can say, and then
            // speaks alone.
            assert!(
                !is_second,
                "round {round}, signal {signal}, busy: {is_busy}: {first_line:?}"
            );
            unnamed_count += 1;
            while ranks.line().is_some() {}
            assert!(!ranks.end().success());
            assert_gone(&all);
            continue;
        };
        named_count += 1;
        let by = format!("rank {rank} was killed by signal {signal}");
        let expected = json!({"kind": "worker-died", "message": by});
        if is_second {
            assert_eq!(*error, expected);
            assert_eq!(ranks.line(), None);
        } else {
            // The launcher, whose child it is, says more, and ends with a code that has the signal in it. If it asked
            // for the signal before the rank could, only it has it.
            let unknown =
                format!("rank {rank} was killed by a signal that only its launcher knows");
            let words = error["message"].as_str();
            assert!(*error == expected || words == Some(&unknown), "{error}");
            while ranks.line().is_some() {}
        }
        let status = ranks.end();
        let code = match (is_second, is_open_mpi()) {
            (true, _) => 1,
            (false, true) => 128 + signal,
            (false, false) => signal,
        };
        // MPICH's launcher joins the bits of this signal and of the one with which it ends other ranks. It fails in its own
        // way if a request was on its way to a rank that is gone.
        let joined = !is_second && !is_open_mpi() && status.code() == Some(signal | libc::SIGKILL);
        let is_cut_off = joined || is_busy && !is_open_mpi() && status.code() == Some(255);
        assert!(
            status.code() == Some(code) || is_cut_off,
            "{}",
            describe(status)
        );
        assert_gone(&all);
    }
    println!("{named_count} of {rounds} ranks were named");
    assert!(
        unnamed_count < named_count / 4,
        "{unnamed_count} of {rounds} were not named"
    );
}

#[test]
fn ranks_die_with_their_launcher() {
    if !has_mpi("the end of the launcher") {
        return;
    }
    for _ in 0..10 {
        let mut ranks = Ranks::prepared(
            &Setup {
                ranks: 3,
                ..Setup::default()
            },
            &stencil(),
        );
        let all = ranks.processes();
        assert!(all.len() >= 6, "{all:?}");
        ranks.launcher.kill().unwrap();
        ranks.end();
        assert_gone(&all);
    }
}

#[test]
fn the_end_of_the_input_ends_all_ranks() {
    if !has_mpi("the end of the input") {
        return;
    }
    let mut ranks = Ranks::prepared(&Setup::default(), &stencil());
    let all = ranks.processes();
    ranks.close_input();
    assert_eq!(ranks.line(), None);
    assert!(ranks.end().success());
    assert_gone(&all);
}

#[test]
fn all_ranks_end_when_messages_take_tcp() {
    if !has_mpi("an end over TCP") {
        return;
    }
    let graph = grid(2, 50, |_| vec![0, 1]);
    for ranks in [2, 3] {
        let setup = Setup {
            ranks,
            variables: &[("UCX_TLS", "tcp,self"), ("OMPI_MCA_btl", "tcp,self")],
            ..Setup::default()
        };
        // Each end is another race between the ranks.
        for _ in 0..5 {
            let mut ranks = Ranks::prepared(&setup, &graph);
            ranks.slice(1, 500, 1, false).unwrap();
            ranks.finish();
        }
    }
}

#[test]
fn what_cannot_be_prepared_is_an_error_of_its_kind() {
    if !has_mpi("errors") {
        return;
    }
    let graph = stencil();
    let setup = Setup::default();
    for (pointer, value, kind) in [
        ("/prepare/graph/crc32", json!("00000000"), "set-up"),
        ("/prepare/graph/path", json!("/no/such/file"), "set-up"),
        ("/prepare/kind", json!("coordination"), "set-up"),
        ("/prepare/case/workers", json!(3), "set-up"),
        ("/prepare/case/options/engine", json!("steam"), "set-up"),
        ("/prepare/nonce", json!("0"), "protocol"),
        ("/prepare/warmup_ns", json!(-1), "protocol"),
    ] {
        let mut ranks = Ranks::start(&setup);
        let mut request = ranks.request(&setup, &graph);
        *request.pointer_mut(pointer).unwrap() = value;
        ranks.send(&request);
        let error = ranks.reply("prepared").expect_err(pointer);
        assert_eq!(error["kind"], kind, "{error}");
        assert_ends_with_error(&mut ranks);
    }
    for line in ["this is not JSON", r#"{"dance":{}}"#, r#"{"slice":{}}"#] {
        let mut ranks = Ranks::start(&setup);
        ranks.send_line(line);
        assert_eq!(ranks.reply("x").expect_err(line)["kind"], "protocol");
        assert_ends_with_error(&mut ranks);
    }
}
