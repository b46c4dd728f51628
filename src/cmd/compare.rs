//! `compare`: judges records that were measured apart. Runs nothing.

use std::path::{Path, PathBuf};

use miette::miette;

use super::baseline::{Store, read_baseline};
use super::show::{Show, not_comparable};
use super::{Exit, Outcome};
use crate::compare::{Comparison, Placed, Stored, StoredPlan, compare_records};
use crate::report::{UNKNOWN_VERSION, read_placed};

/// What `compare` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Record files, or folders that hold a records.jsonl: first the base, then the head; with --baseline, the
    /// head alone. Each file of the head is a session of it; a file may hold several sessions, one after the
    /// other.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    store: Store,
    /// Show the figures of records that must not be compared, with a warning and without a verdict.
    #[arg(long, env = "TASKDYNO_ADVISORY")]
    advisory: bool,
    #[command(flatten)]
    show: Show,
}

/// What is compared with, and how strictly.
#[derive(clap::Args)]
struct Against {
    /// Compare with these baselines of the head's class of machines.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "TASKDYNO_BASELINE"
    )]
    baseline: Vec<String>,
    /// A change of less than this is none: 0.01 for one per cent.
    #[arg(long, value_name = "RATIO", default_value = "0.01", value_parser = ratio, env = "TASKDYNO_THRESHOLD")]
    threshold: f64,
    /// The chance of a false alarm in any of the cases.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, env = "TASKDYNO_ALPHA")]
    alpha: f64,
    /// Draws the sessions and samples of the bootstrap.
    #[arg(long, value_name = "N", default_value = "1", env = "TASKDYNO_SEED")]
    seed: u64,
}

pub(super) fn main(arguments: &Arguments) -> Outcome {
    let comparisons = match arguments.against.baseline.as_slice() {
        [] => vec![files(arguments)?],
        names => {
            let head = read(&arguments.records)?;
            let against = |name: &String| {
                let base = read_baseline(&arguments.store, name, &head[0].1.host)?;
                compared((name, &base), &head, arguments)
            };
            names.iter().map(against).collect::<Result<_, Exit>>()?
        }
    };
    arguments.show.comparisons(&comparisons)
}

/// The first file against the others.
fn files(arguments: &Arguments) -> Result<Comparison, Exit> {
    let Some((base, head)) = arguments
        .records
        .split_first()
        .filter(|(_, head)| !head.is_empty())
    else {
        return Err(Exit::Usage(miette!(
            help = "give the records of the base and then those of the head, or name a baseline with --baseline NAME",
            "there is nothing to compare {} with",
            arguments.records[0].display()
        )));
    };
    let name = base.display().to_string();
    let base = read(std::slice::from_ref(base))?;
    compared((&name, &base), &read(head)?, arguments)
}

/// The records of these files. What another version wrote is not comparable.
fn read(paths: &[PathBuf]) -> Result<Vec<Placed>, Exit> {
    read_placed(paths).map_err(|error| {
        let is_version = error
            .code()
            .is_some_and(|code| code.to_string() == UNKNOWN_VERSION);
        match is_version {
            true => Exit::NotComparable(error),
            false => Exit::Usage(error),
        }
    })
}

fn compared(
    (name, base): (&str, &[Placed]),
    head: &[Placed],
    arguments: &Arguments,
) -> Result<Comparison, Exit> {
    let against = &arguments.against;
    let plan = StoredPlan {
        threshold_ratio: against.threshold,
        alpha: against.alpha,
        seed: against.seed,
        advisory: arguments.advisory,
    };
    let base = Stored {
        name,
        records: base,
    };
    let head_name = head_name(&arguments.records[arguments.records.len() - 1]);
    let head = Stored {
        name: &head_name,
        records: head,
    };
    compare_records(base, head, &plan).map_err(|reasons| {
        not_comparable(
            reasons,
            "measure both in the same way on the same machine, or let the two builds take turns with `taskdyno gate`; --advisory shows the figures all the same",
        )
    })
}

fn head_name(path: &Path) -> String {
    path.display().to_string()
}

/// A share above 0, such as 0.01.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| EXPECTED_RATIO.to_owned())?;
    match number > 0.0 && number.is_finite() {
        true => Ok(number),
        false => Err(EXPECTED_RATIO.into()),
    }
}

const EXPECTED_RATIO: &str = "expected a share above 0, such as 0.01 for one per cent";

/// A chance above 0 and below 1.
pub(super) fn chance(text: &str) -> Result<f64, String> {
    match ratio(text) {
        Ok(chance) if chance < 1.0 => Ok(chance),
        _ => Err("expected a chance above 0 and below 1, such as 0.01".into()),
    }
}
