//! The command line that `cargo bench`, `cargo test --benches` and `cargo nextest` use.

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(crate) enum Request {
    /// Print the names that match.
    List(Filter),
    /// Run what matches, once, to see that it works.
    Test(Filter),
    /// Measure what matches.
    Measure(Filter),
    /// Print nothing and run nothing.
    Nothing,
}

/// Which sections are meant.
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

/// Flags of criterion and of the test harness that are followed by a value. They are accepted, so that one
/// command line fits every bench of the package.
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
        // What nextest asks to learn which ones are off by default. None is.
        Request::Nothing
    } else if has("--list") {
        Request::List(filter)
    } else if has("--test") || !has("--bench") {
        Request::Test(filter)
    } else {
        Request::Measure(filter)
    }
}
