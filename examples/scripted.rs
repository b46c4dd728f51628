//! A child that measures nothing: it answers every case with times from a script.
//!
//! Parent and child of taskdyno speak a small protocol (FORMAT.md), so any program can stand in for the
//! child. This one does, behind the whole command line:
//!
//! ```text
//! cargo run --example scripted -- run empty/pattern=chain --out target/scripted
//! ```
//!
//! What comes out is known to the nanosecond, which makes it a way to test whatever reads records.

use std::io::{self, BufRead};
use std::process::ExitCode;

use taskdyno::Harness;
use taskdyno::case::protocol::{Finished, Prepare, Prepared, Reply, Request, SliceDone};
use taskdyno::kernel::Findings;
use taskdyno::record::{CaseError, GraphSize, Sample};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("child") {
        serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    } else {
        Harness::new().main()
    }
}

/// Times of one case, in nanoseconds.
struct Script {
    /// Wall clock of the first sample. Each one that follows takes a hundredth longer.
    wall_ns: u64,
    /// CPU time of each sample.
    cpu_ns: u64,
}

/// What each backend is said to take. `None` stands for a kernel that panics.
fn script(backend: &str, workers: u64) -> Option<Script> {
    let wall_ns = match backend {
        "serial" => 1_000_000,
        "static" => 1_010_000 / workers,
        "rayon" => 1_200_000 / workers,
        "tokio" => 1_212_000 / workers,
        "threads" => return None,
        _ => 2_000_000,
    };
    let cpu_ns = wall_ns * workers * 9 / 10;
    Some(Script { wall_ns, cpu_ns })
}

fn serve() -> io::Result<()> {
    let mut script = None;
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Request::Prepare(prepare) => {
                let Prepare { case, .. } = *prepare;
                script = self::script(&case.backend, u64::from(case.workers));
                say(&Reply::Prepared(Prepared {
                    graph: GraphSize {
                        task_count: 100,
                        edge_count: 99,
                    },
                    digest: "00000000deadbeef".into(),
                    bound: None,
                    start_ns: 50_000,
                    run_count: 1,
                }))?;
            }
            Request::Slice(plan) => match &script {
                Some(script) => slice(script, plan.min_sample_count)?,
                None => return say(&Reply::Error(out_of_cheese())),
            },
            Request::Finish {} => {
                return say(&Reply::Finished(Finished {
                    peak_memory_bytes: Some(4 << 20),
                    trace: None,
                }));
            }
        }
    }
    Ok(())
}

fn slice(script: &Script, sample_count: u64) -> io::Result<()> {
    for index in 0..sample_count {
        say(&Reply::Sample(Sample {
            wall_ns: script.wall_ns + script.wall_ns / 100 * index,
            run_count: 1,
            cpu_ns: script.cpu_ns,
            foreign_cpu_ns: None,
            voluntary_switch_count: 0,
            involuntary_switch_count: 0,
            worker_cores: vec![0],
            is_degraded: false,
        }))?;
    }
    say(&Reply::SliceDone(SliceDone {
        findings: Findings::new(),
        deaths: Vec::new(),
    }))
}

fn out_of_cheese() -> CaseError {
    CaseError {
        task: Some(3),
        ..CaseError::new("panic", "the kernel panicked in task 3: out of cheese")
    }
}

fn say(reply: &Reply) -> io::Result<()> {
    println!("{}", serde_json::to_string(reply)?);
    Ok(())
}
