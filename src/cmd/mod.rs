//! The command line: one file a subcommand. Text for people is made here and in `report`, nowhere else.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::diagnostic::Diagnostic;
use crate::registry::Registry;

mod baseline;
mod chaos;
mod check;
mod compare;
mod complaint;
mod doctor;
mod export;
mod gate;
mod graph;
mod history;
mod list;
mod measuring;
mod metg;
mod number;
mod out;
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

/// Everything went well.
const OK: u8 = 0;
/// A case failed, or its result could not be written.
const FAILED: u8 = 1;
/// The command line or an input file is wrong.
const USAGE: u8 = 2;
/// A case got slower.
const REGRESSED: u8 = 3;
/// The data do not tell, and that was asked to count as a failure.
const INCONCLUSIVE: u8 = 4;
/// What is to be compared with is missing, or is not comparable.
const NOT_COMPARABLE: u8 = 5;

/// What ends a command early.
enum Exit {
    /// An error, and the exit code that it gives.
    Error(u8, Box<dyn Diagnostic>),
    /// What reads our output has gone: nothing left to say.
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

    /// What is to be compared with is missing, or is not comparable.
    fn not_comparable(error: impl Diagnostic + 'static) -> Self {
        Self::Error(NOT_COMPARABLE, Box::new(error))
    }
}

impl From<io::Error> for Exit {
    /// For errors of writing to standard output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::failed(complaint!("cannot write to standard output: {error}")),
        }
    }
}

/// What a command returns: an exit code, or what ended it early.
type CommandResult = Result<u8, Exit>;

/// A dynamometer for task runtimes: runs one workload on every backend, verifies and measures each run,
/// and shows which is best at what.
///
/// Start with `taskdyno run`: it measures the built-in workloads in about a minute and writes
/// reports/latest/report.html.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// When to use colour.
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
    /// Look at task graphs in files of other tools, and write graphs for them.
    Graph(graph::GraphArguments),
    /// Draw a report from records.
    Report(report::ReportArguments),
    /// Find how fine tasks can be on each backend before too much of the machine is lost.
    Metg(metg::MetgArguments),
    /// Kill worker processes at random, and see whether runs survive it.
    Chaos(chaos::ChaosArguments),
    /// Compare records that were measured apart with others, or with baselines.
    Compare(compare::CompareArguments),
    /// Keep records under a name, to be compared with later.
    Baseline(baseline::BaselineArguments),
    /// Find where a series of records changed, and on which commit.
    History(history::HistoryArguments),
    /// Write records or comparisons in a format of another tool.
    Export(export::ExportArguments),
    /// Run two builds in turns, and say of each case whether it got slower.
    Gate(gate::GateArguments),
    /// Say what makes this machine unfit for measuring, and what to do about it.
    Doctor,
    /// Print a completion script for a shell.
    Completions {
        /// The shell to complete for.
        shell: clap_complete::Shell,
    },
    /// Prepare one case and serve slices of samples; the protocol is in FORMAT.md.
    #[command(hide = true)]
    Child,
    /// List cases for a gate, one line of JSON each.
    #[command(hide = true)]
    Cases(select::Selected),
    /// Keep one core busy, beside a self-test of the gate.
    #[command(hide = true)]
    Neighbour,
}

/// Reads the command line and does what it says.
pub(crate) fn main(registry: &Registry, program: &Program) -> ExitCode {
    ignore_file_size_signal();
    keep_children();
    out::set_program_name(program.own_name());
    let line = match program.parse() {
        Ok(line) => line,
        Err(code) => return code,
    };
    set_color(line.color);
    if let Err(error) = registry.check() {
        return ExitCode::from(complain(&error, USAGE));
    }
    let outcome = match line.command {
        Command::Child => return crate::case::serve(registry),
        Command::Run(arguments) => run::main(registry, &arguments),
        Command::List(arguments) => list::main(registry, &arguments),
        Command::Check(arguments) => check::main(registry, &arguments),
        Command::Graph(arguments) => graph::main(registry, &arguments),
        Command::Report(arguments) => report::main(&arguments),
        Command::Metg(arguments) => metg::main(registry, &arguments),
        Command::Chaos(arguments) => chaos::main(registry, &arguments),
        Command::Compare(arguments) => compare::main(&arguments),
        Command::Baseline(arguments) => baseline::main(&arguments),
        Command::History(arguments) => history::main(&arguments),
        Command::Export(arguments) => export::main(&arguments),
        Command::Gate(arguments) => gate::main(registry, &arguments),
        Command::Cases(selected) => gate::cases(registry, &selected),
        Command::Neighbour => gate::neighbour(),
        Command::Doctor => doctor::main(),
        Command::Completions { shell } => program.completions(shell),
    };
    ExitCode::from(match outcome {
        Ok(code) => code,
        Err(Exit::Error(code, error)) => complain(&*error, code),
        Err(Exit::BrokenPipe) => OK,
    })
}

/// Has writes beyond a limit on the size of files (`ulimit -f`) fail, in place of a signal that ends the program: the
/// error is told, and what was written before stays whole. The processes that it starts inherit that, and so do the
/// workers of a case and the compiler that a gate starts: an error with a name serves all of them better.
fn ignore_file_size_signal() {
    // SAFETY: no handler is installed, so nothing runs in signal context. It fails only for a signal that is none.
    let _ = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Has children wait until they are waited for. Whoever started this program may have had them vanish, and how a case
/// ended could not be told.
fn keep_children() {
    // SAFETY: no handler is installed, so nothing runs in signal context. It fails only for a signal that is none.
    let _ = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Tells what is to be noted about these workloads.
fn tell_notes(workloads: &[crate::workload::Workload]) {
    for note in workloads.iter().flat_map(|workload| &workload.notes) {
        tell(&format!("note: {note}"));
    }
}

/// Says when everything from now on is coloured.
fn set_color(color: ColorChoice) {
    let choice = match color {
        // `NO_COLOR`, `CI` and whether it is a terminal are looked at by the library.
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::AlwaysAnsi,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
