//! Measures ten thousand waits at once: their time, and their memory in processes that do nothing else.

use std::process::Command;
use std::time::Duration;

use taskdyno::internal::backend::TOKIO;
use taskdyno_core::backend::Continuation;
use taskdyno_core::kernel::SLEEP;
use taskdyno_core::parameter::Value;
use taskdyno_core::pattern::TRIVIAL;
use tokio::runtime::Runtime;

use super::{Effort, Pooled, Row, median, median_ratio, nanoseconds, rounds};
use crate::prepare::{new_graph, new_job, new_kernel, worker_count};

/// How many waits there are at once.
const MANY: u64 = 10_000;
/// How long each of them is.
const WAIT_MS: u64 = 100;

/// The waits on `tokio`, beside tasks of the same runtime that do nothing but wait.
pub(crate) fn waits(effort: Effort) -> Vec<Row> {
    let (count, wait_ms) = (MANY / effort.shrink, WAIT_MS / effort.shrink.min(WAIT_MS));
    let mut pool = on_backend(count, wait_ms);
    let runtime = runtime();
    let by_hand = || runtime.block_on(all(count, Duration::from_millis(wait_ms)));
    let rounds = rounds(
        effort,
        || count as f64 * pool.nanoseconds(),
        || nanoseconds(by_hand),
    );
    pool.verify();
    let ours = median(rounds.iter().map(|(ours, _)| *ours));
    let by_hand = median(rounds.iter().map(|(_, by_hand)| *by_hand));
    let what = format!("{count} waits of {wait_ms} ms at once, tokio");
    let over = format!("the same over by hand ({:.1} ms)", by_hand / 1e6);
    vec![
        Row::nanoseconds(what, ours, 105e6),
        Row::at_most(over, median_ratio(&rounds), 1.05),
    ]
}

/// The peak memory of a process that makes the waits on `tokio`, and of one that makes them by hand. What a single wait
/// takes in such a process is the program and the runtime; the rest is what the waits need.
pub(crate) fn memory(effort: Effort) -> Vec<Row> {
    let count = MANY / effort.shrink;
    // Processes hardly differ, so a few are enough.
    let process_count = effort.rounds.min(5);
    let peak =
        |how: &str, count: u64| median((0..process_count).map(|_| peak_of_process(how, count)));
    let row = |how: &str| {
        let (one, many) = (peak(how, 1), peak(how, count));
        let bytes = (many - one) / count as f64;
        Row {
            what: format!(
                "{count} waits at once, {how}: peak memory (1 wait: {:.1} MB; {bytes:.0} B per wait)",
                one / 1e6
            ),
            found: format!("{:.1} MB", many / 1e6),
            goal: "≤ 8 MB".into(),
            is_met: many <= 8e6,
        }
    };
    [ON_BACKEND, BY_HAND].map(row).into()
}

/// The first argument of a process whose memory is measured.
const ALONE: &str = "--waits-alone";
const ON_BACKEND: &str = "tokio";
const BY_HAND: &str = "by hand";

/// The peak resident memory, in bytes, of a process of its own that makes the waits `how`.
fn peak_of_process(how: &str, count: u64) -> f64 {
    let program = std::env::current_exe().expect("Linux says which program this is");
    let mut command = Command::new(program);
    command.args([ALONE, how, &count.to_string()]);
    let output = command.output().expect("this program can be started");
    let text = String::from_utf8(output.stdout).expect("it prints a number");
    text.trim().parse().expect("it prints a number")
}

/// In a process whose memory is measured: makes the waits, prints the peak, and returns `true`. In any other process:
/// `false`.
pub(crate) fn is_alone() -> bool {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(ALONE) {
        return false;
    }
    let how = arguments.next().expect("how to wait");
    let count = arguments.next().and_then(|count| count.parse().ok());
    let count: u64 = count.expect("how many waits");
    match how.as_str() {
        ON_BACKEND => {
            let mut pool = on_backend(count, WAIT_MS);
            pool.nanoseconds();
            pool.verify();
        }
        _ => runtime().block_on(all(count, Duration::from_millis(WAIT_MS))),
    }
    println!("{}", peak_bytes());
    true
}

/// The peak resident memory of this process, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|text| text.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.and_then(|text| text.parse().ok()).expect("kB");
    kilobytes * 1024
}

/// A started pool of `tokio` with a job of `count` waits.
fn on_backend(count: u64, wait_ms: u64) -> Pooled {
    let kernel = new_kernel(&SLEEP, [("duration_ms", Value::Count(wait_ms))]);
    let job = new_job(new_graph(&TRIVIAL, [("width", count)]), kernel);
    Pooled::start_job(&TOKIO, job, worker_count(), Continuation::Queue)
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(worker_count()).enable_time();
    builder.build().expect("threads can be started")
}

/// One task starts all others, and waits for them. The backend starts them on the calling thread, which takes as long.
async fn all(count: u64, wait: Duration) {
    let root = tokio::spawn(async move {
        let start = |_| tokio::spawn(tokio::time::sleep(wait));
        let tasks: Vec<_> = (0..count).map(start).collect();
        for task in tasks {
            task.await.expect("a wait does not panic");
        }
    });
    root.await.expect("a wait does not panic");
}
