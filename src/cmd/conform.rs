//! `conform`: tests whether a program is a good child, for authors of children.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::measuring::seconds;
use super::out::say_styled;
use super::progress::{Progress, catch_interrupt, interrupted, is_interrupted};
use super::{CommandResult, Exit, FAILED, OK, say, tell};
use crate::conform::{
    CANNOT_BE_CAUGHT, CheckOutcome, CheckResult, ConformError, Fault, TestedChild, check_count,
    conform,
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
    // Without a terminal, the results are progress enough.
    let is_quiet = !std::io::stderr().is_terminal();
    let progress = RefCell::new(Progress::new(check_count(), "checks", is_quiet));
    let mut failed_count = 0;
    let ran = conform(
        &subject,
        registry,
        &arguments.backends,
        &|what| progress.borrow_mut().begin(what),
        |result| {
            progress.borrow_mut().step();
            if matches!(result.outcome, CheckOutcome::Failed(_)) {
                failed_count += 1;
            }
            progress.borrow().suspend(|| say_result(&result))
        },
    );
    progress.borrow().close();
    if is_interrupted() {
        tell("interrupted: the remaining checks are missing");
        return Ok(interrupted());
    }
    ran?;
    say_verdict(failed_count)
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
        CheckOutcome::NotApplicable(_) | CheckOutcome::NotTried(_) => (Style::new().dimmed(), "-"),
    };
    let (name, expected) = (result.name, result.expected);
    say_styled(&format!("{style}{word:6}{style:#}  {name:15} {expected}\n"))?;
    match &result.outcome {
        CheckOutcome::Passed => Ok(()),
        CheckOutcome::NotApplicable(why) => say(&format!("        not applicable: {why}\n")),
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

fn say_verdict(failed_count: usize) -> CommandResult {
    let (color, word) = match failed_count {
        0 => (AnsiColor::Green, "It conforms.".to_owned()),
        1 => (
            AnsiColor::Red,
            "It does not conform: 1 check failed.".to_owned(),
        ),
        count => (
            AnsiColor::Red,
            format!("It does not conform: {count} checks failed."),
        ),
    };
    let style = color.on_default();
    say_styled(&format!("\n{style}{word}{style:#}\n"))?;
    say(&format!(
        "No check can find {}.\n",
        CANNOT_BE_CAUGHT.join("; or ")
    ))?;
    Ok(if failed_count == 0 { OK } else { FAILED })
}
