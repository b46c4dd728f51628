//! A test runner without threads, because a process that forks must have only one thread.
//!
//! It supports enough of the standard harness's command line for `cargo test` and `cargo nextest`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A named test.
pub(crate) struct TestCase {
    name: String,
    body: Box<dyn Fn()>,
}

impl TestCase {
    pub(crate) fn new(name: impl Into<String>, body: impl Fn() + 'static) -> Self {
        Self {
            name: name.into(),
            body: Box::new(body),
        }
    }
}

/// The options of the command line.
#[derive(Default)]
struct Options {
    list: bool,
    exact: bool,
    /// Run only ignored tests, of which there are none.
    ignored: bool,
    filters: Vec<String>,
    skips: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => options.list = true,
                "--exact" => options.exact = true,
                "--ignored" => options.ignored = true,
                "--skip" => options.skips.extend(arguments.next()),
                // Their values do not matter: the output is always one line per test, and there is one thread.
                "--format" | "--test-threads" | "--color" => drop(arguments.next()),
                flag if flag.starts_with('-') => {}
                _ => options.filters.push(argument),
            }
        }
        options
    }

    fn selects(&self, case: &TestCase) -> bool {
        let matches = |filter: &String| match self.exact {
            true => case.name == *filter,
            false => case.name.contains(filter.as_str()),
        };
        let wanted = self.filters.is_empty() || self.filters.iter().any(matches);
        wanted && !self.ignored && !self.skips.iter().any(matches)
    }
}

/// Runs the cases that the command line selects, one after the other.
pub(crate) fn main(cases: Vec<TestCase>) -> ExitCode {
    let options = Options::parse(std::env::args().skip(1));
    let count = cases.len();
    let chosen: Vec<TestCase> = cases
        .into_iter()
        .filter(|case| options.selects(case))
        .collect();
    if options.list {
        for case in &chosen {
            println!("{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    let failed = chosen.iter().filter(|case| !passes(case)).count();
    let (passed, filtered) = (chosen.len() - failed, count - chosen.len());
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; {filtered} filtered out\n"
    );
    ExitCode::from(u8::from(failed > 0))
}

fn passes(case: &TestCase) -> bool {
    // A failed case leaves nothing behind that another case relies on.
    let passed = catch_unwind(AssertUnwindSafe(&case.body)).is_ok();
    let verdict = if passed { "ok" } else { "FAILED" };
    println!("test {} ... {verdict}", case.name);
    passed
}
