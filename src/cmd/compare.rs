//! `compare`: compares records of separate measurements. Runs nothing.

use std::ops::Bound;
use std::path::PathBuf;

use super::baseline::{BaselineStore, counted_once, read_baseline};
use super::number::{number, whole};
use super::outcome::{Show, not_comparable};
use super::{CommandResult, Exit, complaint, tell};
use crate::compare::{Comparison, Placed, Stored, StoredPlan, apart, compare_records};
use crate::record::{Host, RecordsError, read_placed};

/// The arguments of `compare`.
#[derive(clap::Args)]
pub(super) struct CompareArguments {
    /// Compare these record files, or folders that contain a records.jsonl: first the base, then the head; with
    /// `--baseline`, only the head. Each file of the head is a session; a file can also contain several sessions, one
    /// after the other.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    #[command(flatten)]
    against: Against,
    #[command(flatten)]
    store: BaselineStore,
    /// Show figures even for records that are not comparable, with a warning and without a verdict.
    #[arg(long, env = "TASKDYNO_ADVISORY")]
    advisory: bool,
    /// Set the random seed of the bootstrap.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = whole::<u64>(0..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_COMPARE_SEED"
    )]
    seed: u64,
    /// Write the result to this file; the table is still printed to standard output.
    #[arg(long, value_name = "FILE", env = "TASKDYNO_COMPARE_OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    show: Show,
}

/// The base of a comparison, and how strict the comparison is.
#[derive(clap::Args)]
pub(super) struct Against {
    /// Compare with these baselines of this class of machines, separated by commas.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        env = "TASKDYNO_BASELINE"
    )]
    baseline: Vec<String>,
    /// Ignore changes smaller than this fraction of the base's time; 0.01 is 1%.
    #[arg(long, value_name = "RATIO", default_value = "0.01", value_parser = ratio, env = "TASKDYNO_THRESHOLD")]
    threshold: f64,
    /// Limit the chance of a false alarm in any of the cases; 0.01 is 1%.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, env = "TASKDYNO_ALPHA")]
    alpha: f64,
}

/// A name, and the records with this name.
pub(super) type Named = (String, Vec<Placed>);

impl Against {
    /// The named baselines for machines like `host`, each once; empty if none are named.
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
                "measure both with the same settings on the same machine, or run the two builds alternately with `taskdyno gate`; `taskdyno compare --advisory` shows the figures anyway",
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

/// The first file as the base, and all others as the head.
fn two_sides(paths: &[PathBuf]) -> Result<(Vec<Named>, Named), Exit> {
    let Some((base, head)) = paths.split_first().filter(|(_, head)| !head.is_empty()) else {
        return Err(Exit::usage(complaint!(
            help =
                "give the records of the base and then those of the head, or use --baseline NAME",
            "there is nothing to compare {} with",
            paths[0].display()
        )));
    };
    Ok((vec![read(std::slice::from_ref(base))?], read(head)?))
}

/// The records of these files, with the name of the last file. Records of an unknown version are not comparable.
pub(super) fn read(paths: &[PathBuf]) -> Result<Named, Exit> {
    let records = read_placed(paths).map_err(|error| match error {
        RecordsError::UnknownVersion { .. } => Exit::not_comparable(error),
        _ => Exit::usage(error),
    })?;
    let name = paths[paths.len() - 1].display().to_string();
    Ok((name, counted_once(records)))
}

/// Parses a fraction above 0, such as 0.01.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let finite = (Bound::Excluded(0.0), Bound::Included(f64::MAX));
    number(text, finite, "a number above 0, such as 0.01 for 1%")
}

/// Parses a probability above 0 and below 1.
pub(super) fn chance(text: &str) -> Result<f64, String> {
    // With a lower probability, the ends of an interval are practically infinite.
    let expected = "a number from 0.000001 to below 1, such as 0.01";
    number(text, 1e-6..1.0, expected)
}
