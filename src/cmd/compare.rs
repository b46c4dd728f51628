//! `compare`: judges records that were measured apart. Runs nothing.

use std::ops::Bound;
use std::path::PathBuf;

use super::baseline::{BaselineStore, counted_once, read_baseline};
use super::number::number;
use super::show::{Show, not_comparable};
use super::{CommandResult, Exit, complaint, tell};
use crate::compare::{Comparison, Placed, Stored, StoredPlan, apart, compare_records};
use crate::record::{Host, RecordsError, read_placed};

/// What `compare` takes.
#[derive(clap::Args)]
pub(super) struct CompareArguments {
    /// Record files, or folders that hold a records.jsonl: first the base, then the head; with --baseline, the
    /// head alone. Each file of the head is a session of it; a file may hold several sessions, one after the
    /// other.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    store: BaselineStore,
    /// Show the figures of records that must not be compared, with a warning and without a verdict.
    #[arg(long, env = "TASKDYNO_ADVISORY")]
    advisory: bool,
    /// Draws the sessions and samples of the bootstrap.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        env = "TASKDYNO_COMPARE_SEED"
    )]
    seed: u64,
    /// Write the result to this file; the table still goes to standard output.
    #[arg(long, value_name = "FILE", env = "TASKDYNO_COMPARE_OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    show: Show,
}

/// What is compared with, and how strictly.
#[derive(clap::Args)]
pub(super) struct Against {
    /// Compare with these baselines of this class of machines; names separated by commas.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "TASKDYNO_BASELINE"
    )]
    baseline: Vec<String>,
    /// The smallest change that counts, as a part of the base's time: 0.01 for one per cent.
    #[arg(long, value_name = "RATIO", default_value = "0.01", value_parser = ratio, env = "TASKDYNO_THRESHOLD")]
    threshold: f64,
    /// The chance of a false alarm in any of the cases.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, env = "TASKDYNO_ALPHA")]
    alpha: f64,
}

/// A name and the records under it.
pub(super) type Named = (String, Vec<Placed>);

impl Against {
    /// The baselines that are asked for, of machines like `host`.
    pub(super) fn baselines(&self, store: &BaselineStore, host: &Host) -> Result<Vec<Named>, Exit> {
        let read = |name: &String| Ok((name.clone(), read_baseline(store, name, host)?));
        let mut names: Vec<&String> = Vec::new();
        for name in &self.baseline {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().map(read).collect()
    }

    /// Compares `head` with `base`, resampling from `seed`.
    pub(super) fn comparison(
        &self,
        base: &Named,
        head: &Named,
        seed: u64,
        advisory: bool,
    ) -> Result<Comparison, Exit> {
        let plan = StoredPlan {
            threshold_ratio: self.threshold,
            alpha: self.alpha,
            seed,
            advisory,
        };
        let (name, records) = base;
        let (records, note) = apart(records, &head.1);
        note.iter().for_each(|note| tell(note));
        let base = Stored {
            name,
            records: &records,
        };
        let head = Stored {
            name: &head.0,
            records: &head.1,
        };
        compare_records(base, head, &plan).map_err(|reasons| {
            not_comparable(
                reasons,
                "measure both in the same way on the same machine, or let the two builds take turns with `taskdyno gate`; `taskdyno compare --advisory` shows the figures all the same",
            )
        })
    }
}

pub(super) fn main(arguments: &CompareArguments) -> CommandResult {
    let (bases, head) = match arguments.against.baseline.is_empty() {
        true => two_sides(&arguments.records)?,
        false => {
            let head = read(&arguments.records)?;
            let host = &head.1[0].1.host;
            (arguments.against.baselines(&arguments.store, host)?, head)
        }
    };
    let (seed, advisory) = (arguments.seed, arguments.advisory);
    let comparisons = bases
        .iter()
        .map(|base| arguments.against.comparison(base, &head, seed, advisory));
    let comparisons: Vec<Comparison> = comparisons.collect::<Result<_, Exit>>()?;
    let out = arguments.out.as_deref();
    arguments.show.comparisons(&comparisons, out, false)
}

/// The first file, and all the others.
fn two_sides(paths: &[PathBuf]) -> Result<(Vec<Named>, Named), Exit> {
    let Some((base, head)) = paths.split_first().filter(|(_, head)| !head.is_empty()) else {
        return Err(Exit::usage(complaint!(
            help = "give the records of the base and then those of the head, or name a baseline with --baseline NAME",
            "there is nothing to compare {} with",
            paths[0].display()
        )));
    };
    Ok((vec![read(std::slice::from_ref(base))?], read(head)?))
}

/// The records of these files, under the name of the last. What another version wrote is not comparable.
pub(super) fn read(paths: &[PathBuf]) -> Result<Named, Exit> {
    let records = read_placed(paths).map_err(|error| match error {
        RecordsError::UnknownVersion { .. } => Exit::not_comparable(error),
        _ => Exit::usage(error),
    })?;
    let name = paths[paths.len() - 1].display().to_string();
    Ok((name, counted_once(records)))
}

/// A share above 0, such as 0.01.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let finite = (Bound::Excluded(0.0), Bound::Included(f64::MAX));
    number(
        text,
        finite,
        "a share above 0, such as 0.01 for one per cent",
    )
}

/// A chance above 0 and below 1.
pub(super) fn chance(text: &str) -> Result<f64, String> {
    // Below, the ends of an interval are as good as infinite.
    let expected = "a chance from 0.000001 to below 1, such as 0.01";
    number(text, 1e-6..1.0, expected)
}
