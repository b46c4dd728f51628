//! What the processes of an external child use over one slice, and whether the times that it reports can be true.
//!
//! A worker that is one process runs one task at a time, so this process cannot use more CPU time than the clock on the
//! wall showed, however many others work beside it. The process that hands out tasks is held to the same limit, so it
//! need not be told from a worker.

use crate::backend::{Backend, Family};
use crate::external::External;
use crate::machine::host::core_count;
use crate::machine::tree::reading::{ProcessCpu, TreeDifference};
use crate::record::{Case, CaseError, ErrorKind, Sample, SliceUsage};

/// By what factor the CPU time of a slice may exceed the wall time of its samples on all cores that can be used: a child
/// that reports half of its wall time exceeds it by 2. The rest is for what it does between samples.
const MOST_CPU_RATIO: f64 = 1.5;
/// CPU time that no slice has to explain: reading the request, writing the reply.
const UNEXPLAINED_NS: f64 = 20e6;
/// What each of more ranks than cores may use around each sample: they look for messages in turn while they meet and while
/// the first of them collects the outputs, and a turn lasts for some milliseconds.
const TURN_NS: f64 = 10e6;

/// Judges the CPU time of the slices of one case.
pub(super) struct ChildMeter {
    family: Family,
    worker_count: u32,
    /// The cores of the machine.
    core_count: u32,
    /// Whether more ranks than cores take turns.
    takes_turns: bool,
}

/// CPU time of some of the processes, and what they can have used it on.
struct CpuPart {
    whose: &'static str,
    cpu_ns: u64,
    core_count: u32,
}

impl ChildMeter {
    /// A meter for `case` on `external`.
    pub(super) fn new(external: &External, case: &Case) -> Self {
        let core_count = core_count();
        Self {
            family: external.family(),
            worker_count: case.workers,
            core_count,
            takes_turns: external.launches_ranks() && case.workers > core_count,
        }
    }

    /// The usage of a slice, for its record.
    ///
    /// # Errors
    ///
    /// If the reported wall times are longer than the slice, or too short for the CPU time that the processes used.
    pub(super) fn check(
        &self,
        used: &TreeDifference,
        samples: &[Sample],
    ) -> Result<SliceUsage, CaseError> {
        let walls = samples.iter().map(|sample| sample.wall_ns);
        let wall_ns = walls.fold(0, u64::saturating_add);
        if wall_ns > used.elapsed_ns {
            let [wall_ms, elapsed_ms] = [wall_ns, used.elapsed_ns].map(|ns| ns as f64 / 1e6);
            let message = format!(
                "the samples of a slice took {wall_ms:.1} ms together, but the slice only {elapsed_ms:.1} ms: times are in \
                 nanoseconds"
            );
            return Err(CaseError::new(ErrorKind::Protocol, message));
        }
        let turns_ns = match self.takes_turns {
            true => (samples.len() as f64 + 1.0) * f64::from(self.worker_count) * TURN_NS,
            false => 0.0,
        };
        let too_much = |part: &CpuPart| {
            let most_ns = wall_ns as f64 * f64::from(part.core_count) * MOST_CPU_RATIO;
            part.cpu_ns as f64 > most_ns + UNEXPLAINED_NS + turns_ns
        };
        match self.parts(used).iter().find(|part| too_much(part)) {
            Some(part) => Err(wall_too_short(part, wall_ns)),
            None => Ok(used.of_slice(0, wall_ns)),
        }
    }

    /// The parts that are judged one by one.
    fn parts(&self, used: &TreeDifference) -> Vec<CpuPart> {
        // The process that hands out tasks works beside its worker processes.
        let coordinator_count = match self.family {
            Family::Processes | Family::Mixed => 1,
            Family::Serial | Family::Threads | Family::Async => 0,
        };
        let part = |whose, cpu_ns, core_count: u32| CpuPart {
            whose,
            cpu_ns,
            core_count: core_count.min(self.core_count),
        };
        let all = self.worker_count + coordinator_count;
        let mut parts = vec![
            // They may have existed one after the other, or all at once.
            part(
                "its processes that have ended",
                used.ended_ns,
                self.worker_count,
            ),
            part("its processes", used.cpu.ns().unwrap_or(0), all),
        ];
        let one = |process: &ProcessCpu| {
            let core_count = self.cores_of(process);
            part("one of its processes", process.cpu_ns, core_count)
        };
        parts.extend(used.processes.iter().map(one));
        parts
    }

    /// How many cores one process can keep busy.
    fn cores_of(&self, process: &ProcessCpu) -> u32 {
        match self.family {
            Family::Processes => process.thread_count.clamp(1, self.worker_count),
            // Threads may have come and gone between the two readings.
            Family::Serial | Family::Threads | Family::Async | Family::Mixed => self.worker_count,
        }
    }
}

fn wall_too_short(part: &CpuPart, wall_ns: u64) -> CaseError {
    let [cpu_ms, wall_ms] = [part.cpu_ns, wall_ns].map(|ns| ns as f64 / 1e6);
    let message = format!(
        "{} used {cpu_ms:.1} ms of CPU time, but the samples of the slice took only {wall_ms:.1} ms of wall time, on at \
         most {} cores: the child reports less time than its tasks take, works between samples, or has more threads than \
         workers",
        part.whose, part.core_count
    );
    CaseError::new(ErrorKind::WallTooShort, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tree::reading::SliceCpu;

    const MS: u64 = 1_000_000;
    /// What a slice of half the wall time is, long beside what is allowed in any case.
    const HALF_MS: u64 = 500;

    /// A slice in which these processes, each with its CPU time in milliseconds and its threads, worked for a second.
    fn used(processes: &[(u64, u32)], ended_ms: u64) -> TreeDifference {
        let sum: u64 = processes.iter().map(|one| one.0).sum();
        TreeDifference {
            cpu: SliceCpu::Clock((sum + ended_ms) * MS),
            processes: processes
                .iter()
                .map(|&(cpu_ms, thread_count)| ProcessCpu {
                    cpu_ns: cpu_ms * MS,
                    thread_count,
                })
                .collect(),
            ended_ns: ended_ms * MS,
            least_cpu_ns: (sum + ended_ms) * MS,
            most_cpu_ns: (sum + ended_ms) * MS,
            elapsed_ns: 1_000 * MS,
            voluntary_switch_count: 0,
            involuntary_switch_count: 0,
        }
    }

    /// Whether a slice passes if its samples took this long, on a machine with 64 cores.
    fn passes(family: Family, worker_count: u32, used: &TreeDifference, wall_ms: u64) -> bool {
        let meter = ChildMeter {
            family,
            worker_count,
            core_count: 64,
            takes_turns: false,
        };
        let result = meter.check(used, &[Sample::new(wall_ms * MS, 1)]);
        assert!(
            result
                .as_ref()
                .err()
                .is_none_or(|error| error.kind == ErrorKind::WallTooShort)
        );
        result.is_ok()
    }

    #[test]
    fn half_the_time_of_worker_processes_is_caught_with_any_number_of_them() {
        for worker_count in [1, 2, 3, 8] {
            let mut processes = vec![(990, 1); worker_count as usize];
            // The coordinator is busy too, and has more threads than it uses.
            processes.push((950, 3));
            let used = used(&processes, 0);
            assert!(passes(Family::Processes, worker_count, &used, 1_000));
            assert!(!passes(Family::Processes, worker_count, &used, HALF_MS));
        }
    }

    #[test]
    fn one_busy_worker_is_enough() {
        let used = used(&[(800, 1), (10, 1), (10, 1), (10, 1), (100, 4)], 0);
        assert!(passes(Family::Processes, 4, &used, 1_000));
        assert!(!passes(Family::Processes, 4, &used, HALF_MS));
    }

    #[test]
    fn processes_that_have_ended_are_judged_together() {
        for worker_count in [1, 2] {
            let used = used(&[(900, 1)], u64::from(worker_count) * 900);
            assert!(passes(Family::Processes, worker_count, &used, 1_000));
            assert!(!passes(Family::Processes, worker_count, &used, HALF_MS));
        }
    }

    #[test]
    fn a_coordinator_may_use_as_many_cores_as_it_has_threads_and_workers() {
        let used = used(&[(3_000, 8), (900, 1), (900, 1), (900, 1)], 0);
        assert!(passes(Family::Processes, 3, &used, 1_000));
        assert!(!passes(Family::Processes, 1, &used, 1_000));
    }

    #[test]
    fn threads_of_one_process_are_judged_together() {
        for family in [Family::Threads, Family::Mixed] {
            let used = used(&[(1_900, 3)], 0);
            assert!(passes(family, 2, &used, 1_000), "{family:?}");
            assert!(!passes(family, 2, &used, HALF_MS), "{family:?}");
        }
    }

    #[test]
    fn ranks_that_take_turns_may_use_more_around_their_samples() {
        let passes = |takes_turns, cpu_ms| {
            let meter = ChildMeter {
                family: Family::Processes,
                worker_count: 3,
                core_count: 2,
                takes_turns,
            };
            let samples = [Sample::new(2 * MS, 1), Sample::new(2 * MS, 1)];
            meter.check(&used(&[(cpu_ms, 1)], 0), &samples).is_ok()
        };
        // 20 ms in any case, 6 ms for the samples, and 90 ms for three turns of three ranks.
        assert!(passes(true, 115) && !passes(true, 117));
        assert!(passes(false, 25) && !passes(false, 27));
    }

    #[test]
    fn workers_without_enough_cores_are_given_those_that_exist() {
        let meter = ChildMeter {
            family: Family::Threads,
            worker_count: 8,
            core_count: 1,
            takes_turns: false,
        };
        let used = used(&[(980, 8)], 0);
        let slice = meter.check(&used, &[Sample::new(970 * MS, 1)]).unwrap();
        assert_eq!((slice.cpu_ns, slice.wall_ns), (Some(980 * MS), 970 * MS));
        let error = meter.check(&used, &[Sample::new(HALF_MS * MS, 1)]);
        assert_eq!(error.unwrap_err().kind, ErrorKind::WallTooShort);
    }
}
