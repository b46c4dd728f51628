//! The command line that `cargo bench`, `cargo test --benches` and `cargo nextest` use.

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Request {
    /// Print the names of the matching sections.
    List(Filter),
    /// Run the matching sections once, to check that they work.
    Test(Filter),
    /// Measure the matching sections.
    Measure(Filter),
    /// Print and run nothing.
    Nothing,
}

/// Selects sections.
#[derive(Debug, PartialEq)]
pub(crate) struct Filter {
    text: String,
    exact: bool,
}

impl Filter {
    pub(crate) fn matches(&self, name: &str) -> bool {
        if self.exact {
            name == self.text
        } else {
            name.contains(&self.text)
        }
    }
}

/// Options of criterion and of the test harness that take a value. They are accepted, so that one command line works
/// for every bench of the package.
const WITH_VALUE: &[&str] = &[
    "-b",
    "-c",
    "--baseline",
    "--baseline-lenient",
    "--color",
    "--confidence-level",
    "--format",
    "--load-baseline",
    "--logfile",
    "--measurement-time",
    "--noise-threshold",
    "--nresamples",
    "--output-format",
    "--plotting-backend",
    "--profile-time",
    "--sample-size",
    "--save-baseline",
    "--significance-level",
    "--skip",
    "--test-threads",
    "--warm-up-time",
];

pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Request {
    let mut flags = Vec::new();
    let mut text = String::new();
    while let Some(argument) = arguments.next() {
        if WITH_VALUE.contains(&argument.as_str()) {
            arguments.next();
        } else if argument.starts_with('-') {
            flags.push(argument);
        } else {
            text = argument;
        }
    }
    let has = |flag: &str| flags.iter().any(|other| other == flag);
    let filter = Filter {
        text,
        exact: has("--exact"),
    };
    if has("--ignored") {
        // Nextest asks in this way which benchmarks are off by default. None is.
        Request::Nothing
    } else if has("--list") {
        Request::List(filter)
    } else if has("--test") || !has("--bench") {
        Request::Test(filter)
    } else {
        Request::Measure(filter)
    }
}
