//! `baseline`: saves records under a name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::measuring::help_to_write;
use super::outcome::not_comparable;
use super::{CommandResult, Exit, OK, complaint, say, tell};
use crate::compare::{Baseline, Baselines, Placed, each_once, is_baseline_name, one_baseline};
use crate::diagnostic::{did_you_mean, nearest};
use crate::record::{Commit, Host, read_placed};
use crate::text;

/// The arguments of `baseline`.
#[derive(clap::Args)]
pub(super) struct BaselineArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Save the records of one commit under a name.
    Save {
        /// Save under this name, which consists of letters, digits, `.`, `-` and `_`.
        #[arg(value_parser = name)]
        name: String,
        /// Save these record files, or folders that contain a records.jsonl. Give several sessions of the same cases if
        /// possible: later comparisons need the spread between sessions.
        #[arg(required = true, value_name = "RECORDS")]
        records: Vec<PathBuf>,
        /// Add the records to the baseline as further sessions, instead of replacing it.
        #[arg(long, env = "TASKDYNO_ADD")]
        add: bool,
        #[command(flatten)]
        store: BaselineStore,
    },
    /// List all baselines.
    List {
        #[command(flatten)]
        store: BaselineStore,
    },
    /// Show the contents of a baseline, for each class of machines.
    Show {
        /// Choose the baseline with this name.
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        store: BaselineStore,
    },
    /// Remove a baseline.
    Remove {
        /// Choose the baseline with this name.
        #[arg(value_parser = name)]
        name: String,
        /// Choose the baseline of this class of machines; required if several have one.
        #[arg(long, value_name = "CLASS", env = "TASKDYNO_HOST_CLASS")]
        host_class: Option<String>,
        #[command(flatten)]
        store: BaselineStore,
    },
}

/// The folder of baselines.
#[derive(clap::Args)]
pub(super) struct BaselineStore {
    /// Use baselines in this folder, which has one subfolder per class of machines.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/baselines",
        env = "TASKDYNO_BASELINE_DIR"
    )]
    baseline_dir: PathBuf,
}

impl BaselineStore {
    fn baselines(&self) -> Baselines {
        Baselines::new(&self.baseline_dir)
    }

    fn all(&self) -> Result<Vec<Baseline>, Exit> {
        self.baselines().list().map_err(|error| {
            Exit::failed(complaint!(
                help = "choose the folder of baselines with --baseline-dir DIR",
                "cannot read {}: {error}",
                self.baseline_dir.display()
            ))
        })
    }
}

pub(super) fn main(arguments: &BaselineArguments) -> CommandResult {
    match &arguments.action {
        Action::Save {
            name,
            records,
            add,
            store,
        } => save(store, name, records, *add),
        Action::List { store } => list(store),
        Action::Show { name, store } => show(store, name),
        Action::Remove {
            name,
            host_class,
            store,
        } => remove(store, name, host_class.as_deref()),
    }
}

fn save(store: &BaselineStore, name: &str, paths: &[PathBuf], add: bool) -> CommandResult {
    keep(store, name, paths, add)?;
    Ok(OK)
}

/// Saves the records of these files under `name`, and prints the contents of the baseline.
pub(super) fn keep(
    store: &BaselineStore,
    name: &str,
    paths: &[PathBuf],
    add: bool,
) -> Result<(), Exit> {
    let new = read_placed(paths).map_err(Exit::usage)?;
    let baseline = store.baselines().get(&new[0].1.host.class(), name);
    // Hold the lock until the baseline is written, because records that another process adds meanwhile would be lost.
    let _lock = baseline
        .lock()
        .map_err(|error| cannot_change(&baseline, "write", &error))?;
    let mut records = Vec::new();
    if add && baseline.exists() {
        records = read_placed(std::slice::from_ref(&baseline.path)).map_err(Exit::usage)?;
    }
    records.extend(new);
    let records = counted_once(records);
    let count = records.len();
    let kept = one_baseline(records).map_err(|reasons| {
        not_comparable(
            reasons,
            "a baseline has one commit on one machine; save the other records under another name, or leave out --add",
        )
    })?;
    if kept.is_empty() {
        return Err(Exit::usage(complaint!(
            help = "measure again: `taskdyno run` prints what failed",
            "all cases of {} failed, so there is nothing to save",
            paths[0].display()
        )));
    }
    if kept.len() < count {
        tell(&format!("{} failed cases are left out", count - kept.len()));
    }
    baseline
        .save(&kept)
        .map_err(|error| cannot_change(&baseline, "write", &error))?;
    let path = baseline.path.display();
    say(&format!("{path}: {}\n", contents(&kept)))
}

fn cannot_change(baseline: &Baseline, verb: &str, error: &io::Error) -> Exit {
    let help = match error.kind() {
        io::ErrorKind::ResourceBusy => {
            "wait until the other process ends, and try again; the records to save are unchanged"
        }
        _ => &help_to_write(error, " with --baseline-dir DIR"),
    };
    let path = baseline.path.display();
    Exit::failed(complaint!(help = help, "cannot {verb} {path}: {error}"))
}

/// The contents of a baseline, such as `3 sessions of 12 cases at c0ffee012345, since 2026-11-02T12:00:00Z`.
fn contents(records: &[Placed]) -> String {
    let sessions = sessions(records);
    let most = sessions.values().max().copied().unwrap_or(0);
    let commit = records
        .first()
        .and_then(|(_, record)| record.commit.as_ref());
    let since = records.iter().map(|(_, record)| &record.started_at).min();
    format!(
        "{most} {} of {} {} at {}, since {}",
        plural(most, "session"),
        sessions.len(),
        plural(sessions.len(), "case"),
        commit.map_or("no commit".into(), Commit::short),
        since.map_or("never", String::as_str)
    )
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        noun.into()
    } else {
        format!("{noun}s")
    }
}

/// The number of sessions per case.
fn sessions(records: &[Placed]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, record) in records {
        *counts.entry(record.case.id()).or_default() += 1;
    }
    counts
}

fn list(store: &BaselineStore) -> CommandResult {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for baseline in store.all()? {
        let holds = match read_placed(std::slice::from_ref(&baseline.path)) {
            Ok(records) => contents(&records),
            Err(error) => error.to_string(),
        };
        // Each cell must be one line, or the columns would not align.
        let cells = [&baseline.name, &baseline.host_class, &holds];
        table.add_row(cells.map(|cell| text::line(cell)));
    }
    match table.is_empty() {
        true => tell(&format!(
            "no baselines in {}; `taskdyno baseline save NAME RECORDS` creates one",
            store.baseline_dir.display()
        )),
        false => say(&format!("{}\n", trimmed(&table)))?,
    }
    Ok(OK)
}

fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}

fn show(store: &BaselineStore, name: &str) -> CommandResult {
    for baseline in named(store, name)? {
        let records = read_placed(std::slice::from_ref(&baseline.path)).map_err(Exit::usage)?;
        let path = baseline.path.display();
        say(&format!("{path}\n{}\n", contents(&records)))?;
        for (id, count) in sessions(&records) {
            let noun = plural(count, "session");
            say(&format!("  {id}: {count} {noun}\n"))?;
        }
    }
    Ok(OK)
}

fn remove(store: &BaselineStore, name: &str, host_class: Option<&str>) -> CommandResult {
    let mut found = named(store, name)?;
    if let Some(host_class) = host_class {
        found.retain(|baseline| baseline.host_class == host_class);
    }
    let [baseline] = found.as_slice() else {
        let classes: Vec<&str> = found.iter().map(|one| one.host_class.as_str()).collect();
        return Err(match classes.as_slice() {
            [] => missing(store, name)?,
            several => Exit::usage(complaint!(
                help = "choose one with --host-class CLASS",
                "several classes of machines have a baseline `{name}`: {}",
                several.join(", ")
            )),
        });
    };
    let removed = baseline.lock().and_then(|_lock| baseline.remove());
    removed.map_err(|error| cannot_change(baseline, "remove", &error))?;
    say(&format!("removed {}\n", baseline.path.display()))?;
    Ok(OK)
}

/// All baselines with this name. It is an error if there are none.
fn named(store: &BaselineStore, name: &str) -> Result<Vec<Baseline>, Exit> {
    let mut all = store.all()?;
    all.retain(|baseline| baseline.name == name);
    match all.is_empty() {
        true => Err(missing(store, name)?),
        false => Ok(all),
    }
}

/// The error that there is no such baseline, with the most similar name.
fn missing(store: &BaselineStore, name: &str) -> Result<Exit, Exit> {
    let all = store.all()?;
    let names: BTreeSet<&str> = all.iter().map(|baseline| baseline.name.as_str()).collect();
    let meant = did_you_mean(nearest(name, names));
    let help = format!("{meant}`taskdyno baseline save {name} RECORDS` creates it");
    Ok(Exit::not_comparable(complaint!(
        help = help,
        "no baseline `{name}` in {}",
        store.baseline_dir.display()
    )))
}

/// The records of this baseline for the class of machines of `host`.
pub(super) fn read_baseline(
    store: &BaselineStore,
    name: &str,
    host: &Host,
) -> Result<Vec<Placed>, Exit> {
    if !is_baseline_name(name) {
        return Err(Exit::usage(complaint!("`{name}`: {EXPECTED_NAME}")));
    }
    let baseline = store.baselines().get(&host.class(), name);
    if baseline.exists() {
        let records = read_placed(&[baseline.path]).map_err(Exit::not_comparable)?;
        return Ok(counted_once(records));
    }
    let of_others = named(store, name)?;
    let classes: Vec<&str> = of_others
        .iter()
        .map(|baseline| baseline.host_class.as_str())
        .collect();
    Err(Exit::not_comparable(complaint!(
        help =
            "results from different machines are not comparable: save a baseline on this machine",
        "the baseline `{name}` was measured on {}, and these records on {}",
        classes.join(", "),
        host.class()
    )))
}

const EXPECTED_NAME: &str =
    "a baseline's name has letters, digits, `.`, `-` and `_`, and begins with a letter or digit";

/// Parses the name of a baseline.
pub(super) fn name(text: &str) -> Result<String, String> {
    match is_baseline_name(text) {
        true => Ok(text.into()),
        false => Err(EXPECTED_NAME.into()),
    }
}

/// These sessions without duplicates. Prints a note if there are any.
pub(super) fn counted_once(records: Vec<Placed>) -> Vec<Placed> {
    let (records, note) = each_once(records);
    note.iter().for_each(|note| tell(note));
    records
}
