//! The command line: one file a subcommand. Text for people is made here and in `report`, nowhere else.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::registry::Registry;

mod baseline;
mod chaos;
mod check;
mod compare;
mod doctor;
mod export;
mod gate;
mod graph;
mod history;
mod list;
mod measuring;
mod metg;
mod progress;
mod report;
mod run;
mod select;
mod show;
mod workers;

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
/// Ended by Ctrl-C: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// What ends a command early.
enum Exit {
    /// The command line or an input file is wrong.
    Usage(miette::Report),
    /// The command could not do its work.
    Failed(miette::Report),
    /// What is to be compared with is missing, or is not comparable.
    NotComparable(miette::Report),
    /// What reads our output has gone: nothing left to say.
    BrokenPipe,
}

impl From<io::Error> for Exit {
    /// For errors of writing to standard output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Failed(miette::miette!("cannot write to standard output: {error}")),
        }
    }
}

/// What a command returns: an exit code, or what ended it early.
type Outcome = Result<u8, Exit>;

/// A dynamometer for task runtimes: runs one workload on every backend, verifies and measures each run,
/// and shows which is best at what.
///
/// Start with `taskdyno run`: it measures the built-in workloads in about a minute and writes
/// reports/latest/report.html.
#[derive(Parser)]
#[command(name = "taskdyno", version, max_term_width = 100)]
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
    color: Color,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Run workloads on backends, verify and measure every run, and write records and a report.
    Run(run::Arguments),
    /// List backends, workloads, patterns, kernels and exporters.
    List(list::Arguments),
    /// Check workload files without running them.
    Check(check::Arguments),
    /// Look at task graphs in files of other tools, and write graphs for them.
    Graph(graph::Arguments),
    /// Draw a report from records.
    Report(report::Arguments),
    /// Find how fine tasks can be on each backend before too much of the machine is lost.
    Metg(metg::Arguments),
    /// Kill worker processes at random, and see whether runs survive it.
    Chaos(chaos::Arguments),
    /// Compare records that were measured apart with others, or with baselines.
    Compare(compare::Arguments),
    /// Keep records under a name, to be compared with later.
    Baseline(baseline::Arguments),
    /// Find where a series of records changed, and on which commit.
    History(history::Arguments),
    /// Write records or comparisons in a format of another tool.
    Export(export::Arguments),
    /// Run two builds in turns, and say of each case whether it got slower.
    Gate(gate::Arguments),
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
pub(crate) fn main(registry: &Registry) -> ExitCode {
    let line = CommandLine::parse();
    set_color(line.color);
    if let Err(error) = registry.check() {
        let report = miette::miette!(help = error.help(), "{error}");
        return ExitCode::from(complain(&report, USAGE));
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
        Command::Completions { shell } => completions(shell),
    };
    ExitCode::from(match outcome {
        Ok(code) => code,
        Err(Exit::Usage(error)) => complain(&error, USAGE),
        Err(Exit::Failed(error)) => complain(&error, FAILED),
        Err(Exit::NotComparable(error)) => complain(&error, NOT_COMPARABLE),
        Err(Exit::BrokenPipe) => OK,
    })
}

/// Says what went wrong, where no one can miss it.
fn complain(error: &miette::Report, code: u8) -> u8 {
    tell(&format!("{error:?}"));
    code
}

/// Writes a line to standard error. What reads it may have gone: that must not end a run, and the exit code
/// still tells.
fn tell(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn set_color(color: Color) {
    let choice = match color {
        // `NO_COLOR`, `CI` and whether it is a terminal are looked at by the library.
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::AlwaysAnsi,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    let colorful = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    // Fails only if it was set before, and it is set nowhere else.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = miette::MietteHandlerOpts::new()
            .color(colorful)
            .unicode(true);
        Box::new(options.build())
    }));
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "taskdyno", &mut script);
    io::stdout().write_all(&script)?;
    Ok(OK)
}
