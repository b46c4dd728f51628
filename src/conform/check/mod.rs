//! The checks, in the order in which they are made.

use super::bench::Bench;
use super::fault::Setback;
use super::passed::Passed;

mod latencies;
mod manners;
mod repeats;
mod silence;
mod slices;
mod times;
mod values;

/// A check of a child.
pub(crate) struct ConformCheck {
    /// Its name.
    pub(crate) name: &'static str,
    /// What is expected of a child, in one line.
    pub(crate) expected: &'static str,
    /// The checks without which this one says nothing.
    pub(super) needs: &'static [&'static str],
    /// Whether it belongs to a quick test: it is short, and what it finds is what changes to a child usually break.
    pub(super) is_quick: bool,
    pub(super) run: fn(&Bench<'_>) -> Result<Passed, Setback>,
}

/// The check that comes first. All others need it.
pub(super) const GREETING: &str = "greeting";
/// What the check of the greeting expects.
pub(super) const GREETING_EXPECTED: &str =
    "answers `hello` with a greeting of version 2 that has every field";

/// All checks after the greeting.
pub(super) const CHECKS: &[ConformCheck] = &[
    ConformCheck {
        name: "unknown-version",
        expected: "answers `hello` with an error if it knows none of the versions",
        needs: &[],
        is_quick: true,
        run: manners::unknown_version,
    },
    ConformCheck {
        name: "unknown-fields",
        expected: "ignores fields that it does not know, in every request",
        needs: &[],
        is_quick: true,
        run: manners::unknown_fields,
    },
    ConformCheck {
        name: "digests",
        expected: "returns the right digest for every pattern, kernel and option that it claims",
        needs: &[],
        is_quick: true,
        run: values::digests,
    },
    ConformCheck {
        name: "sizes",
        expected: "returns the right digest for 1, 2 and 3 workers, odd widths, one task and no task",
        needs: &["digests"],
        is_quick: false,
        run: values::sizes,
    },
    ConformCheck {
        name: "payload",
        expected: "returns the right digest if tasks hand on bytes",
        needs: &["digests"],
        is_quick: false,
        run: values::payload,
    },
    ConformCheck {
        name: "parties",
        expected: "lets all tasks be in progress at once if they wait for each other, and returns the right digest",
        needs: &["digests"],
        is_quick: false,
        run: values::parties,
    },
    ConformCheck {
        name: "nonces",
        expected: "computes each slice with the nonce of that slice",
        needs: &["digests"],
        is_quick: true,
        run: values::nonces,
    },
    ConformCheck {
        name: "chained-slices",
        expected: "makes every run that it reports: each run of a chained slice needs the result of the run before",
        needs: &["nonces"],
        is_quick: true,
        run: values::chained_slices,
    },
    ConformCheck {
        name: "slices",
        expected: "ends each slice when it must, and takes as many runs per sample as requested",
        needs: &[],
        is_quick: true,
        run: slices::slices,
    },
    ConformCheck {
        name: "bound",
        expected: "reports no time below what the tasks of `sleep` must take",
        needs: &["chained-slices", "slices"],
        is_quick: false,
        run: times::bound,
    },
    ConformCheck {
        name: "cpu-time",
        expected: "reports times that the CPU time of all its processes fits into",
        needs: &["chained-slices", "slices"],
        is_quick: false,
        run: times::cpu_time,
    },
    ConformCheck {
        name: "latencies",
        expected: "reports the latencies of each slice that asks for them, as valid histograms, and no others",
        needs: &["slices"],
        is_quick: false,
        run: latencies::latencies,
    },
    ConformCheck {
        name: "repeated-nonce",
        expected: "works as long on a nonce that it has seen as on new ones, and so keeps no results",
        needs: &["chained-slices", "slices"],
        is_quick: false,
        run: repeats::repeated_nonce,
    },
    ConformCheck {
        name: "errors",
        expected: "answers what it cannot do with an error line and exit code 1",
        needs: &[],
        is_quick: true,
        run: manners::errors,
    },
    ConformCheck {
        name: "end-of-input",
        expected: "ends when its input ends, with all processes that it started",
        needs: &[],
        is_quick: false,
        run: manners::end_of_input,
    },
    ConformCheck {
        name: "finish",
        expected: "answers `finish` with `finished` and exit code 0, and leaves no process",
        needs: &[],
        is_quick: true,
        run: manners::finish,
    },
    ConformCheck {
        name: "silence",
        expected: "waits between slices without output, and uses at most 1% of one core",
        needs: &[],
        is_quick: false,
        run: silence::silence,
    },
    ConformCheck {
        name: "death",
        expected: "leaves no process if it is killed in the middle of a slice",
        needs: &[],
        is_quick: false,
        run: manners::death,
    },
];
