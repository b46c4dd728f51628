//! Merges the tasks of a run that are too short to be seen, until what is left fits into a number of bytes.

use serde::Serialize;

use super::Timeline;

/// A run in few bytes. Its JSON is documented in FORMAT.md.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Aggregate {
    /// All times in segments are multiples of this.
    pub(crate) unit_ns: u64,
    /// Tasks shorter than this were merged; 1 if every task is there by itself.
    pub(crate) pixel_ns: u64,
    /// Whether tasks of one lane overlap in time, as awaited tasks do.
    pub(crate) overlaps: bool,
    /// The lanes, or the first of them.
    pub(crate) lanes: Vec<Lane>,
    /// How many lanes had no room.
    pub(crate) omitted_lane_count: usize,
}

/// The tasks of one lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Lane {
    /// Its name.
    pub(crate) label: String,
    /// The total time of its tasks, as a fraction of the run; above 1 if they overlap.
    pub(crate) busy_ratio: f64,
    /// The number of its tasks.
    pub(crate) task_count: u64,
    /// Its segments, by their start: start, length, number of tasks, time in tasks, 1 if they are on the longest path, id of
    /// the first task.
    pub(crate) segments: Vec<[u64; 6]>,
}

/// A task, or several that were merged. In nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u64,
    end: u64,
    busy: u64,
    task_count: u64,
    first_task: u32,
    is_critical: bool,
}

/// The first size of a pixel is this part of the run: more than a screen shows.
const PIXELS: u64 = 4096;
/// A pixel has this many units, so that merged segments keep their place within it.
const UNITS_PER_PIXEL: u64 = 4;
/// No segment is shorter as JSON.
const LEAST_SEGMENT_BYTES: usize = "[0,0,1,0,0,0],".len();

/// `timeline` in at most `most_bytes` of JSON, or without segments if even one per lane does not fit. Tasks on the longest
/// path are merged only with each other.
pub(crate) fn aggregate(timeline: &Timeline, most_bytes: usize) -> Aggregate {
    let mut lanes = segments(timeline);
    let overlaps = lanes.iter().any(|lane| {
        let mut last_end = 0;
        lane.iter().any(|segment| {
            let overlaps = segment.start < last_end;
            last_end = last_end.max(segment.end);
            overlaps
        })
    });
    let run_ns = timeline.tasks.iter().map(super::PlacedTask::end_ns).max();
    let run_ns = run_ns.unwrap_or(0).max(timeline.head.wall_ns);
    let mut pixel_ns = 1;
    loop {
        let least: usize = lanes
            .iter()
            .map(|lane| lane.len() * LEAST_SEGMENT_BYTES)
            .sum();
        if least <= most_bytes {
            let mut found = finish(timeline, &lanes, pixel_ns, overlaps);
            let is_last = pixel_ns > run_ns;
            while byte_len(&found) > most_bytes && is_last && !found.lanes.is_empty() {
                // Halving takes few steps, and what is left is still the first lanes.
                let keep = found.lanes.len() / 2;
                found.omitted_lane_count += found.lanes.len() - keep;
                found.lanes.truncate(keep);
            }
            if is_last || byte_len(&found) <= most_bytes {
                return found;
            }
        } else if pixel_ns > run_ns {
            // Thousands of lanes: only the first can have room.
            lanes.truncate(lanes.len() / 2);
        }
        pixel_ns = match pixel_ns {
            1 => (run_ns / PIXELS).max(2),
            _ => pixel_ns.saturating_mul(2),
        };
        for lane in &mut lanes {
            merge(lane, pixel_ns);
        }
    }
}

/// One segment per task, lane by lane.
fn segments(timeline: &Timeline) -> Vec<Vec<Segment>> {
    let mut is_critical = vec![false; timeline.tasks.len()];
    for id in &timeline.critical {
        is_critical[*id as usize] = true;
    }
    let segment = |id: u32| {
        let task = timeline.tasks[id as usize];
        Segment {
            start: task.start_ns,
            end: task.end_ns(),
            busy: task.duration_ns,
            task_count: 1,
            first_task: id,
            is_critical: is_critical[id as usize],
        }
    };
    let lanes = timeline.by_lane().into_iter();
    lanes
        .map(|lane| lane.into_iter().map(segment).collect())
        .collect()
}

/// Merges all segments that begin in the same pixel and end in the same pixel. Those that begin and end in different ones,
/// such as long tasks, stay alone unless they overlap.
fn merge(lane: &mut Vec<Segment>, pixel_ns: u64) {
    let key = |one: &Segment| (one.start / pixel_ns, one.end / pixel_ns, one.is_critical);
    lane.sort_by_key(key);
    lane.dedup_by(|next, kept| {
        let is_same = key(next) == key(kept);
        if is_same {
            if next.start < kept.start {
                kept.first_task = next.first_task;
            }
            kept.start = kept.start.min(next.start);
            kept.end = kept.end.max(next.end);
            kept.busy = kept.busy.saturating_add(next.busy);
            kept.task_count += next.task_count;
        }
        is_same
    });
    lane.sort_by_key(|one| (one.start, one.end));
}

fn finish(timeline: &Timeline, lanes: &[Vec<Segment>], pixel_ns: u64, overlaps: bool) -> Aggregate {
    let unit_ns = (pixel_ns / UNITS_PER_PIXEL).max(1);
    let parts = |one: &Segment| {
        let start = one.start / unit_ns;
        [
            start,
            one.end.div_ceil(unit_ns) - start,
            one.task_count,
            one.busy.div_ceil(unit_ns),
            one.is_critical.into(),
            one.first_task.into(),
        ]
    };
    let wall_ns = timeline.head.wall_ns.max(1) as f64;
    let lane = |(index, segments): (usize, &Vec<Segment>)| {
        let busy: u64 = segments.iter().map(|one| one.busy).sum();
        Lane {
            label: timeline.lane_name(index),
            // A thousandth is enough, in few digits.
            busy_ratio: (busy as f64 / wall_ns * 1000.0).round() / 1000.0,
            task_count: segments.iter().map(|one| one.task_count).sum(),
            segments: segments.iter().map(parts).collect(),
        }
    };
    Aggregate {
        unit_ns,
        pixel_ns,
        overlaps,
        omitted_lane_count: timeline.head.lane_count as usize - lanes.len(),
        lanes: lanes.iter().enumerate().map(lane).collect(),
    }
}

/// The length as JSON.
fn byte_len(aggregate: &Aggregate) -> usize {
    serde_json::to_vec(aggregate).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;
    use crate::timeline::fixture::timeline;

    #[test]
    fn with_room_every_task_is_there_as_it_was() {
        let run = timeline(&[(0, 40, 0), (0, 60, 1), (50, 100, 0)], &[0, 2]);
        let found = aggregate(&run, 10_000);
        assert_eq!((found.unit_ns, found.pixel_ns), (1, 1));
        assert!(!found.overlaps);
        assert_eq!(
            found.lanes[0].segments,
            [[0, 40, 1, 40, 1, 0], [50, 50, 1, 50, 1, 2]]
        );
        assert_eq!(found.lanes[1].segments, [[0, 60, 1, 60, 0, 1]]);
        assert_eq!(found.lanes[0].busy_ratio, 0.9);
        assert_eq!(aggregate(&timeline(&[], &[]), 1000).lanes, []);
    }

    #[test]
    fn tasks_that_share_time_are_noticed() {
        assert!(aggregate(&timeline(&[(0, 40, 0), (39, 60, 0)], &[]), 1000).overlaps);
    }

    /// Some tasks of random length on `lane_count` lanes.
    fn many(task_count: u64, lane_count: u32) -> Timeline {
        let mut random = SplitMix64::new(7);
        let mut ends = vec![0; lane_count as usize];
        let tasks: Vec<_> = (0..task_count)
            .map(|index| {
                let lane = (index % u64::from(lane_count)) as u32;
                let end = &mut ends[lane as usize];
                let start = *end + random.next_u64() % 50;
                // One in a thousand is long.
                let long = if index % 1000 == 3 { 1_000_000 } else { 1 };
                *end = start + (100 + random.next_u64() % 400) * long;
                (start, *end, lane)
            })
            .collect();
        let critical: Vec<u32> = (0..task_count as u32).step_by(777).collect();
        timeline(&tasks, &critical)
    }

    #[test]
    fn nothing_is_lost_and_what_is_long_or_critical_stays() {
        let run = many(100_000, 2);
        let found = aggregate(&run, 100_000);
        assert!(byte_len(&found) <= 100_000);
        assert!(found.pixel_ns > 1);
        let all = found.lanes.iter().flat_map(|lane| &lane.segments);
        let sum = |what: usize| all.clone().map(|one| one[what]).sum::<u64>();
        assert_eq!(sum(2), 100_000);
        // One task in a thousand is much longer than a pixel, and none of them was merged.
        let long = all
            .clone()
            .filter(|one| one[1] * found.unit_ns > 90_000_000);
        assert_eq!(long.clone().count(), 100);
        assert!(long.clone().all(|one| one[2] == 1), "{found:?}");
        let critical = all.clone().filter(|one| one[4] == 1);
        assert_eq!(critical.map(|one| one[2]).sum::<u64>(), 129);
        for lane in &found.lanes {
            assert!(lane.segments.is_sorted_by_key(|one| one[0]));
        }
    }

    #[test]
    fn awaited_tasks_that_begin_and_end_together_become_one() {
        let tasks: Vec<_> = (0..10_000u64).map(|id| (id, 50_000_000 + id, 0)).collect();
        let found = aggregate(&timeline(&tasks, &[0]), 2000);
        assert!(byte_len(&found) <= 2000 && found.overlaps);
        let segments = &found.lanes[0].segments;
        assert_eq!(segments.iter().map(|one| one[2]).sum::<u64>(), 10_000);
    }

    #[test]
    fn lanes_without_room_are_counted() {
        let tasks: Vec<_> = (0..4000).map(|lane| (0, 10, lane)).collect();
        let found = aggregate(&timeline(&tasks, &[0]), 10_000);
        assert!(byte_len(&found) <= 10_000);
        assert!(!found.lanes.is_empty());
        assert_eq!(found.omitted_lane_count + found.lanes.len(), 4000);
        assert_eq!(found.lanes[0].label, "worker 0");
    }

    #[test]
    fn a_budget_that_nothing_fits_into_ends_too() {
        let found = aggregate(&many(1000, 3), 0);
        assert_eq!((found.lanes.len(), found.omitted_lane_count), (0, 3));
    }
}
