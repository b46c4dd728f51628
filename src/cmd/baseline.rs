//! `baseline`: keeps records under a name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::show::not_comparable;
use super::{CommandResult, Exit, OK, complaint, say, tell};
use crate::compare::{Baseline, Baselines, Placed, each_once, is_baseline_name, one_baseline};
use crate::record::{Commit, Host, read_placed};
use crate::registry::{did_you_mean, nearest};
use crate::text;

/// What `baseline` takes.
#[derive(clap::Args)]
pub(super) struct BaselineArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Keep the records of one commit under a name.
    Save {
        /// Letters, digits, `.`, `-` and `_`.
        #[arg(value_parser = name)]
        name: String,
        /// Record files, or folders that hold a records.jsonl. Several sessions of the same cases are welcome: how
        /// far they lie apart is what later records are held against.
        #[arg(required = true, value_name = "RECORDS")]
        records: Vec<PathBuf>,
        /// Keep what the baseline has, and add these as further sessions.
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
    /// Show what a baseline holds, for every class of machines that has it.
    Show {
        /// The name of the baseline.
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        store: BaselineStore,
    },
    /// Remove a baseline.
    Remove {
        /// The name of the baseline.
        #[arg(value_parser = name)]
        name: String,
        /// Only that of this class of machines; needed if several have it.
        #[arg(long, value_name = "CLASS", env = "TASKDYNO_HOST_CLASS")]
        host_class: Option<String>,
        #[command(flatten)]
        store: BaselineStore,
    },
}

/// Where baselines are kept.
#[derive(clap::Args)]
pub(super) struct BaselineStore {
    /// The folder of all baselines, with a folder a class of machines in it.
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
                help = "name the folder of baselines with --baseline-dir DIR",
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

/// Keeps the records of these files under `name`, and says what there is now.
pub(super) fn keep(
    store: &BaselineStore,
    name: &str,
    paths: &[PathBuf],
    add: bool,
) -> Result<(), Exit> {
    let new = read_placed(paths).map_err(Exit::usage)?;
    let baseline = store.baselines().get(&new[0].1.host.class(), name);
    // Held until it is written: what another process adds meanwhile would be lost.
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
            "a baseline is one commit on one machine; save the others under another name, or leave out --add",
        )
    })?;
    if kept.is_empty() {
        return Err(Exit::usage(complaint!(
            help = "run it again: `taskdyno run` says what failed",
            "all cases of {} failed, so there is nothing to keep",
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
            "wait until it has ended, and do it again; the records to be kept are where they were"
        }
        _ => "choose a folder that you may write to with --baseline-dir DIR",
    };
    let path = baseline.path.display();
    Exit::failed(complaint!(help = help, "cannot {verb} {path}: {error}"))
}

/// `3 sessions of 12 cases at c0ffee012345, since 2026-11-02T12:00:00Z`.
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

/// How many sessions each case has.
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
        // Each in one line, or the columns would break.
        let cells = [&baseline.name, &baseline.host_class, &holds];
        table.add_row(cells.map(|cell| text::line(cell)));
    }
    match table.is_empty() {
        true => tell(&format!(
            "no baselines in {}; `taskdyno baseline save NAME RECORDS` makes one",
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
                help = "name one with --host-class CLASS",
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

/// All baselines of this name; at least one.
fn named(store: &BaselineStore, name: &str) -> Result<Vec<Baseline>, Exit> {
    let mut all = store.all()?;
    all.retain(|baseline| baseline.name == name);
    match all.is_empty() {
        true => Err(missing(store, name)?),
        false => Ok(all),
    }
}

/// That there is no such baseline, and which is meant perhaps.
fn missing(store: &BaselineStore, name: &str) -> Result<Exit, Exit> {
    let all = store.all()?;
    let names: BTreeSet<&str> = all.iter().map(|baseline| baseline.name.as_str()).collect();
    let meant = did_you_mean(nearest(name, names));
    let help = format!("{meant}`taskdyno baseline save {name} RECORDS` makes it");
    Ok(Exit::not_comparable(complaint!(
        help = help,
        "no baseline `{name}` in {}",
        store.baseline_dir.display()
    )))
}

/// The records of this baseline for machines like `host`.
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
        help = "figures of one machine say nothing of another: save a baseline on this one",
        "the baseline `{name}` is of {}, and these records are of {}",
        classes.join(", "),
        host.class()
    )))
}

const EXPECTED_NAME: &str =
    "a baseline's name has letters, digits, `.`, `-` and `_`, and begins with a letter or digit";

/// The name of a baseline, as given on the command line.
pub(super) fn name(text: &str) -> Result<String, String> {
    match is_baseline_name(text) {
        true => Ok(text.into()),
        false => Err(EXPECTED_NAME.into()),
    }
}

/// These sessions without those that are given a second time, of which it tells.
pub(super) fn counted_once(records: Vec<Placed>) -> Vec<Placed> {
    let (records, note) = each_once(records);
    note.iter().for_each(|note| tell(note));
    records
}
