//! Tests whether a program conforms to the protocol of children, version 2, for the authors of such programs.
//!
//! It starts the program many times, as a parent would, and sends what a parent sends, and also what is wrong. All
//! expected values are computed here. Each check has a name; a check that fails shows the lines that were exchanged.

mod bench;
mod check;
mod claims;
mod exchange;
mod fault;
mod passed;
mod session;
mod work;

use bench::Bench;
pub(crate) use bench::TestPlan;
use check::{CHECKS, ConformCheck, GREETING, GREETING_EXPECTED};
use claims::Claims;
use exchange::Exchange;
pub(crate) use exchange::TestedChild;
use fault::Setback;
pub(crate) use fault::{ConformError, Fault};
use passed::Passed;

use crate::registry::Registry;

/// What no check can find.
pub(crate) const CANNOT_BE_CAUGHT: [&str; 3] = [
    "a child that claims to hand on bytes, and leaves them out",
    "a child that skips increments of its own counter, and reports the sum that is expected",
    "a child that schedules its tasks in another way than its backend says",
];

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckOutcome {
    /// The child does what is expected.
    Passed,
    /// The child does not claim what the check is about; the text says what.
    NotApplicable(String),
    /// What was seen is too little for a verdict; the text says why.
    CannotTell(String),
    /// The check would say nothing, because this other check has failed.
    NotTried(&'static str),
    /// The child does something else.
    Failed(Box<Fault>),
}

/// A check, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckResult {
    /// The name of the check.
    pub(crate) name: &'static str,
    /// What it expects, in one line.
    pub(crate) expected: &'static str,
    /// What became of it.
    pub(crate) outcome: CheckOutcome,
}

impl TestPlan<'_> {
    fn contains(&self, check: &ConformCheck) -> bool {
        let is_named = |name: &String| name == check.name;
        (self.checks.is_empty() || self.checks.iter().any(is_named))
            && (check.is_quick || !self.is_quick)
    }

    /// The number of checks.
    pub(crate) fn check_count(&self) -> usize {
        1 + CHECKS.iter().filter(|check| self.contains(check)).count()
    }
}

/// The names of all checks.
pub(crate) fn check_names() -> impl Iterator<Item = &'static str> {
    [GREETING]
        .into_iter()
        .chain(CHECKS.iter().map(|check| check.name))
}

/// Makes the selected checks, and passes each result to `ended`. `doing` hears what is tested at the moment.
///
/// # Errors
///
/// If the user interrupts, the child cannot be tested, or `ended` fails. What a child does wrong is a result.
pub(crate) fn conform<E: From<ConformError>>(
    subject: &TestedChild<'_>,
    registry: &Registry,
    selection: &TestPlan<'_>,
    doing: &(dyn Fn(&str) + Sync),
    mut ended: impl FnMut(CheckResult) -> Result<(), E>,
) -> Result<(), E> {
    doing(GREETING);
    let (greeting, bench) = match greet(subject) {
        Ok(claims) => {
            let bench = Bench::new(subject, claims, registry, selection, doing)?;
            (CheckOutcome::Passed, Some(bench))
        }
        Err(setback) => (failure(setback)?, None),
    };
    ended(CheckResult {
        name: GREETING,
        expected: GREETING_EXPECTED,
        outcome: greeting,
    })?;
    let mut failed: Vec<&'static str> = Vec::new();
    for check in CHECKS.iter().filter(|check| selection.contains(check)) {
        doing(check.name);
        let missing = failed.iter().find(|name| check.needs.contains(name));
        let outcome = match (&bench, missing) {
            (None, _) => CheckOutcome::NotTried(GREETING),
            (_, Some(other)) => CheckOutcome::NotTried(other),
            (Some(bench), None) => outcome((check.run)(bench))?,
        };
        if matches!(outcome, CheckOutcome::Failed(_) | CheckOutcome::NotTried(_)) {
            failed.push(check.name);
        }
        ended(CheckResult {
            name: check.name,
            expected: check.expected,
            outcome,
        })?;
    }
    Ok(())
}

fn greet(subject: &TestedChild<'_>) -> Result<Claims, Setback> {
    let mut exchange = Exchange::start(subject, 1)?;
    exchange.send(&session::hello());
    let claims = Claims::receive(&mut exchange)?;
    exchange.close()?;
    Ok(claims)
}

fn outcome(result: Result<Passed, Setback>) -> Result<CheckOutcome, ConformError> {
    match result {
        Ok(Passed::Yes) => Ok(CheckOutcome::Passed),
        Ok(Passed::NotApplicable(why)) => Ok(CheckOutcome::NotApplicable(why)),
        Ok(Passed::CannotTell(why)) => Ok(CheckOutcome::CannotTell(why)),
        Err(setback) => failure(setback),
    }
}

fn failure(setback: Setback) -> Result<CheckOutcome, ConformError> {
    match setback {
        Setback::Fault(fault) => Ok(CheckOutcome::Failed(fault)),
        Setback::Stopped(error) => Err(error),
    }
}
