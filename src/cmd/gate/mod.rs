//! `gate`: runs two builds alternately, and gives a verdict on each case.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use self::sides::NamedSides;
use self::watcher::Pairs;
use super::measuring::{cannot_write, help_to_write, make_ready, print_ids};
use super::progress::{catch_interrupt, interrupted, is_interrupted};
use super::select::Selected;
use super::{CommandResult, Exit, OK, complaint, say, tell};
use crate::compare::{
    Allowed, COMPARISON_VERSION, ComparedCase, Comparison, ComparisonSource, Course, SideError,
    Verdict,
};
use crate::disk;
use crate::gate::build::Resolved;
use crate::gate::{
    Arm, Both, Contest, GatePlan, Header, ListedCase, LogError, Matched, PAIRS_VERSION, PairLog,
    Ran, Stop, be_busy, run,
};
use crate::machine::host;
use crate::random::mix;
use crate::record::{Channel, Host, nanoseconds, now, write_whole};
use crate::registry::Registry;
use crate::report::change;
use crate::units::counted;

mod arguments;
mod building;
mod self_test;
mod sides;
mod watcher;

pub(super) use arguments::GateArguments;

/// The file of finished pairs in the folder.
const PAIRS: &str = "gate-pairs.jsonl";
/// The file of the comparison in the folder.
const COMPARISON: &str = "gate.json";

pub(super) fn main(registry: &Registry, arguments: &GateArguments) -> CommandResult {
    let Some(named) = sides::named(arguments) else {
        return self_test::main(registry, arguments);
    };
    if let (true, NamedSides::Builds(base, head)) = (arguments.manner.dry_run, &named) {
        return list_without_building(registry, arguments, *base, *head);
    }
    if !arguments.manner.dry_run {
        make_ready(arguments.manner.quiet)?;
    }
    catch_interrupt();
    let builds = match sides::find_both(&named, registry, arguments) {
        _ if is_interrupted() => return Ok(interrupted_early()),
        builds => builds?,
    };
    let path = arguments.out.join(PAIRS);
    let before = match arguments.resume {
        true => PairLog::header(&path).map_err(unusable)?,
        false => None,
    };
    let matched = match sides::matched(&named, &builds, registry, arguments) {
        _ if is_interrupted() => return Ok(interrupted_early()),
        matched => matched?,
    };
    if arguments.manner.dry_run {
        return print_ids(matched.both.iter().map(|listed| listed.case.id()));
    }
    disk::create_folder(&arguments.out).map_err(|error| cannot_write(&arguments.out, &error))?;
    let host = host::host();
    let started_at = now();
    let start = Instant::now();
    let (header, mut log) = open_log(arguments, before, &builds, &matched, host)?;
    let contests = contests(&header, &builds);

    // Even if this gate fails, the folder must not present the comparison of an earlier gate as its result.
    set_aside(&arguments.out.join(COMPARISON))?;
    let mut watcher = Pairs::new(&header.plan, contests.len(), arguments.manner.quiet);
    let max_time = arguments.time_limit(header.cases.len());
    let until = max_time.map(|time| start + time);
    let ran = run(&contests, &header.plan, until, Some(&mut log), &mut watcher)
        .map_err(|error| cannot_append(&log, &error))?;
    watcher.progress.close();
    if ran.stop == Stop::Interrupted {
        tell(&format!(
            "interrupted: {} saved in {}; continue with --resume",
            counted(ran.pair_count as usize, "pair"),
            log.path().display()
        ));
        return Ok(interrupted());
    }
    sides::unchanged_on_disk(&builds)?;
    let course = course(&header.plan, max_time, &ran);
    let comparison = Comparison {
        allowed: arguments.allowed(),
        ..comparison(header, matched, ran, course, started_at, start.elapsed())
    };
    finish(&comparison, arguments)
}

/// `--dry-run`: prints the ids of the selected cases of this program, because neither side is built. Sides that are named
/// must exist.
fn list_without_building(
    registry: &Registry,
    arguments: &GateArguments,
    base: Option<&str>,
    head: Option<&str>,
) -> CommandResult {
    sides::check(base, head)?;
    tell(&format!(
        "base: {}; head: {}; neither is built, so these are the cases of this program",
        base.unwrap_or("the commit where the head left the main branch"),
        head.unwrap_or("the working tree")
    ));
    let cases = arguments
        .selected
        .cases(registry, &registry.backends)?
        .planned;
    print_ids(cases.iter().map(|planned| planned.case.id()))
}

/// `cases`: lists the selected cases. A gate runs it on each of its two programs.
pub(super) fn cases(registry: &Registry, selected: &Selected) -> CommandResult {
    for planned in selected.cases_if_any(registry, &registry.backends)? {
        let listed = serde_json::to_string(&ListedCase::from(planned));
        say(&(listed.expect("a case is plain data") + "\n"))?;
    }
    Ok(OK)
}

/// `neighbour`: keeps one core busy until it is killed.
pub(super) fn neighbour() -> CommandResult {
    match be_busy() {
        Err(error) => Err(Exit::failed(complaint!("cannot keep a core busy: {error}"))),
    }
}

fn interrupted_early() -> u8 {
    tell("interrupted: nothing was measured");
    interrupted()
}

/// Makes the plan, and creates the file of pairs or opens that of the gate to continue.
fn open_log(
    arguments: &GateArguments,
    before: Option<Header>,
    builds: &Both<Resolved>,
    matched: &Matched,
    host: Host,
) -> Result<(Header, PairLog), Exit> {
    let path = arguments.out.join(PAIRS);
    let before = before.map(|header| header.plan);
    let seed = before.as_ref().map(|plan| plan.seed);
    let seed = arguments.manner.seed.or(seed);
    let threshold = |listed: &ListedCase| listed.threshold_ratio.unwrap_or(arguments.threshold);
    let cases = matched.both.iter();
    let header = Header {
        pairs_version: PAIRS_VERSION,
        plan: plan(
            arguments,
            seed.unwrap_or_else(|| arguments.manner.seed()),
            arguments.pin(before.as_ref(), &matched.both),
            matched.both.len(),
        )?,
        base: builds.base.build.clone(),
        head: builds.head.build.clone(),
        cases: cases
            .map(|listed| (listed.clone(), threshold(listed)))
            .collect(),
        host,
    };
    let log = match arguments.resume {
        true => PairLog::resume(&path, &header),
        false => PairLog::create(&path, &header),
    };
    let log = log.map_err(unusable)?;
    if let Some(line) = log.cut_off_line() {
        tell(&format!(
            "{}:{line} was incomplete and is removed",
            path.display()
        ));
    }
    if log.pair_count() > 0 && !arguments.manner.quiet {
        tell(&format!(
            "measured before: {}",
            counted(log.pair_count(), "pair")
        ));
    }
    if log.was_judged() {
        tell(
            "this gate was already judged when its time was up, so it measures no more pairs: a second look at \
             planned pairs would raise the chance of a false alarm; to measure again with more time, leave out --resume",
        );
    }
    Ok((header, log))
}

fn plan(
    arguments: &GateArguments,
    seed: u64,
    pin: bool,
    case_count: usize,
) -> Result<GatePlan, Exit> {
    let plan = GatePlan {
        pin,
        alpha: arguments.alpha,
        pair_count: arguments.pairs,
        timeout_ns: nanoseconds(arguments.timeout),
        ..GatePlan::new(seed)
    };
    let fewest = plan.fewest_pairs(case_count);
    match plan.pair_count {
        Some(pairs) if pairs < fewest => Err(Exit::usage(complaint!(
            help = format!(
                "use --pairs {fewest}, or more to detect smaller changes, or leave out --pairs"
            ),
            "{pairs} pairs are too few for a verdict on {case_count} cases at --alpha {}",
            plan.alpha
        ))),
        _ => Ok(plan),
    }
}

/// One contest per case, and a control, which compares the base with itself on one of the cases.
fn contests(header: &Header, builds: &Both<Resolved>) -> Vec<Contest> {
    let seed = header.plan.seed;
    let (base, head) = (
        Arm::of_build(&builds.base.program, seed),
        Arm::of_build(&builds.head.program, seed),
    );
    let contest = |(case, threshold_ratio): &(ListedCase, f64)| Contest {
        case: case.clone(),
        arms: Both {
            base: builds.base.arm(&base, &case.case.backend),
            head: builds.head.arm(&head, &case.case.backend),
        },
        threshold_ratio: *threshold_ratio,
        is_control: false,
    };
    let mut contests: Vec<Contest> = header.cases.iter().map(contest).collect();
    if !contests.is_empty() {
        // The control is drawn at random, so that each case is the control in some gates.
        let drawn = mix(header.plan.seed) % contests.len() as u64;
        let mut control = contests[drawn as usize].clone();
        control.arms.head = control.arms.base.clone();
        control.is_control = true;
        contests.push(control);
    }
    contests
}

fn course(plan: &GatePlan, max_time: Option<Duration>, ran: &Ran) -> Course {
    Course {
        planned_pair_count: plan.pair_count,
        max_time_ns: max_time.map(nanoseconds),
        is_out_of_time: ran.stop == Stop::OutOfTime,
        pair_correlation: ran.correlation.map(|found| found.estimate),
        pair_correlation_low: ran.correlation.map(|found| found.low),
    }
}

fn comparison(
    header: Header,
    matched: Matched,
    ran: Ran,
    course: Course,
    started_at: String,
    elapsed: Duration,
) -> Comparison {
    let mut cases = ran.cases;
    // The control, if there is one, is the last case.
    let control = if header.cases.is_empty() {
        None
    } else {
        cases.pop()
    };
    cases.extend(
        matched
            .different
            .into_iter()
            .map(|(listed, error)| ComparedCase {
                case: listed.case,
                judged: Channel::Wall,
                has_latencies: false,
                wall: None,
                cpu: None,
                times: None,
                elapsed_ns: 0,
                error: Some(error),
                not_judged: None,
                not_steady: None,
            }),
    );
    Comparison {
        comparison_version: COMPARISON_VERSION,
        source: ComparisonSource::Gate,
        base: header.base,
        head: header.head,
        pin: Some(header.plan.pin),
        course: Some(course),
        alpha: header.plan.alpha,
        seed: header.plan.seed,
        host: header.host,
        started_at,
        elapsed_ns: nanoseconds(elapsed),
        foreign_load_ratio: ran.foreign_load_ratio,
        calibration_spread_ratio: ran.calibration_spread_ratio,
        advisory: control.as_ref().and_then(distrust).into_iter().collect(),
        cases,
        control,
        missing: matched.missing,
        allowed: Allowed::default(),
    }
}

/// Why no verdict can be trusted; `None` if the control shows no change.
fn distrust(control: &ComparedCase) -> Option<String> {
    let id = control.case.id();
    if let Some(SideError { error, .. }) = &control.error {
        let (kind, message) = (&error.kind, &error.message);
        return Some(format!(
            "the control, the base against itself on {id}, failed: {kind}: {message}"
        ));
    }
    let judgement = control.judgement()?;
    let is_alarm = matches!(judgement.verdict, Verdict::Regressed | Verdict::Improved);
    is_alarm.then(|| {
        format!(
            "the control, the base against itself on {id}, came out as {} ({}): this machine favours one of two \
             equal processes, so no verdict can be trusted; `taskdyno doctor` may show the cause",
            judgement.verdict,
            change(judgement.ratio)
        )
    })
}

/// Writes the comparison, prints it, and returns its exit code.
fn finish(comparison: &Comparison, arguments: &GateArguments) -> CommandResult {
    let path = arguments.out.join(COMPARISON);
    let json = serde_json::to_string_pretty(comparison).expect("a comparison is plain data") + "\n";
    let written = write_whole(&path, json.as_bytes());
    let comparisons = std::slice::from_ref(comparison);
    // Print before reporting a write error, so that a full disk does not lose the result.
    let quiet = arguments.manner.quiet;
    let shown = arguments.show.comparisons(comparisons, None, quiet);
    written.map_err(|error| {
        Exit::failed(complaint!(
            help = "free some disk space; --resume judges the same pairs again",
            "cannot write to {}: {error}",
            path.display()
        ))
    })?;
    shown
}

/// Keeps the result of an earlier gate as `gate.previous.json`, in place of an older one.
fn set_aside(path: &Path) -> Result<(), Exit> {
    match disk::rename(path, &path.with_extension("previous.json")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot_write(path, &error)),
        _ => Ok(()),
    }
}

fn cannot_append(log: &PairLog, error: &std::io::Error) -> Exit {
    Exit::failed(complaint!(
        help = "free some disk space, then continue with --resume",
        "cannot write to {}: {error}; the earlier pairs are saved",
        log.path().display()
    ))
}

fn unusable(error: LogError) -> Exit {
    let help = match &error {
        LogError::File { error, .. } => &help_to_write(error, " with --out DIR"),
        LogError::Line { .. } => {
            "leave out --resume to measure everything again; the file is then kept as \
                                  gate-pairs.previous.jsonl, or under a numbered name"
        }
        LogError::Changed { .. } => {
            "use the same arguments and builds, or leave out --resume to measure everything again"
        }
    };
    Exit::usage(complaint!(help = help, "{error}"))
}

#[cfg(test)]
mod tests;
