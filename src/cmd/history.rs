//! `history`: finds where a series of records changed. Measures nothing; it asks git for the order of the commits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::baseline::counted_once;
use super::compare::chance;
use super::show::{not_comparable, put, summarise};
use super::{CommandResult, Exit, OK, complaint, tell};
use crate::compare::{Placed, by_commit, few, history};
use crate::foreign::git::Git;
use crate::machine::host;
use crate::record::{read_placed, short_hash};
use crate::report::chronicle;
use crate::stats::Divisive;

/// What `history` takes.
#[derive(clap::Args)]
pub(super) struct HistoryArguments {
    /// Record files, or folders that hold a records.jsonl: one session each, of one commit or another.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    /// The order of the series: that of the commits in the git history here, by the time of measurement, or as given.
    /// Commits that git does not know here keep their place in time.
    #[arg(long, value_name = "ORDER", default_value = "commit", value_parser = ["commit", "time", "given"], env = "TASKDYNO_ORDER")]
    order: String,
    /// Leave out sessions of other machines than that of the last one, instead of refusing them.
    #[arg(long, env = "TASKDYNO_SAME_HOST")]
    same_host: bool,
    /// Take the times as they are, with the drift of the machine in them.
    #[arg(long, env = "TASKDYNO_RAW")]
    raw: bool,
    /// A change that comes by chance more often than this is none.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, env = "TASKDYNO_SIGNIFICANCE")]
    significance: f64,
    /// How many random orders a change is compared with. Where it lies between no more than ten sessions, it is
    /// compared with all orders.
    #[arg(
        long,
        value_name = "N",
        default_value = "999",
        value_parser = clap::value_parser!(u32).range(1..),
        env = "TASKDYNO_PERMUTATIONS"
    )]
    permutations: u32,
    /// Draws the random orders.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        env = "TASKDYNO_HISTORY_SEED"
    )]
    seed: u64,
    /// How to show it: as a table, as JSON or CSV with every point, as Markdown, or as a picture.
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json", "csv", "markdown", "svg"], env = "TASKDYNO_HISTORY_FORMAT")]
    format: String,
    /// Write it to this file; by default to standard output.
    #[arg(long, value_name = "FILE", env = "TASKDYNO_HISTORY_OUT")]
    out: Option<PathBuf>,
}

pub(super) fn main(arguments: &HistoryArguments) -> CommandResult {
    let how = how(arguments)?;
    let records = read_placed(&arguments.records).map_err(Exit::usage)?;
    let mut records = counted_once(records);
    if arguments.order != "given" {
        sort_by_time(&mut records);
    }
    if arguments.same_host {
        keep_last_host(&mut records);
    }
    if arguments.order == "commit" {
        records = sort_by_commit(records);
    }
    let found = history(&records, &how, arguments.raw).map_err(|reasons| {
        not_comparable(
            reasons,
            "figures of one machine say nothing of another: give the records of one class of machines",
        )
    })?;
    let text = match arguments.format.as_str() {
        "json" => {
            serde_json::to_string_pretty(&found).map_err(|error| {
                Exit::failed(complaint!("cannot write the history as JSON: {error}"))
            })? + "\n"
        }
        "csv" => chronicle::csv(&found),
        "markdown" => chronicle::markdown(&found),
        "svg" => chronicle::svg(&found).map_err(Exit::failed)?,
        _ => chronicle::styled_table(&found),
    };
    put(&text, arguments.out.as_deref())?;
    summarise(|| chronicle::markdown(&found));
    Ok(OK)
}

/// How changes are looked for, if any could be found like this.
fn how(arguments: &HistoryArguments) -> Result<Divisive, Exit> {
    let how = Divisive {
        permutation_count: arguments.permutations as usize,
        significance: arguments.significance,
        seed: arguments.seed,
        ..Divisive::default()
    };
    let fewest = how.fewest_permutations();
    if u64::from(arguments.permutations) < fewest {
        return Err(Exit::usage(complaint!(
            help = format!("give --permutations {fewest} or more, or a larger --significance"),
            "{} random orders cannot show that anything is significant at {}: the smallest chance that they can tell is 1 in {}",
            arguments.permutations,
            arguments.significance,
            u64::from(arguments.permutations) + 1
        )));
    }
    Ok(how)
}

/// Leaves out what is of another class of machines than the last session, and says so.
fn keep_last_host(records: &mut Vec<Placed>) {
    let Some(class) = records.last().map(|(_, record)| record.host.class()) else {
        return;
    };
    let count = records.len();
    records.retain(|(_, record)| record.host.class() == class);
    if records.len() < count {
        tell(&format!(
            "{} of {count} records are of other machines than {class}, and are left out",
            count - records.len()
        ));
    }
}

/// Puts old commits that were measured again where they belong, and says which commits git does not know.
fn sort_by_commit(records: Vec<Placed>) -> Vec<Placed> {
    let commits = records
        .iter()
        .filter_map(|(_, record)| record.commit.as_ref());
    let hashes: BTreeSet<&str> = commits.map(|commit| commit.hash.as_str()).collect();
    let hashes: Vec<&str> = hashes.into_iter().collect();
    if hashes.len() < 2 {
        return records;
    }
    let git = Git::at(Path::new("."), &|| false);
    let known = host::commit_order(&git, &hashes).unwrap_or_else(|error| {
        tell(&format!(
            "no order of commits is known: {error}; {}",
            error.advice()
        ));
        Vec::new()
    });
    let is_unknown = |hash: &&&str| !known.iter().any(|known| known == **hash);
    let unknown = hashes.iter().filter(is_unknown);
    let unknown: Vec<String> = unknown.map(|hash| short_hash(hash)).collect();
    if !unknown.is_empty() {
        tell(&format!(
            "git does not know {} of {} commits here, which keep their place in time: {}; run it in a checkout that \
             has them all, or give an order with --order given",
            unknown.len(),
            hashes.len(),
            few(&unknown)
        ));
    }
    by_commit(records, &known)
}

/// Oldest first; sessions whose time cannot be read come before all others.
fn sort_by_time(records: &mut [Placed]) {
    records.sort_by_key(|(_, record)| record.started_at.parse::<Timestamp>().ok());
}
