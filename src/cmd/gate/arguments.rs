//! The command-line arguments of `gate`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::building::Building;
use crate::cmd::measuring::{Manner, seconds};
use crate::cmd::number::{number, whole};
use crate::cmd::outcome::Show;
use crate::cmd::pin::Pin;
use crate::cmd::select::Selected;
use crate::cmd::tell;
use crate::compare::Allowed;
use crate::gate::{GatePlan, ListedCase};

/// The arguments of `gate`.
#[derive(clap::Args)]
pub(in crate::cmd) struct GateArguments {
    #[command(flatten)]
    pub(super) selected: Selected,
    /// Compare with this build: the path of a program, or a git revision, which is built first (default: the commit
    /// where the head left the main branch).
    ///
    /// The main branch is `origin/HEAD`, else `main`, else `master`.
    #[arg(long, value_name = "BUILD", env = "TASKDYNO_BASE")]
    pub(super) base: Option<String>,
    /// Judge this build: the path of a program, or a git revision, which is built first (default: the working tree).
    ///
    /// The working tree is copied as it is, with changes that are not committed and without files that git ignores.
    /// Later edits do not enter.
    #[arg(long, value_name = "BUILD", env = "TASKDYNO_HEAD")]
    pub(super) head: Option<String>,
    /// Compare with the backends of this file: a version of a foreign runtime. Use it with `--head-external`, in place
    /// of `--base` and `--head`.
    #[arg(
        long,
        value_name = "FILE",
        requires = "head_external",
        conflicts_with_all = ["base", "head"],
        env = "TASKDYNO_BASE_EXTERNAL"
    )]
    pub(super) base_external: Option<PathBuf>,
    /// Judge the backends of this file, which have the same names.
    #[arg(
        long,
        value_name = "FILE",
        requires = "base_external",
        env = "TASKDYNO_HEAD_EXTERNAL"
    )]
    pub(super) head_external: Option<PathBuf>,
    #[command(flatten)]
    pub(super) building: Building,
    /// Ignore changes smaller than this fraction of the base's time; 0.01 is 1%.
    ///
    /// A threshold in the workload file takes precedence.
    #[arg(long, value_name = "RATIO", default_value = "0.01", value_parser = threshold, allow_negative_numbers = true, env = "TASKDYNO_THRESHOLD")]
    pub(super) threshold: f64,
    /// Measure exactly this many pairs of processes per case, and judge them once.
    ///
    /// By default, a gate judges after every pair, and a case gets only as many pairs as it needs.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<u64>(1..=1000),
        allow_negative_numbers = true,
        env = "TASKDYNO_PAIRS"
    )]
    pub(super) pairs: Option<u64>,
    /// Limit the chance of a false alarm in any of the cases; 0.01 is 1%.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, allow_negative_numbers = true, env = "TASKDYNO_ALPHA")]
    pub(super) alpha: f64,
    /// Start no pair after this many seconds, and judge each case by the pairs measured so far. In a self-test, this is
    /// the limit for each verdict.
    ///
    /// The default is 20 s for each case, all together, and no limit with `--pairs`. Building does not count. `--resume`
    /// continues with more time.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_GATE_MAX_TIME")]
    pub(super) max_time: Option<Duration>,
    /// Kill a process that has not ended after this many seconds. A timeout in the workload file takes precedence.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_TIMEOUT")]
    pub(super) timeout: Duration,
    /// Accept cases that only the head has. They are reported in any case.
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "true",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        env = "TASKDYNO_ALLOW_NEW"
    )]
    allow_new: bool,
    /// Accept cases that only the base has. They are reported in any case.
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "false",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        env = "TASKDYNO_ALLOW_MISSING"
    )]
    allow_missing: bool,
    #[command(flatten)]
    pub(super) show: Show,
    /// Write the results to this folder.
    ///
    /// The results are the comparison and its pairs.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/gate",
        env = "TASKDYNO_OUT"
    )]
    pub(super) out: PathBuf,
    /// Continue an interrupted measurement.
    ///
    /// Pairs that are already in the folder are not measured again.
    #[arg(long, env = "TASKDYNO_RESUME")]
    pub(super) resume: bool,
    #[command(flatten)]
    pub(super) manner: Manner,
    /// Test the gate on this machine: measure how often it raises a false alarm, and how often it finds a planted
    /// slow-down.
    #[arg(long, conflicts_with_all = ["base", "head", "base_external", "resume"], env = "TASKDYNO_SELF_TEST")]
    pub(super) self_test: bool,
    /// Make a self-test of a few minutes, with one case and 5 verdicts per planted slow-down.
    #[arg(long, requires = "self_test", env = "TASKDYNO_QUICK")]
    pub(super) quick: bool,
    /// Make this many self-test verdicts for each case and each planted slow-down (default: 25, or 5 with `--quick`).
    #[arg(
        long,
        value_name = "N",
        requires = "self_test",
        value_parser = whole::<u64>(1..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_VERDICTS"
    )]
    pub(super) verdicts: Option<u64>,
    /// Plant these slow-downs in a self-test, separated by commas; 0.05 is 5%, and 0 is no slow-down.
    #[arg(
        long,
        value_name = "RATIOS",
        requires = "self_test",
        default_value = "0,0.02,0.05,0.1",
        value_delimiter = ',',
        value_parser = planted,
        env = "TASKDYNO_PLANTED"
    )]
    pub(super) planted: Vec<f64>,
    /// Keep one core busy during the self-test.
    #[arg(long, requires = "self_test", env = "TASKDYNO_NEIGHBOUR")]
    pub(super) neighbour: bool,
}

/// How long a gate measures by default, for each of its cases. Cases that are decided early leave their time to others.
const TIME_PER_CASE: Duration = Duration::from_secs(20);

impl GateArguments {
    /// Which cases that only one side has do not make the gate fail.
    pub(super) fn allowed(&self) -> Allowed {
        Allowed {
            new: self.allow_new,
            missing: self.allow_missing,
        }
    }

    /// How long to measure, if that is limited.
    pub(super) fn time_limit(&self, case_count: usize) -> Option<Duration> {
        let usual = match self.pairs {
            None => Some(TIME_PER_CASE * case_count as u32),
            Some(_) => None,
        };
        self.max_time.or(usual)
    }

    /// Whether to bind workers to cores. `--pin=always` and `--pin=never` decide it. Otherwise a resumed gate keeps the
    /// setting of the interrupted one, and a new gate binds workers only if the backends of all cases support it and
    /// the machine is quiet: a gate has one setting for all its cases.
    pub(super) fn pin(&self, before: Option<&GatePlan>, cases: &[ListedCase]) -> bool {
        match (self.selected.pin.unwrap_or(Pin::Auto), before) {
            (Pin::Auto, Some(before)) => before.pin,
            (Pin::Auto, None) => self.can_all_pin(cases) && Pin::Auto.is_to_be(),
            (pin, _) => pin.is_to_be(),
        }
    }

    fn can_all_pin(&self, cases: &[ListedCase]) -> bool {
        let Some(unable) = cases.iter().find(|listed| !listed.can_pin) else {
            return true;
        };
        if !self.manner.quiet {
            tell(&format!(
                "no workers are bound to cores, because the backend `{}` does not support it",
                unable.case.backend
            ));
        }
        false
    }
}

fn threshold(text: &str) -> Result<f64, String> {
    part(text, 0.0001..=1.0, "0.01")
}

fn chance(text: &str) -> Result<f64, String> {
    part(text, 1e-6..=0.5, "0.01")
}

fn planted(text: &str) -> Result<f64, String> {
    part(text, 0.0..=10.0, "0.05")
}

fn part(text: &str, range: RangeInclusive<f64>, example: &str) -> Result<f64, String> {
    let (least, most) = (range.start(), range.end());
    let expected = format!("a number from {least} to {most}, such as {example}");
    number(text, range, &expected)
}
