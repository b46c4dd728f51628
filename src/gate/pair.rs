//! Measures one pair: two fresh processes that warm up the same case and then alternate.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::listing::work_differs;
use super::{Arm, Both, Contest, GatePlan};
use crate::backend::Backend;
use crate::case::protocol::Prepare;
use crate::case::{ChildPlan, Idle, LatencyTime, Ready, Session};
use crate::compare::{Side, SideError, SideTimes};
use crate::machine::bracket::Bracket;
use crate::machine::host::core_count;
use crate::measure::calibration::{calibrate, calibrate_alone};
use crate::measure::{Slice, SlicePlan};
use crate::random::SplitMix64;
use crate::record::{
    Calibration, Case, CaseError, Channel, ErrorKind, SliceUsage, nanoseconds, run_ns,
};
use crate::stats::median;
use crate::stats::paired::{Round, difference};

/// A pair with all its measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// The id of the case.
    pub case: String,
    /// Whether it compares the base with itself.
    pub is_control: bool,
    /// The number of the pair among the pairs of its case, from 0.
    pub index: u64,
    /// The time that decides, as the head says.
    #[serde(default)]
    pub judged: Channel,
    /// Whether the tasks of the head time something beside the run. No verdict is about that.
    #[serde(default)]
    pub has_latencies: bool,
    /// The side whose process was started first.
    pub first: Side,
    /// The digest of both.
    pub digest: String,
    /// The time from before the first process was started until after the last has exited.
    pub elapsed_ns: u64,
    /// CPU time that everything else on the machine took meanwhile; null for pairs under 100 ms.
    pub foreign_cpu_ns: Option<u64>,
    /// The slices, in the order in which they were taken.
    pub slices: Vec<PairSlice>,
}

/// One slice of one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PairSlice {
    /// The number of its round, from 0.
    pub round: u32,
    /// Its side.
    pub side: Side,
    /// How fast the machine was just before its round.
    pub calibration: Calibration,
    /// At least one.
    pub samples: Vec<SliceSample>,
    /// What all processes of the side used, for children that do not measure it with each sample; else null.
    #[serde(default)]
    pub usage: Option<SliceUsage>,
}

/// One sample of a slice: see [`crate::record::Sample`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SliceSample {
    /// Wall time of all its runs together.
    pub wall_ns: u64,
    /// CPU time of all its runs together; null if the child does not measure it.
    pub cpu_ns: Option<u64>,
    /// The number of runs.
    pub run_count: u64,
}

impl Pair {
    /// The logarithm of the head's time ÷ the base's time. `None` if a slice took no time.
    pub(crate) fn difference(&self, channel: Channel) -> Option<f64> {
        let round_count = self.slices.iter().map(|slice| slice.round + 1).max()?;
        let rounds: Option<Vec<Round>> = (0..round_count)
            .map(|round| {
                Some(Round {
                    base: self.times(round, Side::Base, channel)?,
                    head: self.times(round, Side::Head, channel)?,
                })
            })
            .collect();
        difference(&rounds?)
    }

    /// The times of the two slices of one side in one round.
    fn times(&self, round: u32, side: Side, channel: Channel) -> Option<[f64; 2]> {
        let own = |slice: &&PairSlice| slice.round == round && slice.side == side;
        let slices = self.slices.iter().filter(own);
        let times: Option<Vec<f64>> = slices.map(|slice| slice.time(channel)).collect();
        times?.try_into().ok()
    }
}

/// The median time of a run on each side, over all pairs; `None` if a slice has no such time.
pub(super) fn median_times(pairs: &[Pair], channel: Channel) -> Option<SideTimes> {
    let of = |side| {
        let slices = pairs.iter().flat_map(|pair| &pair.slices);
        let own = slices.filter(|slice| slice.side == side);
        let times: Option<Vec<f64>> = own.map(|slice| slice.time(channel)).collect();
        median(&times?)
    };
    Some(SideTimes {
        base_ns: of(Side::Base)?,
        head_ns: of(Side::Head)?,
    })
}

#[cfg(test)]
impl Pair {
    /// A pair for tests of what is computed from slices.
    pub(super) fn invented(slices: Vec<PairSlice>) -> Self {
        Self {
            case: "x".into(),
            is_control: false,
            index: 0,
            judged: Channel::Wall,
            has_latencies: false,
            first: Side::Base,
            digest: String::new(),
            elapsed_ns: 1,
            foreign_cpu_ns: None,
            slices,
        }
    }
}

impl PairSlice {
    /// The time of one run in nanoseconds: the median of wall time over the samples, and the mean of CPU time, because
    /// a single sample takes too little CPU time to measure, or over the whole slice if the samples have none.
    fn time(&self, channel: Channel) -> Option<f64> {
        let runs: u64 = self.samples.iter().map(|sample| sample.run_count).sum();
        let of_samples: Option<u64> = self.samples.iter().map(|sample| sample.cpu_ns).sum();
        let cpu_ns = of_samples.or_else(|| self.usage?.cpu_ns);
        let wall = |sample: &SliceSample| run_ns(sample.wall_ns, sample.run_count);
        match channel {
            Channel::Wall => median(&self.samples.iter().map(wall).collect::<Vec<_>>()),
            Channel::Cpu => cpu_ns.filter(|_| runs > 0).map(|ns| run_ns(ns, runs)),
        }
    }
}

/// Measures the pair with this index. All orders are drawn from `numbers`.
///
/// # Errors
///
/// What failed, and on which side.
pub(super) fn measure(
    contest: &Contest,
    plan: &GatePlan,
    index: u64,
    mut numbers: SplitMix64,
    idle: &mut dyn Idle,
) -> Result<Pair, SideError> {
    let bracket = Bracket::start();
    let first = draw(&mut numbers);
    let (mut sessions, prepared) = start_both(contest, plan, first, idle)?;
    let digest = same_work(&prepared)?;
    let plan_of_slice = SlicePlan {
        min_time_ns: plan.slice_ns,
        // This is more than any slice of a few milliseconds has. The output of a child must not fill the memory.
        max_sample_count: 1_000_000,
        // Both sides time the same number of runs. Otherwise the cost of the first run of a sample would affect them
        // differently.
        run_count: Some(prepared.base.run_count.max(prepared.head.run_count)),
        ..SlicePlan::exactly(1)
    };
    let mut slices = Vec::new();
    let mut round_count = plan.round_count;
    let start = Instant::now();
    for round in 0.. {
        if round == 1 && start.elapsed() > plan.longest_round() {
            // The runs are longer than the slices. Half the rounds then measure for longer than usual.
            round_count = round_count.div_ceil(2);
        }
        if round == round_count {
            break;
        }
        let outer = draw(&mut numbers);
        // A gate uses only the time of one thread. The other time is stored if the system allows the threads.
        let calibration = calibrate(contest.case.case.workers.min(core_count()));
        let calibration = calibration.unwrap_or_else(|_| calibrate_alone());
        for side in [outer, outer.other(), outer.other(), outer] {
            let session = sessions.of_mut(side);
            // The time limit applies to this case only, not to the time of its partner.
            session.renew();
            let slice = session.slice(plan_of_slice, idle);
            let (samples, usage) = slice
                .and_then(sound_samples)
                .map_err(|error| on(side, error))?;
            slices.push(PairSlice {
                round,
                side,
                calibration,
                samples,
                usage,
            });
        }
    }
    let Both { base, head } = sessions;
    base.finish(idle).map_err(|error| on(Side::Base, error))?;
    head.finish(idle).map_err(|error| on(Side::Head, error))?;
    let bracketed = bracket.end();
    let pair = Pair {
        case: contest.case.case.id(),
        is_control: contest.is_control,
        index,
        judged: Channel::ranked_by(prepared.head.is_ranked_by_cpu),
        has_latencies: prepared.head.latencies != LatencyTime::Never,
        first,
        digest,
        elapsed_ns: nanoseconds(bracketed.elapsed),
        foreign_cpu_ns: bracketed.foreign_cpu_ns,
        slices,
    };
    match pair.difference(Channel::Wall) {
        Some(_) => Ok(pair),
        None => Err(SideError {
            side: None,
            error: CaseError::new(ErrorKind::Protocol, "a sample took no time"),
        }),
    }
}

/// Draws a side.
fn draw(numbers: &mut SplitMix64) -> Side {
    match numbers.below(2) {
        0 => Side::Base,
        _ => Side::Head,
    }
}

fn on(side: Side, error: CaseError) -> SideError {
    SideError {
        side: Some(side),
        error,
    }
}

/// Starts `first`, then the other side. A process that is ready waits in a blocking read.
fn start_both(
    contest: &Contest,
    plan: &GatePlan,
    first: Side,
    idle: &mut dyn Idle,
) -> Result<(Both<Session>, Both<Ready>), SideError> {
    let mut start = |side| {
        let arm = contest.arms.of(side);
        let timeout = contest.case.timeout_ns.unwrap_or(plan.timeout_ns);
        let prepare = prepare(contest, arm, plan);
        let child_plan = ChildPlan {
            program: arm.child.clone(),
            works: Some(&*arm.works),
            // The backend of a build may be one of its own. The build then checks the bound itself.
            backend: arm
                .child
                .external()
                .map(|external| external as &dyn Backend),
        };
        Session::start(&child_plan, prepare, Duration::from_nanos(timeout), idle)
            .map_err(|error| on(side, error))
    };
    let (one, other) = (start(first)?, start(first.other())?);
    let (base, head) = match first {
        Side::Base => (one, other),
        Side::Head => (other, one),
    };
    let sessions = Both {
        base: base.0,
        head: head.0,
    };
    let prepared = Both {
        base: base.1,
        head: head.1,
    };
    Ok((sessions, prepared))
}

fn prepare(contest: &Contest, arm: &Arm, plan: &GatePlan) -> Prepare {
    let case = Case {
        pin: plan.pin,
        ..contest.case.case.clone()
    };
    Prepare {
        warmup_ns: plan.warmup_ns,
        min_sample_ns: plan.min_sample_ns,
        retry_limit: contest.case.retry_limit,
        task_timeout_ns: contest.case.task_timeout_ns,
        certified_optimum_ns: contest.case.certified_optimum_ns,
        stretch_ratio: arm.stretch_ratio,
        ..Prepare::of(case)
    }
}

/// Returns the digest of both sides. An error if they do different work, because their times must not be compared.
fn same_work(prepared: &Both<Ready>) -> Result<String, SideError> {
    let Both { base, head } = prepared;
    if base.graph == head.graph && base.digest == head.digest {
        return Ok(base.digest.to_string());
    }
    let shown = |side: &Ready| {
        let size = side.graph;
        let (tasks, edges) = (size.task_count, size.edge_count);
        format!("{tasks} tasks, {edges} edges, digest {}", side.digest)
    };
    Err(work_differs(format!(
        "the two sides do different work, so their times cannot be compared: base {}; head {}",
        shown(base),
        shown(head)
    )))
}

/// The samples of a slice with valid times, and what these have used together.
fn sound_samples(slice: Slice) -> Result<(Vec<SliceSample>, Option<SliceUsage>), CaseError> {
    let sound = slice.samples.iter().filter(|sample| !sample.is_degraded);
    let samples: Vec<SliceSample> = sound
        .map(|sample| SliceSample {
            wall_ns: sample.wall_ns,
            cpu_ns: sample.cpu_ns,
            run_count: sample.run_count.max(1),
        })
        .collect();
    if samples.is_empty() {
        let message = "worker processes died in every sample of a slice, so it has no valid times";
        return Err(CaseError::new(ErrorKind::WorkerDied, message));
    }
    // The figure of the slice cannot be divided among its samples.
    let are_all = samples.len() == slice.samples.len();
    Ok((samples, slice.usage.filter(|_| are_all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::UsageSource;

    fn slice(round: u32, side: Side, walls_ns: &[u64], cpu_ns: u64) -> PairSlice {
        let sample = |wall_ns: &u64| SliceSample {
            wall_ns: *wall_ns,
            cpu_ns: Some(cpu_ns),
            run_count: 2,
        };
        PairSlice {
            round,
            side,
            calibration: Calibration {
                single_ns: 1,
                parallel_ns: None,
            },
            samples: walls_ns.iter().map(sample).collect(),
            usage: None,
        }
    }

    #[test]
    fn a_pair_takes_medians_of_samples_and_sides_in_any_order() {
        use Side::{Base, Head};
        let pair = Pair::invented(vec![
            slice(0, Head, &[400, 400, 9_000], 50),
            slice(0, Base, &[200, 100, 300], 100),
            slice(0, Base, &[800], 100),
            slice(0, Head, &[1_600], 50),
        ]);
        // (ln 200 + ln 800) / 2 - (ln 100 + ln 400) / 2, all in runs of two.
        let wall = pair.difference(Channel::Wall).unwrap();
        assert!((wall - 2f64.ln()).abs() < 1e-12);
        let cpu = pair.difference(Channel::Cpu).unwrap();
        assert!((cpu - 0.5f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_pair_of_children_that_measure_no_cpu_time_has_that_of_whole_slices() {
        use Side::{Base, Head};
        // Two samples of two runs each.
        let foreign = |side, slice_cpu_ns| {
            let mut slice = slice(0, side, &[400, 400], 0);
            for sample in &mut slice.samples {
                sample.cpu_ns = None;
            }
            slice.usage = Some(SliceUsage {
                invocation: 0,
                cpu_ns: slice_cpu_ns,
                voluntary_switch_count: None,
                involuntary_switch_count: None,
                wall_ns: 800,
                source: UsageSource::Clock,
            });
            slice
        };
        let of = |head_cpu_ns| {
            Pair::invented(vec![
                foreign(Head, head_cpu_ns),
                foreign(Base, Some(300)),
                foreign(Base, Some(300)),
                foreign(Head, head_cpu_ns),
            ])
        };
        let cpu = of(Some(600)).difference(Channel::Cpu).unwrap();
        assert!((cpu - 2f64.ln()).abs() < 1e-12);
        assert_eq!(foreign(Base, Some(300)).time(Channel::Cpu), Some(75.0));
        assert_eq!(of(None).difference(Channel::Cpu), None);
    }

    #[test]
    fn a_pair_without_cpu_time_or_with_a_slice_missing_has_no_difference() {
        use Side::{Base, Head};
        let mut slices = vec![
            slice(0, Head, &[400], 0),
            slice(0, Base, &[200], 0),
            slice(0, Base, &[200], 0),
            slice(0, Head, &[400], 0),
        ];
        let whole = Pair::invented(slices.clone());
        assert!(whole.difference(Channel::Wall).is_some());
        assert_eq!(whole.difference(Channel::Cpu), None);
        slices.pop();
        assert_eq!(Pair::invented(slices).difference(Channel::Wall), None);
        assert_eq!(Pair::invented(Vec::new()).difference(Channel::Wall), None);
    }
}
