//! Decides which pair comes next and when the gate ends.

use std::io;
use std::time::Instant;

use super::pair::{self, Pair, median_times};
use super::steady::not_steady;
use super::{Contest, GatePlan, PairLog, Watcher};
use crate::compare::{ComparedCase, Evidence, Judgement, SideError, Verdict, judge};
use crate::random::{SplitMix64, mix, shuffle};
use crate::record::Channel;
use crate::stats::quantile;

/// The results of a gate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// One entry per contest, in the same order.
    pub cases: Vec<ComparedCase>,
    /// Why the gate stopped.
    pub stop: Stop,
    /// The number of finished pairs, including those of an earlier part of the gate.
    pub pair_count: u64,
    /// The fraction of the machine that everything else took; `None` if no pair was long enough to measure it.
    pub foreign_load_ratio: Option<f64>,
    /// The spread of the control loop's times: the 95th percentile ÷ the 5th. `None` without pairs.
    pub calibration_spread_ratio: Option<f64>,
}

/// Why a gate stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Every case was decided or had all its pairs.
    Done,
    /// The time limit was reached, so some cases had fewer pairs than planned.
    OutOfTime,
    /// The watcher cancelled it. Nothing was judged.
    Interrupted,
}

/// Runs pairs of all contests in turn and judges them at the looks of `plan`. A contest whose judged time is decided gets
/// no more pairs. Control contests are judged separately.
///
/// Pairs in `log` are not measured again. New pairs are appended to it as soon as they are finished. No pair begins
/// after `until`. No pair begins at all if `log` was judged at its time limit, because more pairs would need another
/// look than the plan has. The gate does not continue for the control alone.
///
/// # Errors
///
/// If a pair cannot be written to `log`.
pub(crate) fn run(
    contests: &[Contest],
    plan: &GatePlan,
    until: Option<Instant>,
    log: Option<&mut PairLog>,
    watcher: &mut dyn Watcher,
) -> io::Result<Ran> {
    let mut gate = Gate {
        tracks: contests.iter().map(Track::new).collect(),
        plan,
        until,
        log,
        watcher,
    };
    let mut stop = Stop::Done;
    for look in 1..=plan.look_count {
        stop = gate.measure_up_to(look * plan.pair_count)?;
        if stop == Stop::Interrupted {
            break;
        }
        if let (Stop::OutOfTime, Some(log)) = (stop, &mut gate.log) {
            log.note_judged_early()?;
        }
        gate.look();
        if stop == Stop::OutOfTime || !gate.is_open() {
            break;
        }
    }
    Ok(gate.finish(stop))
}

struct Gate<'a> {
    tracks: Vec<Track<'a>>,
    plan: &'a GatePlan,
    until: Option<Instant>,
    log: Option<&'a mut PairLog>,
    watcher: &'a mut dyn Watcher,
}

/// One contest and its results so far.
struct Track<'a> {
    contest: &'a Contest,
    pairs: Vec<Pair>,
    wall: Option<Judgement>,
    cpu: Option<Judgement>,
    error: Option<SideError>,
}

impl Gate<'_> {
    /// Measures until every open track has this many pairs. The tracks take turns, so that slow changes of the machine
    /// affect all alike.
    fn measure_up_to(&mut self, pair_count: u64) -> io::Result<Stop> {
        for index in 0..pair_count {
            let mut order: Vec<usize> = (0..self.tracks.len()).collect();
            shuffle(&mut order, mix(self.plan.seed ^ mix(index)));
            for number in order {
                let track = &self.tracks[number];
                if !track.is_open() || track.pairs.len() as u64 > index {
                    continue;
                }
                if self.watcher.is_cancelled() {
                    return Ok(Stop::Interrupted);
                }
                if self.is_late() && !self.is_known(number, index) {
                    return Ok(Stop::OutOfTime);
                }
                if self.one_pair(number, index, pair_count)?.is_none() {
                    return Ok(Stop::Interrupted);
                }
            }
        }
        Ok(Stop::Done)
    }

    /// Whether more pairs can decide any case.
    fn is_open(&self) -> bool {
        let mut cases = self.tracks.iter().filter(|track| !track.contest.is_control);
        cases.any(Track::is_open)
    }

    fn is_late(&self) -> bool {
        let was_judged = self.log.as_ref().is_some_and(|log| log.was_judged());
        was_judged || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Whether the log has this pair.
    fn is_known(&self, number: usize, index: u64) -> bool {
        let contest = self.tracks[number].contest;
        let log = self.log.as_ref();
        log.is_some_and(|log| {
            let id = contest.case.case.id();
            log.find(&id, contest.is_control, index).is_some()
        })
    }

    /// Gets the next pair of one track from the log, or measures it. `None` if it was interrupted.
    fn one_pair(&mut self, number: usize, index: u64, pair_count: u64) -> io::Result<Option<()>> {
        let contest = self.tracks[number].contest;
        let id = contest.case.case.id();
        let known = self.log.as_ref();
        let known = known.and_then(|log| log.find(&id, contest.is_control, index));
        let result = match known {
            Some(result) => result,
            None => {
                let left = self.tracks.iter().map(|track| track.left(pair_count)).sum();
                self.watcher.begin(&id, left);
                let numbers = numbers(self.plan.seed, number as u64, index);
                let result = pair::measure(contest, self.plan, index, numbers, &mut *self.watcher);
                if self.watcher.is_cancelled() {
                    return Ok(None);
                }
                if let Some(log) = &mut self.log {
                    log.append(&id, contest.is_control, &result)?;
                }
                result
            }
        };
        let track = &mut self.tracks[number];
        match result {
            Ok(pair) => track.pairs.push(pair),
            Err(error) => {
                self.watcher.failed(&id, &error);
                track.error = Some(error);
            }
        }
        Ok(Some(()))
    }

    /// Judges the open tracks, and the control separately.
    fn look(&mut self) {
        let alpha = self.plan.alpha_per_look();
        for is_control in [false, true] {
            let tracks = self.tracks.iter_mut();
            let mut family: Vec<_> = tracks
                .filter(|track| track.contest.is_control == is_control)
                .collect();
            // Tracks that were decided earlier have no new pairs, so they are not tested again.
            let was_open: Vec<bool> = family.iter().map(|track| track.is_open()).collect();
            // The times that decide share one alpha, whichever they are.
            look_at(&mut family, &was_open, |judged| judged, alpha);
            look_at(&mut family, &was_open, Channel::other, alpha);
        }
    }

    fn finish(self, stop: Stop) -> Ran {
        let pairs = || self.tracks.iter().flat_map(|track| &track.pairs);
        let slices = pairs().flat_map(|pair| &pair.slices);
        let calibrations: Vec<f64> = slices
            .map(|slice| slice.calibration.single_ns as f64)
            .collect();
        let slow = quantile(&calibrations, 0.95);
        let fast = quantile(&calibrations, 0.05);
        Ran {
            stop,
            pair_count: pairs().count() as u64,
            foreign_load_ratio: foreign_load(pairs()),
            calibration_spread_ratio: slow.zip(fast).map(|(slow, fast)| slow / fast),
            cases: self.tracks.into_iter().map(Track::finish).collect(),
        }
    }
}

/// Judges one time of each track of a family, and stores new judgements. `channel` selects it, given the one that
/// decides.
fn look_at(
    family: &mut [&mut Track<'_>],
    was_open: &[bool],
    channel: fn(Channel) -> Channel,
    alpha: f64,
) {
    let differences: Vec<Vec<f64>> = family
        .iter()
        .map(|track| track.differences(channel(track.judged())))
        .collect();
    let settled: Vec<Option<Verdict>> = family
        .iter()
        .zip(was_open)
        .map(|(track, was_open)| track.settled(channel(track.judged()), *was_open))
        .collect();
    let evidence: Vec<Evidence<'_>> = family
        .iter()
        .zip(differences.iter().zip(&settled))
        .map(|(track, (differences, settled))| Evidence {
            differences,
            threshold_ratio: track.contest.threshold_ratio,
            settled: *settled,
        })
        .collect();
    let judged = judge(&evidence, alpha);
    for ((track, settled), judgement) in family.iter_mut().zip(settled).zip(judged) {
        if settled.is_none() {
            *track.judgement_mut(channel(track.judged())) = judgement;
        }
    }
}

impl<'a> Track<'a> {
    fn new(contest: &'a Contest) -> Self {
        Self {
            contest,
            pairs: Vec::new(),
            wall: None,
            cpu: None,
            error: None,
        }
    }

    /// The time that decides.
    fn judged(&self) -> Channel {
        let first = self.pairs.first();
        first.map_or(Channel::Wall, |pair| pair.judged)
    }

    /// Whether more pairs can decide it: its judged time is not decided yet, and it has not failed.
    fn is_open(&self) -> bool {
        let verdict = self.judgement(self.judged()).map(|one| one.verdict);
        self.error.is_none() && verdict.is_none_or(|verdict| verdict == Verdict::Inconclusive)
    }

    /// How many pairs are missing until it has this many.
    fn left(&self, pair_count: u64) -> u64 {
        match self.is_open() {
            true => pair_count.saturating_sub(self.pairs.len() as u64),
            false => 0,
        }
    }

    /// One difference per pair; empty if a pair has no difference, or the case failed.
    fn differences(&self, channel: Channel) -> Vec<f64> {
        if self.error.is_some() {
            return Vec::new();
        }
        let differences = self.pairs.iter().map(|pair| pair.difference(channel));
        differences.collect::<Option<_>>().unwrap_or_default()
    }

    fn judgement(&self, channel: Channel) -> Option<&Judgement> {
        match channel {
            Channel::Wall => self.wall.as_ref(),
            Channel::Cpu => self.cpu.as_ref(),
        }
    }

    fn judgement_mut(&mut self, channel: Channel) -> &mut Option<Judgement> {
        match channel {
            Channel::Wall => &mut self.wall,
            Channel::Cpu => &mut self.cpu,
        }
    }

    /// The verdict of an earlier look, if this look must not test it again.
    fn settled(&self, channel: Channel, was_open: bool) -> Option<Verdict> {
        let verdict = self.judgement(channel)?.verdict;
        (!was_open || verdict != Verdict::Inconclusive).then_some(verdict)
    }

    /// Why there is no judgement of its judged time although it did not fail; `None` if there is one, or no pair.
    fn why_not_judged(&self) -> Option<String> {
        let channel = self.judged();
        let is_missing = self.error.is_none() && self.judgement(channel).is_none();
        (is_missing && !self.pairs.is_empty()).then(|| {
            format!(
                "it is judged by {}, which could not be measured in every slice",
                channel.words()
            )
        })
    }

    fn finish(self) -> ComparedCase {
        let failed = self.error.is_some();
        let times = median_times(&self.pairs, self.judged()).filter(|_| !failed);
        let if_sound = |judgement: Option<Judgement>| judgement.filter(|_| !failed);
        ComparedCase {
            case: self.contest.case.case.clone(),
            judged: self.judged(),
            has_latencies: self.pairs.iter().any(|pair| pair.has_latencies),
            not_judged: self.why_not_judged(),
            wall: if_sound(self.wall),
            cpu: if_sound(self.cpu),
            times,
            elapsed_ns: self.pairs.iter().map(|pair| pair.elapsed_ns).sum(),
            not_steady: not_steady(&self.pairs),
            error: self.error,
        }
    }
}

/// The random numbers for the orders of one pair.
fn numbers(seed: u64, contest: u64, index: u64) -> SplitMix64 {
    SplitMix64::new(mix(mix(mix(seed) ^ contest) ^ index))
}

/// The fraction of the machine that everything else took, over all pairs that were long enough to measure it.
fn foreign_load<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Option<f64> {
    let known = pairs.filter_map(|pair| Some((pair.foreign_cpu_ns?, pair.elapsed_ns)));
    let (foreign, elapsed) = known.fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let cores = f64::from(crate::machine::host::core_count());
    (elapsed > 0).then(|| foreign as f64 / (elapsed as f64 * cores))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::pair::{PairSlice, SliceSample};
    use super::super::{Arm, Both, ListedCase};
    use super::*;
    use crate::compare::Side;
    use crate::record::Calibration;
    use crate::record::fixture::case;

    fn contest() -> Contest {
        let arm = Arm::of_build(Path::new("/no/such/program"), 1);
        Contest {
            case: ListedCase {
                case: case("periodic", "rayon", 2).record().case,
                timeout_ns: None,
                task_timeout_ns: None,
                retry_limit: 0,
                threshold_ratio: None,
                certified_optimum_ns: None,
                can_pin: true,
            },
            arms: Both {
                base: arm.clone(),
                head: arm,
            },
            threshold_ratio: 0.01,
            is_control: false,
        }
    }

    /// A pair of the same wall times, with this CPU time on either side.
    fn pair(base_cpu_ns: Option<u64>, head_cpu_ns: Option<u64>) -> Pair {
        let slice = |side, cpu_ns| PairSlice {
            round: 0,
            side,
            calibration: Calibration {
                single_ns: 1,
                parallel_ns: None,
            },
            samples: vec![SliceSample {
                wall_ns: 1_000_000,
                cpu_ns,
                run_count: 1,
            }],
            usage: None,
        };
        let sides = [Side::Base, Side::Head, Side::Head, Side::Base];
        let slices = sides.map(|side| match side {
            Side::Base => slice(side, base_cpu_ns),
            Side::Head => slice(side, head_cpu_ns),
        });
        Pair {
            judged: Channel::Cpu,
            has_latencies: true,
            ..Pair::invented(slices.to_vec())
        }
    }

    /// The judgement of a case with thirty of these pairs, and whether more pairs would be measured.
    fn judged(pair: &Pair) -> (ComparedCase, bool) {
        let contest = contest();
        let mut track = Track::new(&contest);
        track.pairs = vec![pair.clone(); 30];
        look_at(&mut [&mut track], &[true], |judged| judged, 0.01);
        look_at(&mut [&mut track], &[true], Channel::other, 0.01);
        let is_open = track.is_open();
        (track.finish(), is_open)
    }

    #[test]
    fn a_case_that_is_ranked_by_cpu_time_is_decided_by_it() {
        let (found, is_open) = judged(&pair(Some(10_000), Some(12_000)));
        assert_eq!((found.judged, is_open), (Channel::Cpu, false));
        assert_eq!(found.verdict(), Verdict::Regressed);
        assert!(found.has_latencies);
        assert_eq!(found.wall.unwrap().verdict, Verdict::Unchanged);
        let (found, _) = judged(&pair(Some(10_000), Some(10_000)));
        assert_eq!(found.verdict(), Verdict::Unchanged);
    }

    #[test]
    fn a_case_whose_judged_time_is_not_known_says_so() {
        let (found, _) = judged(&pair(Some(10_000), None));
        assert_eq!(found.verdict(), Verdict::Inconclusive);
        assert_eq!(
            found.not_judged.as_deref(),
            Some("it is judged by CPU time, which could not be measured in every slice")
        );
    }
}
