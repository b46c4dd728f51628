//! The traced runs of a report, small enough for a page.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::record::Record;
use crate::timeline::aggregate::{Aggregate, aggregate};
use crate::timeline::{self, Timeline};
use crate::units;

/// All traced runs of a page have at most this many bytes of JSON together, without their names and sentences.
const MOST_BYTES: usize = 1_000_000;
/// What a run takes beside its lanes.
const FRAME_BYTES: usize = 800;

/// A traced run as a page shows it, or the reason why it shows none. FORMAT.md describes each field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageTimeline {
    /// The name of the case on the command line.
    pub case: String,
    /// The path of the whole trace, from the folder of the page if it lies in it; `None` if there is none.
    pub file: Option<String>,
    /// Why nothing is shown.
    pub error: Option<String>,
    /// What happened in the run, in a sentence.
    pub closing: Option<String>,
    /// What its file says.
    #[serde(flatten)]
    pub run: Option<PageRun>,
}

/// A traced run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageRun {
    /// Wall clock of the run.
    pub wall_ns: u64,
    /// The number of tasks.
    pub task_count: u64,
    /// The clock that timed the tasks: `tsc` or `monotonic`.
    pub clock: String,
    /// The total time of the tasks on the longest path of dependences.
    pub critical_ns: u64,
    /// The number of these tasks.
    pub critical_count: usize,
    /// The tasks.
    #[serde(flatten)]
    pub aggregate: Aggregate,
}

/// The traced runs of all `records` for a page in the folder `page`, in the order of the records. Their files are looked
/// for in `folders`, those of the files of records. Empty if nothing was traced.
pub(crate) fn timelines(records: &[Record], folders: &[PathBuf], page: &Path) -> Vec<PageTimeline> {
    let entry = |record: &Record| PageTimeline {
        case: record.case.id(),
        file: None,
        error: record.no_trace_file.clone(),
        closing: None,
        run: None,
    };
    let is_asked = |record: &&Record| {
        record.error.is_none() && (record.trace_file.is_some() || record.no_trace_file.is_some())
    };
    let asked = records.iter().filter(is_asked);
    let mut found: Vec<_> = asked.map(|record| (record, entry(record))).collect();
    let places = found.iter().enumerate().filter_map(|(index, (record, _))| {
        let path = place(record.trace_file.as_ref()?, folders);
        let byte_len = fs::metadata(&path).map_or(0, |data| data.len());
        Some((index, path, byte_len))
    });
    let mut places: Vec<_> = places.collect();
    // The smallest files come first, so that what they do not need is left for the larger ones.
    places.sort_by_key(|(_, _, byte_len)| Reverse(*byte_len));
    let mut room = MOST_BYTES;
    while let Some((index, path, _)) = places.pop() {
        let share = room / (places.len() + 1);
        let (record, entry) = &mut found[index];
        fill(
            entry,
            record,
            &path,
            page,
            share.saturating_sub(FRAME_BYTES),
        );
        let used = serde_json::to_vec(entry).map_or(0, |json| json.len());
        room = room.saturating_sub(used);
    }
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Where the file of this name is; in the first folder if it is nowhere.
fn place(name: &str, folders: &[PathBuf]) -> PathBuf {
    let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.join(name)).collect();
    let existing = paths.iter().find(|path| path.is_file()).cloned();
    existing
        .or_else(|| paths.into_iter().next())
        .unwrap_or_else(|| name.into())
}

/// Reads the file at `path` into `entry`.
fn fill(entry: &mut PageTimeline, record: &Record, path: &Path, page: &Path, most_bytes: usize) {
    let timeline = match timeline::read(path) {
        Ok(timeline) => timeline,
        Err(error) => {
            entry.error = Some(error.to_string());
            return;
        }
    };
    if timeline.head.case != entry.case || timeline.head.started_at != record.started_at {
        entry.error = Some(format!(
            "{} is the trace of another run: `{}`, which began at {}",
            path.display(),
            timeline.head.case,
            timeline.head.started_at
        ));
        return;
    }
    entry.file = Some(link(path, page));
    let run = PageRun {
        wall_ns: timeline.head.wall_ns,
        task_count: timeline.tasks.len() as u64,
        clock: timeline.head.clock.clone(),
        critical_ns: timeline.critical_ns(),
        critical_count: timeline.critical.len(),
        aggregate: aggregate(&timeline, most_bytes),
    };
    entry.closing = Some(closing(&timeline, &run));
    entry.run = Some(run);
}

/// The path of a file as a link from a page in the folder `page`.
fn link(path: &Path, page: &Path) -> String {
    let both = (path.canonicalize(), page.canonicalize());
    let (Ok(path), Ok(page)) = both else {
        return path.display().to_string();
    };
    let inside = path.strip_prefix(&page).unwrap_or(&path);
    inside.display().to_string()
}

/// What happened in the run, in two sentences.
fn closing(timeline: &Timeline, run: &PageRun) -> String {
    let wall_ns = run.wall_ns.max(1) as f64;
    let busy_ns: u128 = timeline
        .tasks
        .iter()
        .map(|task| u128::from(task.duration_ns))
        .sum();
    let at_once = busy_ns as f64 / wall_ns;
    let lane_count = timeline.head.lane_count;
    let busy = match (run.aggregate.overlaps, lane_count) {
        (true, _) => format!("On average, {at_once:.1} tasks were in progress at once."),
        (false, 1) => format!(
            "The worker was in tasks for {} of the run.",
            units::percent(at_once)
        ),
        (false, _) => format!(
            "On average, {at_once:.2} of {lane_count} {} were in a task.",
            if timeline.head.is_lane_worker {
                "workers"
            } else {
                "lanes"
            }
        ),
    };
    let share = units::percent(run.critical_ns as f64 / wall_ns);
    let time = units::time(run.critical_ns as f64);
    match run.critical_count {
        0 => busy,
        1 => format!("{busy} The longest task took {time}, {share} of the run."),
        count => format!(
            "{busy} The longest path of dependences, {} tasks, took {time}, {share} of the run.",
            units::count(count as u64)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture;
    use crate::timeline::fixture::timeline;

    /// A record whose trace is the file `name`.
    fn record(backend: &str, name: &str) -> Record {
        let mut record = fixture::case("hash", backend, 2).record();
        record.trace_file = Some(name.into());
        record
    }

    fn write(mut timeline: Timeline, record: &Record, folder: &Path) {
        timeline.head.case = record.case.id();
        timeline.head.started_at.clone_from(&record.started_at);
        let path = folder.join(record.trace_file.as_ref().unwrap());
        timeline::write(&timeline, &path).unwrap();
    }

    #[test]
    fn runs_are_read_from_beside_their_records() {
        let folder = tempfile::tempdir().unwrap();
        let traced = record("rayon", "records.traces/a.trace");
        write(
            timeline(&[(0, 40, 0), (0, 60, 1), (50, 100, 0)], &[0, 2]),
            &traced,
            folder.path(),
        );
        let mut refused = record("tokio", "");
        refused.trace_file = None;
        refused.no_trace_file = Some("the disk is full".into());
        let untraced = fixture::case("hash", "serial", 1).record();
        let folders = [PathBuf::from("elsewhere"), folder.path().into()];
        let found = timelines(&[traced, refused, untraced], &folders, folder.path());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].file.as_deref(), Some("records.traces/a.trace"));
        assert_eq!(
            found[0].closing.as_deref(),
            Some(
                "On average, 1.50 of 2 workers were in a task. The longest path of dependences, 2 tasks, took 90.0 ns, 90% of the run."
            )
        );
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(
            json[0]["lanes"][1]["segments"][0],
            serde_json::json!([0, 60, 1, 60, 0, 1])
        );
        assert_eq!(
            (&json[0]["unit_ns"], &json[0]["wall_ns"]),
            (&1.into(), &100.into())
        );
        assert_eq!(json[1]["error"], "the disk is full");
    }

    #[test]
    fn a_missing_cut_or_foreign_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = record("rayon", "records.traces/a.trace");
        let mut foreign = record("tokio", "b.trace");
        write(timeline(&[(0, 1, 0)], &[0]), &foreign, folder.path());
        foreign.started_at = "2020-01-01T00:00:00Z".into();
        let cut = record("serial", "c.trace");
        fs::write(folder.path().join("c.trace"), "tdtrace\n").unwrap();
        let found = timelines(
            &[missing, foreign, cut],
            &[folder.path().into()],
            folder.path(),
        );
        let errors: Vec<_> = found.iter().map(|one| one.error.clone().unwrap()).collect();
        assert!(errors[0].contains("a.trace"), "{errors:?}");
        assert!(errors[1].contains("the trace of another run"), "{errors:?}");
        assert!(
            errors[2].contains("c.trace, byte 8: the file ends"),
            "{errors:?}"
        );
        assert!(found.iter().all(|one| one.run.is_none()));
    }

    #[test]
    fn all_runs_of_a_page_share_the_room() {
        let folder = tempfile::tempdir().unwrap();
        let short =
            |count: u64| -> Vec<_> { (0..count).map(|id| (10 * id, 10 * id + 9, 0)).collect() };
        let records: Vec<Record> = (0..6)
            .map(|number| {
                let mut one = record("rayon", &format!("{number}.trace"));
                one.case.workers = number + 1;
                let count = if number < 3 { 100 } else { 200_000 };
                write(timeline(&short(count), &[0]), &one, folder.path());
                one
            })
            .collect();
        let found = timelines(&records, &[folder.path().into()], folder.path());
        let bytes = serde_json::to_vec(&found).unwrap().len();
        assert!(bytes <= MOST_BYTES, "{bytes}");
        let pixels: Vec<u64> = found
            .iter()
            .map(|one| one.run.as_ref().unwrap().aggregate.pixel_ns)
            .collect();
        assert_eq!(pixels[..3], [1, 1, 1]);
        assert!(pixels[3..].iter().all(|pixel| *pixel > 1), "{pixels:?}");
    }
}
