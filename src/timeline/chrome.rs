//! A traced run as JSON for Chrome's tracing, which Perfetto opens: a thread per lane, a complete event per task, and the
//! longest path as a flow from task to task.
//!
//! The format is described in "Trace Event Format" (Google, 2016). Times are in microseconds, with nanoseconds behind the
//! point.

use std::fmt::{self, Display, Write};

use super::Timeline;

/// The JSON.
pub(crate) fn chrome_trace(timeline: &Timeline) -> String {
    let head = serde_json::to_string(&timeline.head).expect("a head is plain data");
    let mut text = format!("{{\"displayTimeUnit\":\"ns\",\"otherData\":{head},\"traceEvents\":[\n");
    // Writing into a string cannot fail.
    let _ = events(timeline, &mut text);
    text += "]}\n";
    text
}

fn events(timeline: &Timeline, text: &mut String) -> fmt::Result {
    let case = serde_json::to_string(&timeline.head.case).expect("text is plain data");
    write!(
        text,
        r#"{{"ph":"M","pid":1,"tid":0,"name":"process_name","args":{{"name":{case}}}}}"#
    )?;
    let mut is_critical = vec![false; timeline.tasks.len()];
    for id in &timeline.critical {
        is_critical[*id as usize] = true;
    }
    let mut any_overlaps = false;
    for (lane, tasks) in timeline.by_lane().into_iter().enumerate() {
        let name = timeline.lane_name(lane);
        write!(
            text,
            ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{lane},\"name\":\"thread_name\",\"args\":{{\"name\":\"{name}\"}}}}"
        )?;
        let overlaps = overlaps(timeline, &tasks);
        any_overlaps |= overlaps;
        for id in tasks {
            let event = TaskEvent {
                timeline,
                id,
                lane,
                is_critical: is_critical[id as usize],
            };
            match overlaps {
                true => event.begin_and_end(text)?,
                false => event.complete(text)?,
            }
        }
    }
    // A flow connects only complete events.
    if !any_overlaps && timeline.critical.len() > 1 {
        flow(timeline, text)?;
    }
    Ok(())
}

/// Whether two of these tasks, which are in the order of their start, overlap.
fn overlaps(timeline: &Timeline, tasks: &[u32]) -> bool {
    let times = tasks.iter().map(|id| timeline.tasks[*id as usize]);
    let pairs = times.clone().zip(times.skip(1));
    pairs
        .into_iter()
        .any(|(one, next)| next.start_ns < one.end_ns())
}

/// A task as an event.
struct TaskEvent<'a> {
    timeline: &'a Timeline,
    id: u32,
    lane: usize,
    is_critical: bool,
}

impl TaskEvent<'_> {
    fn category(&self) -> &'static str {
        match self.is_critical {
            true => "task,critical",
            false => "task",
        }
    }

    fn complete(&self, text: &mut String) -> fmt::Result {
        let task = self.timeline.tasks[self.id as usize];
        write!(
            text,
            ",\n{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{},\"dur\":{},\"name\":\"task {}\",\"cat\":\"{}\"}}",
            self.lane,
            Microseconds(task.start_ns),
            Microseconds(task.duration_ns),
            self.id,
            self.category()
        )
    }

    /// Complete events of a thread must be nested, so tasks that overlap get a track of their own: a begin and an end.
    fn begin_and_end(&self, text: &mut String) -> fmt::Result {
        let task = self.timeline.tasks[self.id as usize];
        for (phase, ns) in [("b", task.start_ns), ("e", task.end_ns())] {
            write!(
                text,
                ",\n{{\"ph\":\"{phase}\",\"pid\":1,\"tid\":{},\"ts\":{},\"id\":{},\"name\":\"task {}\",\"cat\":\"{}\"}}",
                self.lane,
                Microseconds(ns),
                self.id,
                self.id,
                self.category()
            )?;
        }
        Ok(())
    }
}

/// The longest path: a start in its first task, a step in each, and an end in the last.
fn flow(timeline: &Timeline, text: &mut String) -> fmt::Result {
    let last = timeline.critical.len() - 1;
    for (index, id) in timeline.critical.iter().enumerate() {
        let task = timeline.tasks[*id as usize];
        let phase = match index {
            0 => "s",
            index if index == last => "f",
            _ => "t",
        };
        write!(
            text,
            ",\n{{\"ph\":\"{phase}\",\"pid\":1,\"tid\":{},\"ts\":{},\"id\":1,\"name\":\"longest path\",\"cat\":\"critical\",\"bp\":\"e\"}}",
            task.lane,
            Microseconds(task.start_ns),
        )?;
    }
    Ok(())
}

/// Nanoseconds, as microseconds with three digits behind the point.
struct Microseconds(u64);

impl Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::timeline::fixture::timeline;

    fn events_of(timeline: &Timeline) -> Vec<Value> {
        let trace: Value = serde_json::from_str(&chrome_trace(timeline)).unwrap();
        trace["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn tasks_are_complete_events_on_their_worker_and_the_longest_path_is_a_flow() {
        let mut run = timeline(&[(0, 1500, 0), (0, 60, 1), (1600, 2100, 1)], &[0, 2]);
        run.head.case = "quote\" <script>/rayon/2".into();
        let events = events_of(&run);
        assert_eq!(events[0]["args"]["name"], run.head.case);
        let complete: Vec<_> = events.iter().filter(|one| one["ph"] == "X").collect();
        let expected = json!({"ph": "X", "pid": 1, "tid": 0, "ts": 0.0, "dur": 1.5, "name": "task 0", "cat": "task,critical"});
        assert_eq!(*complete[0], expected);
        let ids: Vec<_> = complete.iter().map(|one| one["tid"].as_u64()).collect();
        assert_eq!(ids, [Some(0), Some(1), Some(1)]);
        assert_eq!(complete[1]["cat"], "task");
        let flow: Vec<_> = events
            .iter()
            .filter(|one| one["cat"] == "critical")
            .collect();
        let steps: Vec<_> = flow.iter().map(|one| (&one["ph"], &one["ts"])).collect();
        assert_eq!(
            steps,
            [(&json!("s"), &json!(0.0)), (&json!("f"), &json!(1.6))]
        );
    }

    #[test]
    fn awaited_tasks_that_overlap_begin_and_end() {
        let events = events_of(&timeline(&[(0, 1500, 0), (10, 1600, 0)], &[0, 1]));
        let phases: String = events
            .iter()
            .map(|one| one["ph"].as_str().unwrap())
            .collect();
        assert_eq!(phases, "MMbebe");
    }
}
