//! The file of a traced run: when each task ran, and on which worker. FORMAT.md defines it.
//!
//! | module | what it does |
//! |---|---|
//! | [`lanes`] | makes lanes of the threads of a run, in which tasks do not overlap unless they are awaited |
//! | `write` and `read` | the file |
//! | [`aggregate`] | merges the tasks that are too short to be seen, for a page |
//! | [`chrome`] | the same run in the format of Chrome's tracing, which Perfetto opens |

use serde::{Deserialize, Serialize};

pub(crate) mod aggregate;
pub(crate) mod chrome;
pub(crate) mod lanes;
mod read;
mod varint;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

/// The first bytes of the file.
const MAGIC: [u8; 8] = *b"tdtrace\n";

/// The version of the layout.
const VERSION: u32 = 1;

/// The bytes before the head: magic, version, length of the head.
const PREFIX_BYTES: usize = 16;

/// The bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// A traced run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// What was run.
    pub(crate) head: TimelineHead,
    /// One entry per task, by its id.
    pub(crate) tasks: Vec<PlacedTask>,
    /// The ids of the tasks on the longest path of dependences by measured time, in ascending order.
    pub(crate) critical: Vec<u32>,
}

/// What a file says of its run, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimelineHead {
    /// The name of the case on the command line.
    pub(crate) case: String,
    /// When the case began, as in its record.
    pub(crate) started_at: String,
    /// The clock that timed the tasks: `tsc` or `monotonic`.
    pub(crate) clock: String,
    /// Wall clock of the run.
    pub(crate) wall_ns: u64,
    /// The number of tasks.
    pub(crate) task_count: u32,
    /// The number of tasks on the longest path.
    pub(crate) critical_count: u32,
    /// The number of lanes.
    pub(crate) lane_count: u32,
    /// Whether a lane is a worker. If not, threads lived so briefly that there are too many of them, and each lane has the
    /// tasks of several.
    pub(crate) is_lane_worker: bool,
}

/// When a task ran, and in which lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlacedTask {
    /// The time from the beginning of the run to the start of the task.
    pub(crate) start_ns: u64,
    /// The time from its start to its end.
    pub(crate) duration_ns: u64,
    /// The lane, from 0.
    pub(crate) lane: u32,
}

impl PlacedTask {
    /// The time from the beginning of the run to the end of the task.
    pub(crate) fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.duration_ns)
    }
}

impl Timeline {
    /// The indexes of the tasks of each lane, by their start.
    pub(crate) fn by_lane(&self) -> Vec<Vec<u32>> {
        let mut lanes = vec![Vec::new(); self.head.lane_count as usize];
        for (index, task) in (0..).zip(&self.tasks) {
            lanes[task.lane as usize].push(index);
        }
        let order = |index: &u32| {
            let task = self.tasks[*index as usize];
            (task.start_ns, task.end_ns(), *index)
        };
        for lane in &mut lanes {
            lane.sort_unstable_by_key(order);
        }
        lanes
    }

    /// The name of a lane, for people.
    pub(crate) fn lane_name(&self, lane: usize) -> String {
        match self.head.is_lane_worker {
            true => format!("worker {lane}"),
            false => format!("lane {lane}"),
        }
    }

    /// The total time of the tasks on the longest path.
    pub(crate) fn critical_ns(&self) -> u64 {
        let critical = self.critical.iter();
        critical.fold(0, |sum, id| {
            u64::saturating_add(sum, self.tasks[*id as usize].duration_ns)
        })
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// A run with these tasks, each a start, an end and a lane, and these critical ones.
    pub(crate) fn timeline(tasks: &[(u64, u64, u32)], critical: &[u32]) -> Timeline {
        let lane_count = tasks.iter().map(|(_, _, lane)| lane + 1).max();
        Timeline {
            head: TimelineHead {
                case: "hash/rayon/2".into(),
                started_at: "2026-01-02T03:04:05Z".into(),
                clock: "tsc".into(),
                wall_ns: tasks.iter().map(|(_, end, _)| *end).max().unwrap_or(0),
                task_count: tasks.len() as u32,
                critical_count: critical.len() as u32,
                lane_count: lane_count.unwrap_or(0),
                is_lane_worker: true,
            },
            tasks: tasks
                .iter()
                .map(|(start, end, lane)| PlacedTask {
                    start_ns: *start,
                    duration_ns: end - start,
                    lane: *lane,
                })
                .collect(),
            critical: critical.to_vec(),
        }
    }
}
