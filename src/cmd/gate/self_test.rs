//! `gate --self-test`: measures which changes the gate can detect on this machine.

use std::io;
use std::path::Path;
use std::time::Instant;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::arguments::GateArguments;
use super::watcher::failure;
use crate::case::Idle;
use crate::cmd::measuring::{cannot_write, make_ready, print_ids};
use crate::cmd::progress::{Progress, catch_interrupt, interrupted};
use crate::cmd::{CommandResult, Exit, OK, complaint, say};
use crate::compare::{Judgement, SideError, Verdict};
use crate::disk::{self, FileLock};
use crate::gate::self_test::{
    SelfTest, SelfTestError, SelfTestPlan, SelfVerdict, VerdictTally, tally,
};
use crate::gate::{ListedCase, Neighbour, Watcher};
use crate::machine::host;
use crate::record::{nanoseconds, now, write_whole};
use crate::registry::Registry;
use crate::report::{bound_or_not, change};
use crate::stats::median;
use crate::system::OWN_PROGRAM;

/// The cases without a filter: work that shares nothing, a counter that all tasks contend for, small tasks that wait
/// for their neighbours, and a loop on one thread.
const CASES: [(&str, u32); 4] = [
    ("hash-cpu/pattern=trivial/rayon/2", 2),
    ("counter-contention/variant=atomic/rayon/2", 2),
    ("stencil-small/rayon/2", 2),
    ("hash-cpu/pattern=trivial/serial/1", 1),
];

/// Verdicts for each case and each planted slow-down. Four cases give 100 verdicts without a planted slow-down.
const VERDICTS: u64 = 25;
/// The number of verdicts in a quick test, which has one case.
const QUICK_VERDICTS: u64 = 5;

/// The file of the result in the folder.
const FILE: &str = "gate-self-test.json";

pub(super) fn main(registry: &Registry, arguments: &GateArguments) -> CommandResult {
    if !(arguments.show.is_table() || arguments.show.is_json()) {
        return Err(Exit::usage(complaint!(
            help = "leave out --format, or use `--format json`",
            "a self-test is shown as a table or as JSON"
        )));
    }
    if !arguments.manner.dry_run {
        make_ready(arguments.manner.quiet)?;
    }
    let program = Path::new(OWN_PROGRAM);
    // Start the neighbour first: whether workers are bound depends on the load of the machine.
    let neighbour = (arguments.neighbour && !arguments.manner.dry_run)
        .then(|| Neighbour::start(program))
        .transpose()
        .map_err(|error| Exit::failed(complaint!("cannot start a neighbour: {error}")))?;
    let cases = cases(registry, arguments)?;
    if arguments.manner.dry_run {
        return print_ids(cases.iter().map(|listed| listed.case.id()));
    }
    let gate = super::plan(
        arguments,
        arguments.manner.seed(),
        arguments.pin(None, &cases),
        1,
    )?;
    let usual = if arguments.quick {
        QUICK_VERDICTS
    } else {
        VERDICTS
    };
    let plan = SelfTestPlan {
        cases: &cases,
        planted_ratios: &arguments.planted,
        verdict_count: arguments.verdicts.unwrap_or(usual),
        threshold_ratio: arguments.threshold,
        gate: &gate,
        max_time: arguments.time_limit(1),
    };
    let file = arguments.out.join(FILE);
    let _lock = disk::create_folder(&arguments.out)
        .and_then(|()| FileLock::of(&file))
        .map_err(|error| cannot_write(&arguments.out, &error))?;
    catch_interrupt();
    super::set_aside(&file)?;

    let (host, started_at) = (host::host(), now());
    let start = Instant::now();
    let result = |verdicts: &[SelfVerdict]| SelfTest {
        plan: gate.clone(),
        threshold_ratio: arguments.threshold,
        has_neighbour: arguments.neighbour,
        host: host.clone(),
        started_at: started_at.clone(),
        elapsed_ns: nanoseconds(start.elapsed()),
        verdicts: verdicts.to_vec(),
    };
    let keep = |verdicts: &[SelfVerdict]| keep(&result(verdicts), arguments);
    let (verdicts, ending) = come_to_verdicts(&plan, program, arguments.manner.quiet, keep);
    drop(neighbour);
    show(&result(&verdicts), arguments)?;
    match ending {
        Ok(()) => Ok(OK),
        Err(SelfTestError::Interrupted) => Ok(interrupted()),
        Err(SelfTestError::Failed(case, error)) => {
            Err(Exit::failed(complaint!("{}", failure(&case, &error))))
        }
        Err(SelfTestError::System(error)) => Err(Exit::failed(complaint!("{error}"))),
    }
}

/// The selected cases, or the default cases if there is no filter.
fn cases(registry: &Registry, arguments: &GateArguments) -> Result<Vec<ListedCase>, Exit> {
    let usual = if arguments.quick { &CASES[..1] } else { &CASES };
    let mut listed = Vec::new();
    for (id, workers) in usual {
        let selected = arguments.selected.unbound();
        let selected = selected.or_exactly(id, *workers);
        listed.extend(selected.cases(registry, &registry.backends)?.planned);
        if arguments.selected.has_filter() {
            break;
        }
    }
    Ok(listed.into_iter().map(ListedCase::from).collect())
}

/// Returns all verdicts, and the error that ended the test early, if any. Calls `keep` with all verdicts so far after
/// each verdict.
fn come_to_verdicts(
    plan: &SelfTestPlan<'_>,
    program: &Path,
    quiet: bool,
    keep: impl Fn(&[SelfVerdict]) -> io::Result<()>,
) -> (Vec<SelfVerdict>, Result<(), SelfTestError>) {
    let trials = plan.trials(program);
    let mut watcher = Verdicts(Progress::new(trials.len(), "verdicts", quiet));
    let mut verdicts = Vec::new();
    let mut ending = Ok(());
    for trial in trials {
        watcher.0.begin(&trial.case());
        let kept = trial.verdict(&mut watcher).and_then(|verdict| {
            verdicts.push(verdict);
            keep(&verdicts).map_err(SelfTestError::System)
        });
        if kept.is_err() {
            ending = kept;
            break;
        }
        watcher.0.step();
    }
    watcher.0.close();
    (verdicts, ending)
}

/// Writes the verdicts so far, because each takes long to measure.
fn keep(result: &SelfTest, arguments: &GateArguments) -> io::Result<()> {
    let path = arguments.out.join(FILE);
    let json = serde_json::to_string_pretty(result).expect("a self-test is plain data") + "\n";
    let place = |error: io::Error| {
        let message = format!("cannot write to {}: {error}", path.display());
        io::Error::new(error.kind(), message)
    };
    write_whole(&path, json.as_bytes()).map_err(place)
}

/// Prints the result as JSON or as a table; prints no table if `quiet` is set.
fn show(result: &SelfTest, arguments: &GateArguments) -> Result<(), Exit> {
    if arguments.show.is_json() {
        let json = serde_json::to_string_pretty(result).expect("a self-test is plain data");
        say(&format!("{json}\n"))?;
    } else if !arguments.manner.quiet {
        say(&table(result))?;
    }
    Ok(())
}

/// The table of counts per case and over all cases, with notes.
fn table(result: &SelfTest) -> String {
    let mut cases: Vec<&str> = result
        .verdicts
        .iter()
        .map(|one| one.case.as_str())
        .collect();
    cases.sort_unstable();
    cases.dedup();
    let mut table = Table::new();
    table.load_style(NOTHING);
    let words = Verdict::ALL.map(Verdict::name);
    let heads = ["case", "planted", "verdicts"].into_iter().chain(words);
    table.set_header(heads.chain([
        "alarms, 95% interval",
        "wrong",
        "missed",
        "time per verdict",
    ]));
    let mut rows = |name: &str, tallies: Vec<VerdictTally>| {
        for tally in tallies {
            table.add_row(row(name, &tally));
        }
    };
    for case in &cases {
        let own = result.verdicts.iter().filter(|one| one.case == *case);
        rows(case, tally(own, result.threshold_ratio));
    }
    if cases.len() > 1 {
        rows("all", tally(result.verdicts.iter(), result.threshold_ratio));
    }
    let mut text = format!("{}\n\n", table.trim_fmt());
    for note in notes(result) {
        text += &note;
        text.push('\n');
    }
    text
}

fn row(case: &str, tally: &VerdictTally) -> Vec<String> {
    let planted = match tally.planted_ratio {
        0.0 => "nothing".into(),
        ratio => change(1.0 + ratio),
    };
    let mut row = vec![case.to_owned(), planted, tally.count.to_string()];
    row.extend(tally.counts.map(|count| count.to_string()));
    let percent = |ratio: f64| format!("{:.1}", ratio * 100.0);
    let (low, high) = (percent(tally.alarm.low), percent(tally.alarm.high));
    row.push(format!(
        "{} of {} ({low} – {high}%)",
        tally.alarm_count, tally.count
    ));
    row.push(tally.wrong_count.to_string());
    row.push(tally.missed_count.to_string());
    let seconds = |ns: f64| format!("{:.1}", ns / 1e9);
    let (median, longest) = (seconds(tally.median_ns), seconds(tally.longest_ns as f64));
    row.push(format!("{median} s, at most {longest} s"));
    row
}

fn notes(result: &SelfTest) -> Vec<String> {
    let over = |figure: fn(&SelfVerdict) -> Option<f64>| {
        let figures: Vec<f64> = result.verdicts.iter().filter_map(figure).collect();
        let most = figures.iter().copied().fold(0.0, f64::max);
        median(&figures).map(|median| (median * 100.0, most * 100.0))
    };
    let mut notes = vec![
        "alarms: without a planted slow-down, false alarms in either direction; otherwise the slow-downs found"
            .to_owned(),
        "wrong: verdicts in the wrong direction, or any alarm without a planted slow-down; missed: `unchanged` \
         although slower by more than the threshold"
            .to_owned(),
    ];
    if let Some((median, most)) = over(|one| one.foreign_load_ratio) {
        notes.push(format!(
            "other programs used {median:.0}% of the machine, at most {most:.0}%"
        ));
    }
    if let Some((median, most)) = over(|one| one.calibration_spread_ratio.map(|ratio| ratio - 1.0))
    {
        notes.push(format!(
            "the machine's speed varied by {median:.0}% within a verdict, {most:.0}% at most"
        ));
    }
    let beside = if result.has_neighbour {
        ", with a busy loop on one core"
    } else {
        ""
    };
    notes.push(bound_or_not(result.plan.pin).to_owned());
    let pairs = match result.plan.pair_count {
        Some(count) => format!("{count} pairs and one look"),
        None => "a look after every pair".into(),
    };
    notes.push(format!(
        "threshold {}%, alpha {}, {pairs}, seed {}, {:.0} s{beside}",
        result.threshold_ratio * 100.0,
        result.plan.alpha,
        result.plan.seed,
        result.elapsed_ns as f64 / 1e9,
    ));
    notes
}

/// Progress through the verdicts of a self-test.
struct Verdicts(Progress);

impl Idle for Verdicts {
    fn idle(&mut self) -> Instant {
        self.0.idle()
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl Watcher for Verdicts {
    fn begin(&mut self, _: &str, _: u64) {}

    fn decided(&mut self, _: &str, _: &Judgement) {}

    fn failed(&mut self, _: &str, _: &SideError) {}
}
