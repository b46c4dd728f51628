//! Finds the places where a series of sessions changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Placed;
use super::examples::few;
use super::repeats::same_sessions;
use super::sessions::{DriftCorrection, calibration, control_ns, has_times, log_times};
use super::stored::NotComparable;
use super::unlike::{other_hosts, other_work};
use crate::record::{Channel, Commit, Host, Record};
use crate::stats::{ChangePoint, Divisive, change_points, median};

/// The version of the format of a [`History`].
pub(crate) const HISTORY_VERSION: u32 = 1;

/// The changes in a series of records, case by case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    /// [`HISTORY_VERSION`] of the program that wrote it.
    pub history_version: u32,
    /// The machine that all records were measured on.
    pub host: Host,
    /// The highest p-value that counts as a change.
    pub significance: f64,
    /// How many random orders a change was compared with, if there were too many orders to enumerate.
    pub permutation_count: u64,
    /// The seed of these orders.
    pub seed: u64,
    /// A case with fewer points than this cannot show a lasting change at this significance, however large. 0 if the
    /// writer did not record it.
    #[serde(default)]
    pub fewest_point_count: u64,
    /// Changes smaller than this are ignored: 0.01 for one per cent. 0 if the writer did not record it.
    #[serde(default)]
    pub threshold_ratio: f64,
    /// The fewest points between two changes. 0 if the writer did not record it.
    #[serde(default)]
    pub fewest_between_count: u64,
    /// One entry per case, sorted by id.
    pub series: Vec<Series>,
}

/// The history of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Series {
    /// The id of the case.
    pub case: String,
    /// The time whose changes are searched for: the one that the workload is ranked by.
    #[serde(default)]
    pub judged: Channel,
    /// One point per session, in the order of the series.
    pub points: Vec<HistoryPoint>,
    /// Its changes, in the order of the series.
    pub changes: Vec<Change>,
    /// Whether drift was removed from `median_ns`: divided by the control loop's time in the session, and multiplied by
    /// its median over all sessions.
    pub is_calibrated: bool,
    /// A lasting change is found only with this many points on either side of it, however large it is. Null if no place
    /// has enough, or if the writer did not record it.
    #[serde(default)]
    pub fewest_side_count: Option<u64>,
    /// Notes, one sentence each: which sessions were left out, and why.
    pub notes: Vec<String>,
}

/// One session of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HistoryPoint {
    /// The file and line of its record.
    pub place: String,
    /// The commit that was measured.
    pub commit: Option<Commit>,
    /// When it was measured, in UTC, in the format of RFC 3339.
    pub started_at: String,
    /// The median of the judged time of one run.
    pub median_ns: f64,
}

/// A place where a series changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The index of the first point after the change, from 0.
    pub index: usize,
    /// The commit that the change is attributed to: the commit of the first point after it.
    pub commit: Option<Commit>,
    /// The commit of the last point before it. If it is the same commit, something other than the code changed.
    pub previous_commit: Option<Commit>,
    /// The median over the points between the previous change and this one.
    pub before_ns: f64,
    /// The median over the points from this one up to the next change.
    pub after_ns: f64,
    /// `after_ns` ÷ `before_ns`.
    pub ratio: f64,
    /// The probability of a change this large by chance.
    pub p_value: f64,
}

/// How to make a history.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HistoryPlan {
    /// How to search for changes.
    pub search: Divisive,
    /// Changes smaller than this are ignored: 0.01 for one per cent.
    pub threshold_ratio: f64,
    /// Whether the drift of the machine stays in the times.
    pub is_raw: bool,
}

/// Returns the history of each case in `records`, which must be in the order of the series.
///
/// # Errors
///
/// If they come from more than one machine, or contain a session twice; see [`super::each_once`].
///
/// # Panics
///
/// If there are no records.
pub(crate) fn history(records: &[Placed], plan: &HistoryPlan) -> Result<History, NotComparable> {
    if let Some(reason) = other_hosts(records.iter()) {
        return Err(NotComparable(vec![reason]));
    }
    if let Some(reason) = same_sessions(records, &[]) {
        return Err(NotComparable(vec![reason]));
    }
    let mut by_case: BTreeMap<String, Vec<&Placed>> = BTreeMap::new();
    for placed in records {
        by_case.entry(placed.1.case.id()).or_default().push(placed);
    }
    let series = by_case.into_iter();
    let how = &plan.search;
    Ok(History {
        history_version: HISTORY_VERSION,
        host: records[0].1.host.clone(),
        significance: how.significance,
        permutation_count: how.permutation_count as u64,
        seed: how.seed,
        fewest_point_count: how.fewest_values(),
        threshold_ratio: plan.threshold_ratio,
        fewest_between_count: how.min_len as u64,
        series: series
            .map(|(case, sessions)| Series::new(case, &sessions, plan))
            .collect(),
    })
}

impl History {
    /// Whether this case has too few sessions for "no change" to mean anything.
    pub(crate) fn is_too_short(&self, series: &Series) -> bool {
        series.changes.is_empty() && (series.points.len() as u64) < self.fewest_point_count
    }

    /// The cases that got slower by more than the threshold within their last `session_count` sessions, and still are.
    pub(crate) fn slower_within(&self, session_count: usize) -> Vec<String> {
        let series = self.series.iter();
        let slower = series.filter(|one| one.is_slower_within(session_count, self.threshold_ratio));
        slower.map(|series| series.case.clone()).collect()
    }
}

impl Series {
    /// Whether the last sessions are slower than those before all changes in the last `session_count`, and the code
    /// may be the reason: not all of these changes have the same commit on both sides.
    fn is_slower_within(&self, session_count: usize, threshold_ratio: f64) -> bool {
        let first = self.points.len().saturating_sub(session_count);
        let recent = || {
            self.changes
                .iter()
                .filter(move |change| change.index >= first)
        };
        let (Some(before), Some(after)) = (recent().next(), recent().next_back()) else {
            return false;
        };
        after.after_ns / before.before_ns > 1.0 + threshold_ratio
            && recent()
                .any(|change| change.commit.is_none() || change.commit != change.previous_commit)
    }

    fn new(case: String, sessions: &[&Placed], plan: &HistoryPlan) -> Self {
        let mut notes = Vec::new();
        let judged = Channel::judged(sessions.iter().map(|(_, record)| record));
        let sessions = comparable(sessions, judged, &mut notes);
        let is_calibrated = !plan.is_raw && can_calibrate(&sessions, &mut notes);
        let medians = medians(&sessions, judged, is_calibrated);
        let changes = changes(&sessions, &medians, plan);
        let points = sessions.iter().zip(medians);
        Self {
            case,
            judged,
            points: points
                .map(|(placed, median)| point(placed, median))
                .collect(),
            changes,
            is_calibrated,
            fewest_side_count: plan.search.fewest_on_a_side(sessions.len() as u64),
            notes,
        }
    }
}

/// Returns the sessions that did not fail and measured the same thing as the last of them.
fn comparable<'a>(
    sessions: &[&'a Placed],
    judged: Channel,
    notes: &mut Vec<String>,
) -> Vec<&'a Placed> {
    let is_valid = |record: &Record| record.error.is_none() && has_times(record, judged);
    let Some(last) = sessions.iter().rfind(|(_, record)| is_valid(record)) else {
        notes.push("no session has valid times".into());
        return Vec::new();
    };
    let (mut kept, mut failed, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for placed in sessions {
        let (place, record) = placed;
        if !is_valid(record) {
            failed.push(place.clone());
        } else if other_work(record, &last.1).is_some() {
            others.push(place.clone());
        } else {
            kept.push(*placed);
        }
    }
    let what = |whose: &str| {
        format!(
            "{whose} parameters, options, file system or digest differ from those of {}",
            last.0
        )
    };
    notes.extend(left_out(&others, &what("its"), &what("their")));
    notes.extend(left_out(
        &failed,
        "it has no valid times",
        "they have no valid times",
    ));
    kept
}

/// Returns a sentence that says which sessions are left out. The reason is given in the singular and in the plural.
fn left_out(places: &[String], why_one: &str, why_several: &str) -> Option<String> {
    match places {
        [] => None,
        [place] => Some(format!("{place} is left out: {why_one}")),
        several => Some(format!(
            "{} sessions are left out: {why_several} ({})",
            several.len(),
            few(several)
        )),
    }
}

fn can_calibrate(sessions: &[&Placed], notes: &mut Vec<String>) -> bool {
    match calibration(sessions.iter().map(|(_, record)| record)) {
        DriftCorrection::NotNeeded => false,
        DriftCorrection::Impossible(why) => {
            notes.push(format!(
                "a drift of the machine may look like a change: {why}"
            ));
            false
        }
        DriftCorrection::ControlLoop => {
            let without = sessions
                .iter()
                .find(|(_, record)| control_ns(record).is_none());
            notes.extend(without.map(|(place, _)| {
                format!("a drift of the machine may look like a change: {place} has no times of the control loop")
            }));
            without.is_none()
        }
    }
}

/// The median of the judged time of one run in each session, in nanoseconds.
fn medians(sessions: &[&Placed], judged: Channel, is_calibrated: bool) -> Vec<f64> {
    let controls: Vec<f64> = sessions
        .iter()
        .filter_map(|(_, record)| control_ns(record))
        .collect();
    let typical = median(&controls).unwrap_or(1.0);
    let (how, unit) = match is_calibrated {
        true => (DriftCorrection::ControlLoop, typical),
        false => (DriftCorrection::NotNeeded, 1.0),
    };
    sessions
        .iter()
        .map(|(_, record)| {
            let times = log_times(&[record], judged, how);
            let log = times.first().and_then(|times| median(times));
            log.map_or(f64::NAN, f64::exp) * unit
        })
        .collect()
}

fn point((place, record): &Placed, median_ns: f64) -> HistoryPoint {
    HistoryPoint {
        place: place.clone(),
        commit: record.commit.clone(),
        started_at: record.started_at.clone(),
        median_ns,
    }
}

/// The changes of at least the threshold.
fn changes(sessions: &[&Placed], medians: &[f64], plan: &HistoryPlan) -> Vec<Change> {
    let mut found = change_points(medians, &plan.search);
    let limit = plan.threshold_ratio.ln_1p();
    loop {
        let changes = described(sessions, medians, &found);
        let sizes = changes.iter().map(|change| change.ratio.ln().abs());
        let smallest = sizes
            .enumerate()
            .min_by(|one, other| one.1.total_cmp(&other.1));
        match smallest {
            // Without it, what is before and after its neighbours is different, so their sizes are too.
            Some((index, size)) if size < limit => drop(found.remove(index)),
            _ => return changes,
        }
    }
}

/// The changes at these places, with the medians and commits on either side.
fn described(sessions: &[&Placed], medians: &[f64], found: &[ChangePoint]) -> Vec<Change> {
    let starts: Vec<usize> = found.iter().map(|change| change.index).collect();
    let level = |from: usize, to: usize| median(&medians[from..to]).unwrap_or(f64::NAN);
    let commit = |index: usize| sessions[index].1.commit.clone();
    found
        .iter()
        .enumerate()
        .map(|(number, change)| {
            let begin = number.checked_sub(1).map_or(0, |before| starts[before]);
            let end = starts.get(number + 1).copied().unwrap_or(medians.len());
            let before_ns = level(begin, change.index);
            let after_ns = level(change.index, end);
            Change {
                index: change.index,
                commit: commit(change.index),
                previous_commit: commit(change.index - 1),
                before_ns,
                after_ns,
                ratio: after_ns / before_ns,
                p_value: change.p_value,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
