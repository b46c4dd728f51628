//! What `gate` takes on the command line.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::cmd::measuring::{Manner, seconds};
use crate::cmd::number::number;
use crate::cmd::pin::Pin;
use crate::cmd::select::Selected;
use crate::cmd::show::Show;
use crate::cmd::tell;
use crate::gate::{GatePlan, ListedCase};

/// What `gate` takes.
#[derive(clap::Args)]
pub(in crate::cmd) struct GateArguments {
    #[command(flatten)]
    pub(super) selected: Selected,
    /// What to compare with: a built program, or a git revision, which is built for it.
    #[arg(
        long,
        value_name = "BUILD",
        required_unless_present = "self_test",
        env = "TASKDYNO_BASE"
    )]
    pub(super) base: Option<String>,
    /// What to judge: a built program, or a git revision, which is built for it.
    #[arg(
        long,
        value_name = "BUILD",
        required_unless_present = "self_test",
        env = "TASKDYNO_HEAD"
    )]
    pub(super) head: Option<String>,
    /// The package of a revision to build, if its workspace has several.
    #[arg(long, value_name = "NAME", env = "TASKDYNO_PACKAGE")]
    pub(super) package: Option<String>,
    /// The binary of a revision to build, if its package has several: taskdyno, or a program of your own
    /// on its `Harness`.
    #[arg(long, value_name = "NAME", env = "TASKDYNO_BIN")]
    pub(super) bin: Option<String>,
    /// The smallest change that counts, as a part of the base's time: 0.01 for one per cent.
    ///
    /// A workload's own goes before it.
    #[arg(long, value_name = "RATIO", default_value = "0.01", value_parser = threshold, allow_negative_numbers = true, env = "TASKDYNO_THRESHOLD")]
    pub(super) threshold: f64,
    /// Pairs of processes of each case before the first look. Cases that are not decided then get as many
    /// again before the second.
    #[arg(
        long,
        value_name = "N",
        default_value = "50",
        value_parser = clap::value_parser!(u64).range(1..=1000),
        env = "TASKDYNO_PAIRS"
    )]
    pub(super) pairs: u64,
    /// Look only once.
    #[arg(long, env = "TASKDYNO_NO_EXTENSION")]
    pub(super) no_extension: bool,
    /// The chance of a false alarm in any of the cases.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, allow_negative_numbers = true, env = "TASKDYNO_ALPHA")]
    pub(super) alpha: f64,
    /// Seconds after which no pair is begun; cases are then judged by the pairs they have.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_GATE_MAX_TIME")]
    pub(super) max_time: Option<Duration>,
    /// Seconds until a process that has not ended is killed; a workload's own timeout goes before it.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, allow_negative_numbers = true, env = "TASKDYNO_TIMEOUT")]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) show: Show,
    /// The folder to write to.
    ///
    /// The comparison and its pairs go there.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/gate",
        env = "TASKDYNO_OUT"
    )]
    pub(super) out: PathBuf,
    /// Go on where it was interrupted.
    ///
    /// Pairs in the folder are not measured again.
    #[arg(long, env = "TASKDYNO_RESUME")]
    pub(super) resume: bool,
    #[command(flatten)]
    pub(super) manner: Manner,
    /// Measure the gate itself on this machine: how often it cries wolf, and how often it finds a slow-down
    /// that was planted.
    #[arg(long, conflicts_with_all = ["base", "head", "max_time", "resume"], env = "TASKDYNO_SELF_TEST")]
    pub(super) self_test: bool,
    /// A self-test of a few minutes: one case, 5 verdicts of each kind.
    #[arg(long, requires = "self_test", env = "TASKDYNO_QUICK")]
    pub(super) quick: bool,
    /// Verdicts of a self-test for each case and each planted slow-down.
    #[arg(
        long,
        value_name = "N",
        requires = "self_test",
        value_parser = clap::value_parser!(u64).range(1..),
        env = "TASKDYNO_VERDICTS"
    )]
    pub(super) verdicts: Option<u64>,
    /// The slow-downs that a self-test plants, separated by commas; 0 for none.
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
    /// Keep one core busy beside the self-test.
    #[arg(long, requires = "self_test", env = "TASKDYNO_NEIGHBOUR")]
    pub(super) neighbour: bool,
}

impl GateArguments {
    /// Whether to bind workers to cores: as it was said, or else as in the part of the gate that went before. Nobody's
    /// are where some backend cannot, unless that was demanded: a gate has one setting for all its cases.
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
                "no workers are bound to cores: `{}` cannot bind its own",
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
