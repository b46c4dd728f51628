//! A child that measures nothing: it answers every case with times from a script. It speaks version 1 of the protocol,
//! in which the child itself states the digest that it must have.
//!
//! Parent and child of taskdyno use a small protocol (FORMAT.md), so any program can replace the child. This one
//! does, together with the whole command line:
//!
//! ```text
//! cargo run --example scripted -- run empty/pattern=chain --out target/scripted
//! ```
//!
//! The results are known to the nanosecond, so this can test everything that reads records, and the gate.
//! Environment variables change the script, so two shell scripts that call this program can replace two builds.
//!
//! | variable | what it does |
//! |---|---|
//! | `SCRIPTED_PER_CENT=120` | every time is this percentage of the original |
//! | `SCRIPTED_ALTERNATE=FILE` | every second process takes twice as long; the file must exist, and each process adds a byte to it |
//! | `SCRIPTED_MISHAP=abort` | the process dies when it is asked for samples |
//! | `SCRIPTED_MISHAP=digest` | the work has a different result |
//! | `SCRIPTED_MISHAP=flood` | the samples never end |

use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use taskdyno::Harness;
use taskdyno::internal::case::protocol::{
    Finished, Hex, Prepare, Prepared, Reply, Request, SampleReply, SliceDone,
};
use taskdyno::record::{CaseError, ErrorKind, GraphSize, Latencies, Sample};
use taskdyno_core::kernel::Findings;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("child") {
        serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
    } else {
        Harness::new().main()
    }
}

/// The times of one case, in nanoseconds.
struct Script {
    /// The wall time of the first sample. Each following sample takes a hundredth longer.
    wall_ns: u64,
    /// The CPU time of each sample.
    cpu_ns: u64,
}

/// The times of each backend. `None` means a kernel that panics.
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

/// The script of a case, changed by the environment variables and by the slow-down that the request plants.
fn altered(prepare: &Prepare) -> io::Result<Option<Script>> {
    let case = &prepare.case;
    let Some(mut script) = script(&case.backend, u64::from(case.workers)) else {
        return Ok(None);
    };
    let per_cent = std::env::var("SCRIPTED_PER_CENT").map_or(Ok(100), |text| text.parse());
    let mut per_cent: u64 = per_cent.map_err(io::Error::other)?;
    if let Some(path) = std::env::var_os("SCRIPTED_ALTERNATE") {
        let mut file = OpenOptions::new().append(true).open(path)?;
        file.write_all(b".")?;
        if file.metadata()?.len() % 2 == 0 {
            per_cent *= 2;
        }
    }
    let stretch = 1.0 + prepare.stretch_ratio.unwrap_or(0.0);
    for time in [&mut script.wall_ns, &mut script.cpu_ns] {
        *time = (*time as f64 * per_cent as f64 / 100.0 * stretch).round() as u64;
    }
    Ok(Some(script))
}

fn digest() -> Hex {
    match mishap("digest") {
        true => Hex(0xcafe_f00d),
        false => Hex(0xdead_beef),
    }
}

fn mishap(name: &str) -> bool {
    std::env::var("SCRIPTED_MISHAP").is_ok_and(|mishap| mishap == name)
}

fn serve() -> io::Result<()> {
    let mut script = None;
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Request::Prepare(prepare) => {
                script = altered(&prepare)?;
                say(&Reply::Prepared(Prepared {
                    graph: Some(GraphSize {
                        task_count: 100,
                        edge_count: 99,
                    }),
                    file_system: None,
                    digest: Some(digest()),
                    bound: None,
                    pace: None,
                    start_ns: 50_000,
                    run_count: 1,
                }))?;
            }
            Request::Slice(_) if mishap("abort") => std::process::abort(),
            Request::Slice(slice_request) => match &script {
                Some(script) if mishap("flood") => slice(script, u64::MAX)?,
                Some(script) => slice(script, slice_request.plan.min_sample_count)?,
                None => return say(&Reply::Error(out_of_cheese())),
            },
            Request::Finish {} => {
                return say(&Reply::Finished(Finished {
                    peak_memory_bytes: Some(4 << 20),
                    worker_usage: Vec::new(),
                    trace: None,
                    no_trace_file: None,
                }));
            }
            // Version 1 does not know this question.
            other => {
                let message = format!("unknown request {other:?}");
                let error = CaseError::new(ErrorKind::Protocol, message);
                return say(&Reply::Error(error));
            }
        }
    }
    Ok(())
}

fn slice(script: &Script, sample_count: u64) -> io::Result<()> {
    for index in 0..sample_count {
        let wall_ns = script.wall_ns + script.wall_ns / 100 * (index % 1_000);
        let mut sample = Sample::new(wall_ns, 1);
        sample.cpu_ns = Some(script.cpu_ns);
        sample.voluntary_switch_count = Some(0);
        sample.involuntary_switch_count = Some(0);
        sample.worker_cores = vec![0];
        say(&Reply::Sample(SampleReply {
            sample,
            digest: None,
        }))?;
    }
    say(&Reply::SliceDone(SliceDone {
        findings: Findings::new(),
        deaths: Vec::new(),
        latencies: Latencies::new(),
    }))
}

fn out_of_cheese() -> CaseError {
    CaseError {
        task: Some(3),
        ..CaseError::new(
            ErrorKind::Panic,
            "the kernel panicked in task 3: out of cheese",
        )
    }
}

fn say(reply: &Reply) -> io::Result<()> {
    println!("{}", serde_json::to_string(reply)?);
    Ok(())
}
