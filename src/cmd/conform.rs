//! `conform`: tests whether a program is a good child, for authors of children.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::builder::PossibleValuesParser;

use super::measuring::seconds;
use super::number::whole;
use super::out::say_styled;
use super::progress::{Progress, catch_interrupt, interrupted, is_interrupted};
use super::{CommandResult, Exit, FAILED, OK, say, tell};
use crate::conform::{
    CANNOT_BE_CAUGHT, CheckOutcome, CheckResult, ConformError, Fault, TestPlan, TestedChild,
    check_names, conform,
};
use crate::registry::Registry;

/// The arguments of `conform`.
#[derive(clap::Args)]
pub(super) struct ConformArguments {
    /// Test only these backends of the child, separated by commas (default: all that it claims).
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        env = "TASKDYNO_CONFORM_BACKENDS"
    )]
    backends: Vec<String>,
    /// Make only these checks, separated by commas, and the check of the greeting, which all others need.
    #[arg(
        long = "check",
        value_name = "NAMES",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(check_names()),
        env = "TASKDYNO_CONFORM_CHECK"
    )]
    checks: Vec<String>,
    /// Test less, for use while you edit. This leaves out sizes, payload, times, silence, the end of input and death. It
    /// tests digests and chained slices on every backend, with the first value of each option. Kernels, slices and
    /// everything else are tested on the first backend only.
    #[arg(long, conflicts_with = "checks", env = "TASKDYNO_CONFORM_QUICK")]
    quick: bool,
    /// Test this many backends at the same time (default: the number of cores). Give 1 if your program cannot run twice
    /// at the same time.
    #[arg(
        long,
        value_name = "COUNT",
        value_parser = whole::<usize>(1..=u16::MAX.into()),
        allow_negative_numbers = true,
        env = "TASKDYNO_CONFORM_JOBS"
    )]
    jobs: Option<usize>,
    /// Wait at most this many seconds for each reply, and for the end of the child.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = seconds,
        allow_negative_numbers = true,
        env = "TASKDYNO_CONFORM_TIMEOUT"
    )]
    timeout: Duration,
    /// Give the program to test and its arguments, after `--`.
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

pub(super) fn main(registry: &Registry, arguments: &ConformArguments) -> CommandResult {
    catch_interrupt();
    let subject = TestedChild {
        command: &arguments.command,
        timeout: arguments.timeout,
        is_cancelled: &is_interrupted,
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let selection = TestPlan {
        backends: &arguments.backends,
        checks: &arguments.checks,
        is_quick: arguments.quick,
        job_count: arguments.jobs.unwrap_or_else(cores),
    };
    // Without a terminal, the results are progress enough.
    let is_quiet = !std::io::stderr().is_terminal();
    let progress = Mutex::new(Progress::new(selection.check_count(), "checks", is_quiet));
    let progress = || progress.lock().expect("no thread panics while it draws");
    let mut verdict = CheckTally {
        is_partial: arguments.quick || !arguments.checks.is_empty(),
        ..CheckTally::default()
    };
    let ran = conform(
        &subject,
        registry,
        &selection,
        &|what| progress().begin(what),
        |result| {
            progress().step();
            verdict.add(&result.outcome);
            progress().suspend(|| say_result(&result))
        },
    );
    progress().close();
    if is_interrupted() {
        tell("interrupted: the remaining checks are missing");
        return Ok(interrupted());
    }
    ran?;
    say_verdict(&verdict)
}

impl From<ConformError> for Exit {
    fn from(error: ConformError) -> Self {
        match error.is_usage() {
            true => Self::usage(error),
            false => Self::failed(error),
        }
    }
}

fn say_result(result: &CheckResult) -> Result<(), Exit> {
    let (style, word) = match result.outcome {
        CheckOutcome::Passed => (AnsiColor::Green.on_default(), "ok"),
        CheckOutcome::Failed(_) => (AnsiColor::Red.on_default(), "FAILED"),
        CheckOutcome::CannotTell(_) => (AnsiColor::Yellow.on_default(), "?"),
        CheckOutcome::NotApplicable(_) | CheckOutcome::NotTried(_) => (Style::new().dimmed(), "-"),
    };
    let (name, expected) = (result.name, result.expected);
    say_styled(&format!("{style}{word:6}{style:#}  {name:15} {expected}\n"))?;
    match &result.outcome {
        CheckOutcome::Passed => Ok(()),
        CheckOutcome::NotApplicable(why) => say(&format!("        not applicable: {why}\n")),
        CheckOutcome::CannotTell(why) => say(&format!("        cannot tell: {why}\n")),
        CheckOutcome::NotTried(other) => {
            say(&format!("        not tried, because `{other}` failed\n"))
        }
        CheckOutcome::Failed(fault) => say(&fault_text(fault)),
    }
}

fn fault_text(fault: &Fault) -> String {
    let mut text = format!(
        "        found: {}\n        to do: {}\n",
        fault.found, fault.help
    );
    for line in &fault.exchange {
        text += &format!("          {line}\n");
    }
    text
}

/// What became of all checks together.
#[derive(Default)]
struct CheckTally {
    failed_count: usize,
    doubtful_count: usize,
    /// Whether checks were left out.
    is_partial: bool,
}

impl CheckTally {
    fn add(&mut self, outcome: &CheckOutcome) {
        match outcome {
            CheckOutcome::Failed(_) => self.failed_count += 1,
            CheckOutcome::CannotTell(_) => self.doubtful_count += 1,
            CheckOutcome::Passed | CheckOutcome::NotApplicable(_) | CheckOutcome::NotTried(_) => {}
        }
    }

    fn text(&self) -> (AnsiColor, String) {
        match (self.failed_count, self.doubtful_count) {
            (0, 0) if self.is_partial => (
                AnsiColor::Green,
                "It conforms in what was tested.".to_owned(),
            ),
            (0, 0) => (AnsiColor::Green, "It conforms.".to_owned()),
            (0, doubtful) => (
                AnsiColor::Yellow,
                format!(
                    "It conforms, except that {} cannot tell.",
                    counted(doubtful)
                ),
            ),
            (failed, _) => (
                AnsiColor::Red,
                format!("It does not conform: {} failed.", counted(failed)),
            ),
        }
    }
}

fn counted(count: usize) -> String {
    match count {
        1 => "1 check".to_owned(),
        count => format!("{count} checks"),
    }
}

fn say_verdict(verdict: &CheckTally) -> CommandResult {
    let (color, text) = verdict.text();
    let style = color.on_default();
    say_styled(&format!("\n{style}{text}{style:#}\n"))?;
    if !verdict.is_partial {
        say(&format!(
            "No check can find {}.\n",
            CANNOT_BE_CAUGHT.join("; or ")
        ))?;
    }
    Ok(if verdict.failed_count == 0 {
        OK
    } else {
        FAILED
    })
}
