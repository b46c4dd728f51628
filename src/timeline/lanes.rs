//! The lanes in which the tasks of a run are drawn.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::PlacedTask;
use crate::kernel::TaskSpan;

/// The tasks of a run, each in a lane.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlacedTasks {
    /// One entry per task, by its id.
    pub(crate) tasks: Vec<PlacedTask>,
    /// The number of lanes.
    pub(crate) lane_count: u32,
    /// Whether a lane is a worker.
    pub(crate) is_lane_worker: bool,
}

/// Puts each task into the lane of the thread that ended it. If a backend starts threads or processes for its tasks, there
/// are too many to be drawn: then each task goes into the first lane that is free when it starts.
pub(crate) fn place(spans: &[TaskSpan], worker_count: usize) -> PlacedTasks {
    let threads = spans.iter().map(|span| u32::from(span.thread) + 1);
    let thread_count = threads.max().unwrap_or(0);
    // Beside its workers, a backend may let the thread that starts a run execute tasks, and may replace workers.
    if thread_count as usize <= 2 * worker_count + 2 {
        let lanes = spans.iter().map(|span| span.thread.into());
        return PlacedTasks {
            tasks: with_lanes(spans, lanes),
            lane_count: thread_count,
            is_lane_worker: true,
        };
    }
    let (lanes, lane_count) = free_lanes(spans);
    PlacedTasks {
        tasks: with_lanes(spans, lanes.into_iter()),
        lane_count,
        is_lane_worker: false,
    }
}

fn with_lanes(spans: &[TaskSpan], lanes: impl Iterator<Item = u32>) -> Vec<PlacedTask> {
    let placed = |(span, lane): (&TaskSpan, u32)| PlacedTask {
        start_ns: span.start_ns,
        duration_ns: span.duration_ns,
        lane,
    };
    spans.iter().zip(lanes).map(placed).collect()
}

/// The first lane that is free when each task starts, and the number of lanes.
fn free_lanes(spans: &[TaskSpan]) -> (Vec<u32>, u32) {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|index| spans[*index].start_ns);
    let mut lanes = vec![0; spans.len()];
    let mut lane_count = 0;
    let mut free: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
    let mut busy: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    for index in order {
        let span = spans[index];
        while let Some(&Reverse((_, lane))) = busy
            .peek()
            .filter(|Reverse((end_ns, _))| *end_ns <= span.start_ns)
        {
            busy.pop();
            free.push(Reverse(lane));
        }
        let lane = free.pop().map_or(lane_count, |Reverse(lane)| lane);
        lane_count = lane_count.max(lane + 1);
        busy.push(Reverse((span.start_ns + span.duration_ns, lane)));
        lanes[index] = lane;
    }
    (lanes, lane_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ns: u64, end_ns: u64, thread: u16) -> TaskSpan {
        TaskSpan {
            start_ns,
            duration_ns: end_ns - start_ns,
            thread,
        }
    }

    fn lanes(spans: &[TaskSpan], worker_count: usize) -> (Vec<u32>, bool) {
        let placed = place(spans, worker_count);
        let lanes = placed.tasks.iter().map(|task| task.lane).collect();
        (lanes, placed.is_lane_worker)
    }

    #[test]
    fn workers_keep_their_tasks() {
        let spans = [span(0, 5, 1), span(0, 5, 0), span(5, 6, 1)];
        assert_eq!(lanes(&spans, 2), (vec![1, 0, 1], true));
        assert_eq!(place(&[], 2).lane_count, 0);
    }

    #[test]
    fn short_lived_threads_share_lanes_in_which_nothing_overlaps() {
        let ends = [(0, 9), (0, 3), (3, 4), (2, 5), (4, 8)];
        let spans = ends.into_iter().zip(0..);
        let spans: Vec<_> = spans
            .map(|((start, end), id)| span(start, end, id))
            .collect();
        assert_eq!(lanes(&spans, 1), (vec![0, 1, 1, 2, 1], false));
        assert_eq!(place(&spans, 1).lane_count, 3);
    }
}
