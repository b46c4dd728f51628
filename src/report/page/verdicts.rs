//! Whether it got worse: the verdicts of a comparison, and the changes of a history.

use serde::Serialize;

use super::round::{figure, whole};
use super::text::counted;
use crate::compare::{Change, Comparison, History, Series};
use crate::record::Commit;
use crate::report::chronicle::sentence;
use crate::report::verdict::{conclusion, fitness, lines, title};
use crate::report::words::no_change;

/// A comparison of two builds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageComparison {
    /// The head and the base.
    pub title: String,
    /// The name of the base.
    pub base: String,
    /// The name of the head.
    pub head: String,
    /// What the comparison says, in one sentence.
    pub closing: String,
    /// The chance of any false alarm.
    pub alpha: f64,
    /// How the verdicts were obtained, and the reasons to doubt them: one sentence each.
    pub notes: Vec<String>,
    /// All cases, the worst first.
    pub cases: Vec<PageVerdict>,
}

/// The verdict on a case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageVerdict {
    /// The case, by its name on the command line.
    pub case: String,
    /// The outcome as one word, such as `regressed` or `missing`.
    pub verdict: String,
    /// What readers must know besides; may be empty.
    pub note: String,
    /// The time of the base.
    pub before_ns: Option<u64>,
    /// The time of the head.
    pub after_ns: Option<u64>,
    /// The time of the head ÷ that of the base.
    pub ratio: Option<f64>,
    /// The interval of the true ratio.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// Smaller changes are ignored: 0.01 for one per cent.
    pub threshold_ratio: Option<f64>,
    /// The number of pairs.
    pub pair_count: Option<u64>,
}

impl PageComparison {
    /// The data of a comparison.
    pub(super) fn new(comparison: &Comparison) -> Self {
        let lines = lines(comparison);
        let closing = conclusion(comparison, &lines);
        let cases = lines.iter().map(|line| {
            let case = comparison.cases.iter().find(|one| one.case.id() == line.id);
            let judgement = case.and_then(|case| case.judgement());
            let interval = judgement.and_then(|one| one.interval);
            let times = case.and_then(|case| case.times);
            PageVerdict {
                case: line.id.clone(),
                verdict: line.kind.name().into(),
                note: line.note.clone(),
                before_ns: times.map(|times| whole(times.base_ns)),
                after_ns: times.map(|times| whole(times.head_ns)),
                ratio: judgement.map(|one| figure(one.ratio)),
                low: interval.map(|one| figure(one.low)),
                high: interval.map(|one| figure(one.high)),
                threshold_ratio: judgement.map(|one| one.threshold_ratio),
                pair_count: judgement.map(|one| one.pair_count),
            }
        });
        Self {
            title: title(comparison),
            base: comparison.base.name.clone(),
            head: comparison.head.name.clone(),
            closing: closing.unwrap_or_else(|| "There are no cases to compare.".into()),
            alpha: comparison.alpha,
            notes: fitness(comparison),
            cases: cases.collect(),
        }
    }
}

/// The changes over many sessions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageHistory {
    /// The highest p-value that counts as a change.
    pub significance: f64,
    /// Smaller changes are ignored: 0.01 for one per cent.
    pub threshold_ratio: f64,
    /// How many changes there are, in one sentence.
    pub closing: String,
    /// One entry per case.
    pub series: Vec<PageSeries>,
}

/// The history of a case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSeries {
    /// The case, by its name on the command line.
    pub case: String,
    /// Its sessions.
    pub points: Vec<PageSession>,
    /// Its changes.
    pub changes: Vec<PageChange>,
    /// Which sessions were left out, and why.
    pub notes: Vec<String>,
    /// Why there is no change; null if there is one.
    pub text: Option<String>,
}

/// A session of a case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageSession {
    /// The file and line of its record.
    pub place: String,
    /// The commit that was measured.
    pub commit: Option<String>,
    /// When it was measured.
    pub started: String,
    /// The median time of a run.
    pub median_ns: u64,
}

/// A change of a case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageChange {
    /// The position of the first session after it.
    pub index: usize,
    /// The commit of that session.
    pub commit: Option<String>,
    /// The commit of the session before.
    pub previous_commit: Option<String>,
    /// The median before it.
    pub before_ns: u64,
    /// The median after it.
    pub after_ns: u64,
    /// The latter ÷ the former.
    pub ratio: f64,
    /// The probability of such a change by chance.
    pub p_value: f64,
    /// The change in words.
    pub text: String,
}

impl PageHistory {
    /// The data of a history.
    pub(super) fn new(history: &History) -> Self {
        let changes: usize = history.series.iter().map(|one| one.changes.len()).sum();
        Self {
            significance: history.significance,
            threshold_ratio: history.threshold_ratio,
            closing: match changes {
                0 => format!(
                    "No change was found in {}.",
                    counted(history.series.len(), "case")
                ),
                _ => format!(
                    "{} in {}.",
                    counted(changes, "change"),
                    counted(history.series.len(), "case")
                ),
            },
            series: history
                .series
                .iter()
                .map(|one| series(history, one))
                .collect(),
        }
    }
}

fn series(history: &History, series: &Series) -> PageSeries {
    let short = |commit: &Option<Commit>| commit.as_ref().map(Commit::short);
    let points = series.points.iter().map(|point| PageSession {
        place: point.place.clone(),
        commit: short(&point.commit),
        started: point.started_at.clone(),
        median_ns: whole(point.median_ns),
    });
    let change = |one: &Change| PageChange {
        index: one.index,
        commit: short(&one.commit),
        previous_commit: short(&one.previous_commit),
        before_ns: whole(one.before_ns),
        after_ns: whole(one.after_ns),
        ratio: figure(one.ratio),
        p_value: figure(one.p_value),
        text: sentence(one),
    };
    PageSeries {
        case: series.case.clone(),
        points: points.collect(),
        changes: series.changes.iter().map(change).collect(),
        notes: series.notes.clone(),
        text: no_change(history, series),
    }
}
