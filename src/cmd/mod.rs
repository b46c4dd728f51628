//! The command line, with one file per subcommand. This module prints all text for people; `report` and
//! `machine::doctor` compose some of it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::diagnostic::Diagnostic;
use crate::loads::serve_echo;
use crate::registry::Registry;

mod baseline;
mod brief;
mod chaos;
mod check;
mod claims;
mod compare;
mod complaint;
mod conform;
mod doctor;
mod export;
mod externals;
mod gate;
mod graph;
mod history;
mod list;
mod measuring;
mod metg;
mod number;
mod out;
mod outcome;
mod pin;
mod program;
mod progress;
mod report;
mod run;
mod select;
mod show;
mod workers;

use complaint::complaint;
use out::{complain, say, tell};
pub(crate) use program::Program;

/// The command succeeded.
const OK: u8 = 0;
/// A case failed, or a result could not be written.
const FAILED: u8 = 1;
/// The command line or an input file is wrong.
const USAGE: u8 = 2;
/// A case got slower.
const REGRESSED: u8 = 3;
/// The data are inconclusive, and `--fail-on-inconclusive` was given.
const INCONCLUSIVE: u8 = 4;
/// The base of a comparison is missing, or the two sides are not comparable.
const NOT_COMPARABLE: u8 = 5;

/// What ends a command early.
enum Exit {
    /// An error, and the exit code for it.
    Error(u8, Box<dyn Diagnostic>),
    /// The reader of standard output is gone, so there is nothing more to print.
    BrokenPipe,
}

impl Exit {
    /// The command line or an input file is wrong.
    fn usage(error: impl Diagnostic + 'static) -> Self {
        Self::Error(USAGE, Box::new(error))
    }

    /// The command could not do its work.
    fn failed(error: impl Diagnostic + 'static) -> Self {
        Self::Error(FAILED, Box::new(error))
    }

    /// The base of a comparison is missing, or the two sides are not comparable.
    fn not_comparable(error: impl Diagnostic + 'static) -> Self {
        Self::Error(NOT_COMPARABLE, Box::new(error))
    }
}

impl From<io::Error> for Exit {
    /// Converts an error from writing to standard output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::failed(complaint!("cannot write to standard output: {error}")),
        }
    }
}

/// The result of a command: its exit code, or the reason why it ended early.
type CommandResult = Result<u8, Exit>;

/// A dynamometer for task runtimes: runs the same workload on every backend, verifies and measures each run, and shows
/// which backend is best at what.
///
/// Start with `taskdyno run`: it measures the built-in workloads in about a minute and writes
/// reports/latest/report.html.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// Choose when to use colour.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "TASKDYNO_COLOR"
    )]
    color: ColorChoice,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Run workloads on backends, verify and measure every run, and write records and a report.
    Run(run::RunArguments),
    /// List backends, workloads, patterns, kernels and exporters.
    List(list::ListArguments),
    /// Check workload files without running them.
    Check(check::CheckArguments),
    /// Inspect task graphs, and convert them between file formats.
    Graph(graph::GraphArguments),
    /// Print the tables of a finished run.
    Show(show::ShowArguments),
    /// Create a report from records.
    Report(report::ReportArguments),
    /// Find the smallest task size each backend runs at a given efficiency (METG).
    Metg(metg::MetgArguments),
    /// Measure what textbooks on concurrency claim, and report what holds on this machine.
    ///
    /// Every introduction says that processes beat threads in CPython, that async beats threads at waiting, or that a
    /// process costs more than a thread. This command runs a small set of cases for each of nine such claims. Each claim is
    /// a list of inequalities, such as "sequential code takes 1.8 × as long as two threads, or longer".
    ///
    /// The sides of a claim alternate, so each round gives a ratio per inequality. At least 8 rounds give an exact 99%
    /// interval of the median ratio. The answer is "holds here" if the whole interval is above the limit, "does not hold
    /// here" if no part of it is, and "cannot tell" otherwise. A claim that does not hold is a finding, so the exit code
    /// is 0.
    ///
    /// `taskdyno claims` measures all claims within a minute, and writes reports/claims/report.html. `taskdyno claims 3 5`
    /// measures two of them, and `taskdyno claims --full` takes the seconds of the textbook. Without `python3`, the
    /// parts on CPython are not measured, and the answer is "cannot tell".
    Claims(claims::ClaimsArguments),
    /// Kill worker processes at random, and check that runs recover.
    Chaos(chaos::ChaosArguments),
    /// Test whether a program of yours can be measured as a child.
    ///
    /// A child is a program, in any language, that runs task graphs on a runtime. It reads requests from standard input,
    /// one JSON object per line, and writes replies to standard output. FORMAT.md defines this protocol.
    ///
    /// This command starts the program many times, and talks to it like a command that measures. It checks results for
    /// every pattern, kernel, backend and option that the program claims, and whether its times are possible. It also
    /// sends what is wrong, ends its input, and kills it.
    ///
    /// Each check is one line. If a check fails, what was found and what to do follow, and the shortest exchange that
    /// shows it: `>` begins a line that was sent, and `<` one that was received.
    ///
    /// `taskdyno conform -- python3 child.py` tests all that a Python program claims. While you work on it, give
    /// `--quick`, `--backends my-pool` or `--check digests` before the `--` to test a part.
    ///
    /// A check that begins with `?` cannot tell, for example because other programs had the cores. The exit code is 0
    /// if the program conforms or a check cannot tell, 1 if it does not conform, and 2 if it cannot be started.
    Conform(conform::ConformArguments),
    /// Compare records with other records or with baselines, without measuring.
    Compare(compare::CompareArguments),
    /// Save records under a name for later comparisons.
    Baseline(baseline::BaselineArguments),
    /// Find the commits at which a series of records changed.
    History(history::HistoryArguments),
    /// Convert records or comparisons to the format of another tool.
    Export(export::ExportArguments),
    /// Run two builds alternately, and report which cases got slower.
    Gate(Box<gate::GateArguments>),
    /// Check whether this machine is fit for measuring, and suggest improvements.
    Doctor,
    /// Print a completion script for a shell.
    Completions {
        /// Choose the shell.
        shell: clap_complete::Shell,
    },
    /// Write one manual page per command into a folder, for `man`.
    ManPages {
        /// Write the pages to this folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Prepare one case and serve slices of samples. FORMAT.md describes the protocol.
    #[command(hide = true)]
    Child,
    /// Compute what every run of one work must compute, in a process apart from the child that is measured.
    #[command(hide = true)]
    Expected,
    /// List cases for a gate, with one line of JSON per case.
    #[command(hide = true)]
    Cases(select::Selected),
    /// Answer each request of the kernel `io-tcp` after a fixed time, until standard input ends.
    #[command(hide = true)]
    EchoServer {
        /// The time from a request to its answer.
        delay_ns: u64,
    },
    /// Keep one core busy during a self-test of the gate.
    #[command(hide = true)]
    Neighbour,
}

/// Parses the command line and runs the command.
pub(crate) fn main(registry: &Registry, program: &Program) -> ExitCode {
    ignore_file_size_signal();
    keep_children();
    out::set_program_name(program.own_name());
    let command = match is_child() {
        true => Command::Child,
        false => match program.parse() {
            Ok(line) => {
                set_color(line.color);
                line.command
            }
            Err(code) => return code,
        },
    };
    if let Err(error) = registry.check() {
        return ExitCode::from(complain(&error, USAGE));
    }
    let outcome = match command {
        Command::Child => return crate::case::serve(registry),
        Command::Expected => return crate::case::serve_expected(registry),
        Command::Run(arguments) => run::main(registry, &arguments),
        Command::List(arguments) => list::main(registry, &arguments),
        Command::Check(arguments) => check::main(registry, &arguments),
        Command::Graph(arguments) => graph::main(registry, &arguments),
        Command::Show(arguments) => show::main(&arguments),
        Command::Report(arguments) => report::main(&arguments),
        Command::Metg(arguments) => metg::main(registry, &arguments),
        Command::Claims(arguments) => claims::main(registry, &arguments),
        Command::Chaos(arguments) => chaos::main(registry, &arguments),
        Command::Conform(arguments) => conform::main(registry, &arguments),
        Command::Compare(arguments) => compare::main(&arguments),
        Command::Baseline(arguments) => baseline::main(&arguments),
        Command::History(arguments) => history::main(&arguments),
        Command::Export(arguments) => export::main(&arguments),
        Command::Gate(arguments) => gate::main(registry, &arguments),
        Command::Cases(selected) => gate::cases(registry, &selected),
        Command::EchoServer { delay_ns } => echo_server(delay_ns),
        Command::Neighbour => gate::neighbour(),
        Command::Doctor => doctor::main(),
        Command::Completions { shell } => program.completions(shell, registry),
        Command::ManPages { folder } => program.manual_pages(&folder),
    };
    ExitCode::from(match outcome {
        Ok(code) => code,
        Err(Exit::Error(code, error)) => complain(&*error, code),
        Err(Exit::BrokenPipe) => OK,
    })
}

/// Whether this is `taskdyno child` and nothing else. Every case starts one, and to build the whole command line takes
/// two milliseconds.
fn is_child() -> bool {
    std::env::args_os().skip(1).eq(["child"])
}

/// `echo-server`: the other process of the kernel `io-tcp`.
fn echo_server(delay_ns: u64) -> CommandResult {
    match serve_echo(Duration::from_nanos(delay_ns)) {
        Ok(()) => Ok(OK),
        Err(error) => Err(Exit::failed(complaint!("cannot answer requests: {error}"))),
    }
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail with an error instead of a signal that kills the
/// program. The program can then report the error, and the data written before stay intact. All processes that this
/// program starts inherit the setting, including the workers of a case and the compiler that a gate starts. An error is
/// more useful than a signal for these too.
fn ignore_file_size_signal() {
    // SAFETY: no handler is installed, so nothing runs in signal context. The call fails only if the signal number is
    // invalid.
    let _ = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Keeps ended children until this program waits for them. The parent of this program may have set `SIGCHLD` to be
/// ignored. The system would then discard the exit status of each child, and the program could not report how a case
/// ended.
fn keep_children() {
    // SAFETY: no handler is installed, so nothing runs in signal context. The call fails only if the signal number is
    // invalid.
    let _ = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Prints the notes about these workloads.
fn tell_notes(workloads: &[crate::workload::Workload]) {
    for note in workloads.iter().flat_map(|workload| &workload.notes) {
        tell(&format!("note: {note}"));
    }
}

/// Sets when the output is coloured.
fn set_color(color: ColorChoice) {
    let choice = match color {
        // The library checks `NO_COLOR`, `CI` and whether the stream is a terminal.
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::AlwaysAnsi,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
