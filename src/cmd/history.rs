//! `history`: finds where a series of records changed. It measures nothing, and runs git to order the commits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::baseline::counted_once;
use super::compare::chance;
use super::number::{number, whole};
use super::outcome::{not_comparable, put, summarise};
use super::{CommandResult, Exit, OK, REGRESSED, complaint, tell};
use crate::compare::{History, HistoryPlan, Placed, by_commit, few, history};
use crate::foreign::git::Git;
use crate::machine::host;
use crate::record::{read_placed, short_hash, time_of_day};
use crate::report::chronicle;
use crate::stats::Divisive;

/// The arguments of `history`.
#[derive(clap::Args)]
pub(super) struct HistoryArguments {
    /// Read these record files, or folders that contain a records.jsonl: one session each, from any commit.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    /// Order the series by commits in the git history of the current folder, by time of measurement, or as given on the
    /// command line. Commits that git does not know are placed by time.
    #[arg(long, value_name = "ORDER", default_value = "commit", value_parser = ["commit", "time", "given"], env = "TASKDYNO_ORDER")]
    order: String,
    /// Skip sessions from other classes of machines than the last session, instead of refusing them.
    #[arg(long, env = "TASKDYNO_SAME_HOST")]
    same_host: bool,
    /// Use the measured times as they are, without correcting them for the drift of the machine.
    #[arg(long, env = "TASKDYNO_RAW")]
    raw: bool,
    /// Ignore changes that arise by chance with a higher probability than this.
    #[arg(long, value_name = "CHANCE", default_value = "0.01", value_parser = chance, env = "TASKDYNO_SIGNIFICANCE")]
    significance: f64,
    /// Ignore changes smaller than this fraction of the time before; 0.01 is 1%, and 0 ignores none.
    #[arg(long, value_name = "RATIO", default_value = "0.01", value_parser = threshold, allow_negative_numbers = true, env = "TASKDYNO_HISTORY_THRESHOLD")]
    threshold: f64,
    /// Find only changes with at least this many sessions between them, and before and after them.
    #[arg(
        long,
        value_name = "N",
        default_value = "2",
        value_parser = whole::<u16>(2..=u16::MAX.into()),
        allow_negative_numbers = true,
        env = "TASKDYNO_MIN_SESSIONS"
    )]
    min_sessions: u16,
    /// Exit with code 3 if a case got slower within its last N sessions and still is.
    ///
    /// A change at which both sides have the same commit does not count, because the machine changed and not the code.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<u32>(1..=u32::MAX.into()),
        allow_negative_numbers = true,
        env = "TASKDYNO_FAIL_WITHIN"
    )]
    fail_within: Option<u32>,
    /// Compare each change with this many random orders. With at most ten sessions, it is compared with all orders.
    #[arg(
        long,
        value_name = "N",
        default_value = "999",
        value_parser = whole::<u32>(1..=u32::MAX.into()),
        allow_negative_numbers = true,
        env = "TASKDYNO_PERMUTATIONS"
    )]
    permutations: u32,
    /// Set the random seed of the random orders.
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = whole::<u64>(0..=u64::MAX),
        allow_negative_numbers = true,
        env = "TASKDYNO_HISTORY_SEED"
    )]
    seed: u64,
    /// Choose the output format: a table, JSON or CSV with all points, Markdown, or a picture.
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json", "csv", "markdown", "svg"], env = "TASKDYNO_HISTORY_FORMAT")]
    format: String,
    /// Write to this file instead of standard output.
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
    let plan = HistoryPlan {
        search: how,
        threshold_ratio: arguments.threshold,
        is_raw: arguments.raw,
    };
    let found = history(&records, &plan).map_err(|reasons| {
        not_comparable(
            reasons,
            "results from different machines are not comparable: give records of one class of machines",
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
    Ok(exit_code(&found, arguments.fail_within))
}

/// The exit code, after naming the cases that made it a failure.
fn exit_code(found: &History, fail_within: Option<u32>) -> u8 {
    let Some(within) = fail_within else {
        return OK;
    };
    let slower = found.slower_within(within as usize);
    if slower.is_empty() {
        return OK;
    }
    tell(&format!(
        "{} of {} cases got slower within their last {within} sessions: {}",
        slower.len(),
        found.series.len(),
        few(&slower)
    ));
    REGRESSED
}

/// The parameters of the search for changes. It is an error if no change could be significant with them.
fn how(arguments: &HistoryArguments) -> Result<Divisive, Exit> {
    let how = Divisive {
        permutation_count: arguments.permutations as usize,
        significance: arguments.significance,
        seed: arguments.seed,
        min_len: arguments.min_sessions.into(),
    };
    let fewest = how.fewest_permutations();
    if u64::from(arguments.permutations) < fewest {
        return Err(Exit::usage(complaint!(
            help = format!("give --permutations {fewest} or more, or a larger --significance"),
            "{} random orders are too few to show significance at {}: the smallest probability that they can show is 1 in {}",
            arguments.permutations,
            arguments.significance,
            u64::from(arguments.permutations) + 1
        )));
    }
    Ok(how)
}

fn threshold(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0, "a number from 0 to 1, such as 0.01 for 1%")
}

/// Removes sessions from other classes of machines than the last session, and prints how many.
fn keep_last_host(records: &mut Vec<Placed>) {
    let Some(class) = records.last().map(|(_, record)| record.host.class()) else {
        return;
    };
    let count = records.len();
    records.retain(|(_, record)| record.host.class() == class);
    if records.len() < count {
        tell(&format!(
            "{} of {count} records are from other classes of machines than {class} and are skipped",
            count - records.len()
        ));
    }
}

/// Sorts the sessions by commit, so that an old commit measured again is in its place. Prints which commits git does
/// not know.
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
            "cannot order the commits: {error}; {}",
            error.advice()
        ));
        Vec::new()
    });
    let is_unknown = |hash: &&&str| !known.iter().any(|known| known == **hash);
    let unknown = hashes.iter().filter(is_unknown);
    let unknown: Vec<String> = unknown.map(|hash| short_hash(hash)).collect();
    if !unknown.is_empty() {
        tell(&format!(
            "git does not know {} of {} commits here, which are placed by time instead: {}; run it in a checkout that \
             has all of them, or use --order given",
            unknown.len(),
            hashes.len(),
            few(&unknown)
        ));
    }
    by_commit(records, &known)
}

/// Sorts by time, oldest first. Sessions with an invalid time come first.
fn sort_by_time(records: &mut [Placed]) {
    records.sort_by_key(|(_, record)| time_of_day(&record.started_at));
}
