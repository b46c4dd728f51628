//! `chaos`: kills worker processes at random, and checks that runs recover.

use std::time::{Duration, Instant};

use anstyle::AnsiColor;

use super::measuring::{make_ready, seconds, surroundings};
use super::number::{number, whole};
use super::out::say_styled;
use super::progress::{catch_interrupt, interrupted, is_interrupted};
use super::select::Selected;
use super::{CommandResult, Exit, FAILED, OK, complaint, say, tell};
use crate::backend::Backend;
use crate::case::protocol::{Chaos, Prepare};
use crate::case::{Idle, Session, Surroundings};
use crate::kernel::Sharing;
use crate::matrix::PlannedCase;
use crate::measure::{Slice, SlicePlan};
use crate::record::{CaseError, ErrorKind, nanoseconds};
use crate::registry::Registry;
use crate::units::counted;

/// The arguments of `chaos`.
#[derive(clap::Args)]
pub(super) struct ChaosArguments {
    #[command(flatten)]
    selected: Selected,
    /// Kill the worker process of this fraction of all tasks, from 0 to 1.
    #[arg(
        long,
        value_name = "RATIO",
        default_value = "0.01",
        value_parser = ratio,
        allow_negative_numbers = true,
        env = "TASKDYNO_KILL_RATE"
    )]
    kill_rate: f64,
    /// Set the random seed for the choice of tasks whose worker dies.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = whole::<u64>(0..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_CHAOS_SEED"
    )]
    seed: u64,
    /// Run each case this many times, each run in a new process.
    #[arg(
        long,
        value_name = "N",
        default_value = "5",
        value_parser = whole::<u64>(1..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_CHAOS_RUNS"
    )]
    runs: u64,
    /// Kill a process that has not ended after this many seconds. A timeout in the workload file takes precedence.
    ///
    /// The run of a killed process counts as hung.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "60",
        value_parser = seconds,
        allow_negative_numbers = true,
        env = "TASKDYNO_TIMEOUT"
    )]
    timeout: Duration,
}

/// The number of runs per kind of ending.
#[derive(Default)]
struct RunTally {
    untouched: u64,
    recovered: u64,
    gave_up: u64,
    deaths: u64,
    wrong: Vec<String>,
    left_behind: u64,
}

pub(super) fn main(registry: &Registry, arguments: &ChaosArguments) -> CommandResult {
    let cases = arguments
        .selected
        .cases(registry, &mortal(registry))?
        .planned;
    let cases = that_can_recover(cases)?;
    make_ready(false)?;
    let surroundings = surroundings(registry, arguments.seed);
    let mut tally = RunTally::default();
    catch_interrupt();
    'cases: for (index, planned) in cases.iter().enumerate() {
        tell(&format!(
            "{} of {}: {}",
            index + 1,
            cases.len(),
            planned.case.id()
        ));
        for run in 0..arguments.runs {
            let (result, left_behind) = one_run(&surroundings, planned, arguments, run);
            tally.left_behind += left_behind as u64;
            if is_interrupted() {
                break 'cases;
            }
            tally.count(&planned.case.id(), run, result);
        }
    }
    for wrong in &tally.wrong {
        say(&format!("{wrong}\n"))?;
    }
    if is_interrupted() {
        say(&format!("{}\n", tally.verdict()))?;
        tell("interrupted: the remaining runs are missing");
        return Ok(interrupted());
    }
    let (color, code) = match tally.is_survived() {
        true => (AnsiColor::Green, OK),
        false => (AnsiColor::Red, FAILED),
    };
    let style = color.on_default();
    say_styled(&format!("{style}{}{style:#}\n", tally.verdict()))?;
    Ok(code)
}

/// The backends whose workers are processes, so that the death of one does not end the case.
fn mortal(registry: &Registry) -> Vec<&'static dyn Backend> {
    let all = registry.backends.iter().copied();
    all.filter(|backend| backend.sharing() == Sharing::Processes)
        .collect()
}

/// The cases whose runs can go on without a worker that died.
fn that_can_recover(cases: Vec<PlannedCase>) -> Result<Vec<PlannedCase>, Exit> {
    const REASON: &str = "the death of a task that others wait for makes the run fail";
    let (left_out, cases): (Vec<_>, Vec<_>) = cases.into_iter().partition(|one| one.coordinates);
    match (left_out.len(), cases.is_empty()) {
        (0, _) => {}
        (_, true) => {
            return Err(Exit::usage(complaint!(
                help = "choose a workload whose tasks do not wait for each other",
                "no selected case can recover: {REASON}"
            )));
        }
        (count, false) => tell(&format!(
            "not applicable: {}: {REASON}",
            counted(count, "case")
        )),
    }
    Ok(cases)
}

/// Takes one sample of the case in a new child process. Returns also how many processes the child left behind.
fn one_run(
    surroundings: &Surroundings<'_>,
    planned: &PlannedCase,
    arguments: &ChaosArguments,
    run: u64,
) -> (Result<Slice, CaseError>, usize) {
    let prepare = Prepare {
        retry_limit: planned.retry_limit,
        task_timeout_ns: planned.task_timeout.map(nanoseconds),
        certified_optimum_ns: planned.certified_optimum.map(nanoseconds),
        chaos: Some(Chaos {
            kill_ratio: arguments.kill_rate,
            seed: arguments.seed.wrapping_add(run),
        }),
        ..Prepare::of(planned.case.clone())
    };
    let timeout = planned.timeout.unwrap_or(arguments.timeout);
    let child_plan = surroundings.child_plan(&planned.case);
    match Session::start(&child_plan, prepare, timeout, &mut UntilInterrupted) {
        Err(error) => (Err(error), 0),
        Ok((mut session, _)) => {
            let slice = session.slice(SlicePlan::exactly(1), &mut UntilInterrupted);
            let slice = slice.and_then(|slice| {
                session.ask_to_finish(&mut UntilInterrupted)?;
                Ok(slice)
            });
            (slice, session.end().left_behind_count)
        }
    }
}

impl RunTally {
    fn count(&mut self, id: &str, run: u64, result: Result<Slice, CaseError>) {
        match result {
            Ok(slice) => {
                self.deaths += slice.deaths.len() as u64;
                match slice.deaths.is_empty() {
                    true => self.untouched += 1,
                    false => self.recovered += 1,
                }
            }
            // A kernel panics if the dead worker held its lock.
            Err(error)
                if matches!(error.kind, ErrorKind::WorkerDied | ErrorKind::Panic)
                    && error.task.is_some() =>
            {
                let attempts = error
                    .death
                    .map_or(1, |death| u64::from(death.attempt_count));
                self.deaths += attempts;
                self.gave_up += 1;
            }
            Err(error) => self.wrong.push(format!(
                "{id}, run {run}: {}: {}",
                error.kind, error.message
            )),
        }
    }

    fn is_survived(&self) -> bool {
        self.wrong.is_empty() && self.left_behind == 0
    }

    fn verdict(&self) -> String {
        let runs = self.untouched + self.recovered + self.gave_up + self.wrong.len() as u64;
        format!(
            "{}: {}, at least {} killed: {} recovered with the right result, {} gave up and named \
             the task, {} had no deaths, {} went wrong, {} left behind",
            if self.is_survived() {
                "survived"
            } else {
                "NOT SURVIVED"
            },
            counted(runs as usize, "run"),
            counted(self.deaths as usize, "worker"),
            self.recovered,
            self.gave_up,
            self.untouched,
            self.wrong.len(),
            match self.left_behind {
                1 => "1 process".into(),
                count => format!("{count} processes"),
            },
        )
    }
}

/// Waits for the child, and cancels when the user interrupts.
struct UntilInterrupted;

impl Idle for UntilInterrupted {
    fn idle(&mut self) -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    fn is_cancelled(&self) -> bool {
        is_interrupted()
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0, "a number from 0 to 1, such as 0.01")
}
