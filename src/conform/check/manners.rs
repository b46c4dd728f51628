//! Checks of manners: requests that cannot be served, and ending.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::conform::bench::Bench;
use crate::conform::claims::ClaimedBackend;
use crate::conform::exchange::Exchange;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;
use crate::conform::session::{PreparedChild, exactly, greeted, hello, of_runs};

/// A version that no child knows.
const NO_VERSION: u32 = 1_000_000;

pub(super) fn unknown_version(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let mut exchange = Exchange::start(bench.subject, 1)?;
    exchange.send(&json!({"hello": {"versions": [NO_VERSION]}}));
    refuses(&mut exchange, "a `hello` without a version that it knows")?;
    Ok(Passed::Yes)
}

pub(super) fn unknown_fields(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let backend = bench.any_backend();
    let case = bench.any_case(backend);
    let nonce = bench.nonces[0];
    let file = case.file()?;
    let with = |mut request: Json, pointers: &[&str]| {
        for pointer in pointers {
            if let Some(place) = request.pointer_mut(pointer) {
                place["field_of_a_later_version"] = json!({"a": [1]});
            }
        }
        request
    };
    let mut exchange = Exchange::start(bench.subject, case.workers)?;
    exchange.send(&with(hello(), &["/hello"]));
    exchange.expect("greeting")?;
    let places = ["/prepare", "/prepare/case", "/prepare/graph"];
    exchange.send(&with(case.prepare(&file, nonce), &places));
    let mut session = PreparedChild::prepared(exchange, file)?;
    session.slice(&with(exactly(nonce, 1), &["/slice"]))?;
    session
        .exchange
        .send(&with(json!({"finish": {}}), &["/finish"]));
    // Whether it replies at all is another check.
    let last = session.exchange.line()?;
    if last.is_some_and(|line| line.contains("\"error\"")) {
        return Err(session.exchange.fault(
            "it did not accept `finish` with an unknown field",
            "ignore fields that are unknown",
        ));
    }
    Ok(Passed::Yes)
}

pub(super) fn errors(bench: &Bench<'_>) -> Result<Passed, Setback> {
    let case = bench.any_case(bench.any_backend());
    let nonce = bench.nonces[0];
    let file = case.file()?;
    let changed = |pointer: &str, value: Json| {
        let mut request = case.prepare(&file, nonce);
        if let Some(place) = request.pointer_mut(pointer) {
            *place = value;
        }
        request.to_string()
    };
    let wrong_sum = format!("{:08x}", !file.crc32());
    let requests = [
        (
            "a kernel that does not exist",
            changed(
                "/prepare/case/parameters/kernel",
                json!({"kind": "no-such-kernel"}),
            ),
        ),
        (
            "a backend that does not exist",
            changed("/prepare/case/backend", "no-such-backend".into()),
        ),
        (
            "a graph file that does not exist",
            changed("/prepare/graph/path", "/no/such/graph".into()),
        ),
        (
            "a wrong checksum of the graph file",
            changed("/prepare/graph/crc32", wrong_sum.into()),
        ),
        ("a slice before `prepare`", exactly(nonce, 1).to_string()),
        ("a line that is not JSON", "this is not JSON".into()),
    ];
    for (what, line) in requests {
        // With as many processes as the case needs: a wrong number is an error of another kind.
        let mut exchange = greeted(bench.subject, case.workers)?;
        exchange.send_line(&line);
        refuses(&mut exchange, what)?;
    }
    Ok(Passed::Yes)
}

/// Receives an error as the last line, and exit code 1.
fn refuses(exchange: &mut Exchange<'_>, what: &str) -> Result<(), Setback> {
    const HELP: &str = "send `{\"error\": {\"kind\": .., \"message\": ..}}` as the last line, and exit with code 1";
    let reply = exchange.reply("error")?;
    let text = |key: &str| {
        reply
            .pointer(key)
            .and_then(Json::as_str)
            .unwrap_or_default()
    };
    if text("/error/kind").is_empty() || text("/error/message").is_empty() {
        let found = format!(
            "it answered {what} with something else than an error with `kind` and `message`"
        );
        return Err(exchange.fault(found, HELP));
    }
    if exchange.line()?.is_some() {
        return Err(exchange.fault(
            format!("it answered {what} with a line after the error"),
            HELP,
        ));
    }
    match exchange.exit_status()?.code() {
        Some(1) => Ok(()),
        _ => Err(exchange.fault(format!("it did not exit with code 1 after {what}"), HELP)),
    }
}

/// A child on this backend that has taken one slice.
pub(super) fn after_a_slice<'b>(
    bench: &'b Bench<'_>,
    backend: &ClaimedBackend,
) -> Result<PreparedChild<'b>, Setback> {
    let mut session = bench
        .any_case(backend)
        .start(bench.subject, bench.nonces[0])?;
    session.slice(&exactly(bench.nonces[0], 1))?;
    Ok(session)
}

pub(super) fn end_of_input(bench: &Bench<'_>) -> Result<Passed, Setback> {
    bench.each(|backend| {
        let exchange = &mut after_a_slice(bench, backend)?.exchange;
        exchange.close_input();
        if exchange.line()?.is_some() {
            return Err(exchange.fault("it replied to the end of its input", "end without a reply"));
        }
        ends_well(exchange)?;
        Ok(Passed::Yes)
    })
}

pub(super) fn finish(bench: &Bench<'_>) -> Result<Passed, Setback> {
    bench.first_or_each(|backend| {
        let exchange = &mut after_a_slice(bench, backend)?.exchange;
        exchange.send(&json!({"finish": {}}));
        exchange.expect("finished")?;
        if exchange.line()?.is_some() {
            return Err(exchange.fault(
                "it wrote a line after `finished`",
                "`finished` is the last line",
            ));
        }
        ends_well(exchange)?;
        Ok(Passed::Yes)
    })
}

/// Waits for the end, with exit code 0 and without processes left.
fn ends_well(exchange: &mut Exchange<'_>) -> Result<(), Setback> {
    if !exchange.exit_status()?.success() {
        return Err(exchange.fault(
            "its exit code is not 0",
            "exit with code 0 after an orderly end",
        ));
    }
    leaves_nothing(
        exchange,
        "stop every worker process and wait for it before exiting",
    )
}

/// How long what a child has started may take to end after it.
const AFTERLIFE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// Fails if processes that the child has started do not end soon after it.
fn leaves_nothing(exchange: &mut Exchange<'_>, help: &str) -> Result<(), Setback> {
    let deadline = Instant::now() + AFTERLIFE;
    loop {
        let left = exchange.processes_left();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let left = left.join(", ");
            let limit = AFTERLIFE.as_secs();
            return Err(exchange.fault(
                format!("{limit} s after its end, these processes were left: {left}"),
                help,
            ));
        }
        exchange.pause(POLL)?;
    }
}

/// More runs than any child makes before it is killed.
const ENDLESS: u64 = 1_000_000_000;

pub(super) fn death(bench: &Bench<'_>) -> Result<Passed, Setback> {
    bench.each(|backend| {
        let exchange = &mut after_a_slice(bench, backend)?.exchange;
        exchange.send(&of_runs(bench.nonces[0], 1, ENDLESS, false));
        // The slice has begun by then; if not, the child dies a little earlier.
        if exchange.line_within(Duration::from_millis(50))?.is_some() {
            return Err(exchange.fault(
                "it replied before it can have made so many runs",
                "make `run_count` runs per sample",
            ));
        }
        let status = exchange.kill()?;
        if status.signal().is_none() {
            return Err(exchange.fault(
                "it ended by itself in the middle of a slice",
                "see its last lines",
            ));
        }
        leaves_nothing(
            exchange,
            "let workers end when the process that started them dies: on Linux with prctl(PR_SET_PDEATHSIG), or when a \
             pipe from it ends",
        )?;
        Ok(Passed::Yes)
    })
}
