//! Decides which pair comes next and when the gate ends.

use std::io;
use std::time::Instant;

use super::pair::{self, Pair};
use super::track::{Track, look_at};
use super::{Contest, GatePlan, PairLog, Watcher};
use crate::compare::ComparedCase;
use crate::random::{SplitMix64, mix, shuffle};
use crate::stats::correlation::{Correlation, Neighbours};
use crate::stats::quantile;

/// The results of a gate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// One entry per contest, in the same order.
    pub cases: Vec<ComparedCase>,
    /// Why the gate stopped.
    pub stop: Stop,
    /// The correlation of successive pairs of a case; `None` if there are too few.
    pub correlation: Option<Correlation>,
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
    /// Every case was decided or had all its planned pairs.
    Done,
    /// The time limit was reached before that.
    OutOfTime,
    /// The watcher cancelled it. Nothing was judged.
    Interrupted,
}

/// Runs pairs of all contests and judges them as `plan` says: once when each has its planned number of pairs, or after
/// every pair until each case is decided. Control contests are judged separately.
///
/// Pairs in `log` are not measured again. New pairs are appended to it as soon as they are finished. No pair begins
/// after `until`. With a planned number of pairs, no pair begins either if `log` was judged at its time limit, because
/// more pairs would need a second look.
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
    let stop = match plan.pair_count {
        Some(pair_count) => gate.measure_planned(pair_count)?,
        None => gate.measure_until_decided()?,
    };
    Ok(gate.finish(stop))
}

struct Gate<'a> {
    tracks: Vec<Track<'a>>,
    plan: &'a GatePlan,
    until: Option<Instant>,
    log: Option<&'a mut PairLog>,
    watcher: &'a mut dyn Watcher,
}

impl Gate<'_> {
    /// Measures the same number of pairs of every track, and judges them once. The tracks take turns, so that slow
    /// changes of the machine affect all alike.
    fn measure_planned(&mut self, pair_count: u64) -> io::Result<Stop> {
        let mut stop = Stop::Done;
        for index in 0..pair_count {
            let mut order: Vec<usize> = (0..self.tracks.len()).collect();
            shuffle(&mut order, mix(self.plan.seed ^ mix(index)));
            for number in order {
                if stop == Stop::Done && self.tracks[number].is_open() {
                    let left = self.tracks.iter().map(|track| track.left(pair_count)).sum();
                    stop = self.one_pair(number, left)?;
                }
            }
        }
        if let (Stop::OutOfTime, Some(log)) = (stop, &mut self.log) {
            log.note_judged_early()?;
        }
        if stop != Stop::Interrupted {
            self.look();
        }
        Ok(stop)
    }

    /// Measures pair after pair until every case is decided, and looks after each. The control is not measured any
    /// longer than that.
    fn measure_until_decided(&mut self) -> io::Result<Stop> {
        while let Some(number) = next(&self.tracks) {
            let left = self.tracks.iter().map(Track::likely_left).sum();
            let stop = self.one_pair(number, left)?;
            if stop != Stop::Done {
                return Ok(stop);
            }
            let was_open: Vec<bool> = self.tracks.iter().map(Track::is_open).collect();
            self.look();
            for (track, was_open) in self.tracks.iter().zip(was_open) {
                if let Some(judgement) = track.decided().filter(|_| was_open) {
                    let id = track.contest.case.case.id();
                    self.watcher.decided(&id, judgement);
                }
            }
        }
        Ok(Stop::Done)
    }

    fn is_late(&self) -> bool {
        let was_judged = self.log.as_ref().is_some_and(|log| log.was_judged());
        was_judged || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Gets the next pair of one track from the log, or measures it. About `left` pairs remain, this one included.
    fn one_pair(&mut self, number: usize, left: u64) -> io::Result<Stop> {
        if self.watcher.is_cancelled() {
            return Ok(Stop::Interrupted);
        }
        let track = &self.tracks[number];
        let (contest, index) = (track.contest, track.pairs.len() as u64);
        let id = contest.case.case.id();
        let known = self.log.as_ref();
        let known = known.and_then(|log| log.find(&id, contest.is_control, index));
        let result = match known {
            Some(result) => result,
            None if self.is_late() => return Ok(Stop::OutOfTime),
            None => {
                self.watcher.begin(&id, left);
                let numbers = numbers(self.plan.seed, number as u64, index);
                let result = pair::measure(contest, self.plan, index, numbers, &mut *self.watcher);
                if self.watcher.is_cancelled() {
                    return Ok(Stop::Interrupted);
                }
                if let Some(log) = &mut self.log {
                    log.append(&id, contest.is_control, &result)?;
                }
                result
            }
        };
        match result {
            Ok(pair) => self.tracks[number].push(pair),
            Err(error) => {
                self.watcher.failed(&id, &error);
                self.tracks[number].error = Some(error);
            }
        }
        Ok(Stop::Done)
    }

    /// Judges the open tracks, and the control separately.
    fn look(&mut self) {
        for is_control in [false, true] {
            let tracks = self.tracks.iter_mut();
            let mut family: Vec<_> = tracks
                .filter(|track| track.contest.is_control == is_control)
                .collect();
            look_at(&mut family, self.plan);
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
        let mut neighbours = Neighbours::default();
        for track in &self.tracks {
            neighbours.add(&track.differences(track.judged()));
        }
        Ran {
            stop,
            correlation: neighbours.correlation(),
            pair_count: pairs().count() as u64,
            foreign_load_ratio: foreign_load(pairs()),
            calibration_spread_ratio: slow.zip(fast).map(|(slow, fast)| slow / fast),
            cases: self.tracks.into_iter().map(Track::finish).collect(),
        }
    }
}

/// The track that gets the next pair; `None` if every case is decided.
///
/// The control takes the turn of an average case. Each case first gets a few pairs, in turn. Then the case that seems to
/// be closest to a decision comes first. One that looks slower counts as closer, because it is what people wait for.
fn next(tracks: &[Track<'_>]) -> Option<usize> {
    let open = |is_control| {
        let numbered = tracks.iter().enumerate();
        numbered.filter(move |(_, track)| track.is_open() && track.contest.is_control == is_control)
    };
    let (closest, _) = open(false).min_by(|(_, a), (_, b)| a.urgency().total_cmp(&b.urgency()))?;
    let cases = || tracks.iter().filter(|track| !track.contest.is_control);
    let pair_count: usize = cases().map(|case| case.pairs.len()).sum();
    let waiting =
        open(true).find(|(_, control)| control.pairs.len() * cases().count() <= pair_count);
    Some(waiting.map_or(closest, |(control, _)| control))
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
    use super::*;
    use crate::compare::Verdict;
    use crate::gate::fixture::{contest, pair_of_wall};

    /// Looks at these tracks, each with pairs whose heads take these percentages of the base's time.
    fn looked_at<'a>(contests: &'a [Contest], pairs: &[&[u64]]) -> Vec<Track<'a>> {
        let mut tracks: Vec<Track<'a>> = contests.iter().map(Track::new).collect();
        for (track, pairs) in tracks.iter_mut().zip(pairs) {
            for per_cent in *pairs {
                track.push(pair_of_wall(*per_cent));
            }
        }
        let cases = tracks.iter_mut().filter(|track| !track.contest.is_control);
        look_at(&mut cases.collect::<Vec<_>>(), &GatePlan::new(1));
        tracks
    }

    #[test]
    fn the_case_that_is_closest_to_a_decision_is_next() {
        let contests = [contest(), contest(), contest()];
        let next_of = |pairs: [&[u64]; 3]| next(&looked_at(&contests, &pairs));
        let (same, slow, mixed) = ([100; 5], [120; 5], [120, 120, 120, 100, 100]);
        // First, each gets five.
        assert_eq!(next_of([&[], &[], &[]]), Some(0));
        assert_eq!(next_of([&same, &slow[..4], &mixed]), Some(1));
        // Five of five on one side are closer than three of five, and a slower one is closer than an equal one.
        assert_eq!(next_of([&mixed, &same, &slow]), Some(2));
        assert_eq!(next_of([&mixed, &same, &mixed]), Some(1));
        let mostly_slow = [120, 120, 100, 120, 120];
        let mostly_same = [100, 100, 80, 100, 100];
        assert_eq!(next_of([&mixed, &mostly_same, &mostly_slow]), Some(2));
        // Eleven of eleven need only one more.
        assert_eq!(next_of([&mixed, &[100; 11], &mostly_slow]), Some(1));
        // As far as can be seen, no number of pairs would decide the first.
        assert_eq!(
            next_of([&[120, 100, 120, 100, 120, 100], &mixed, &mixed]),
            Some(1)
        );
    }

    #[test]
    fn decided_cases_get_no_more_pairs_and_the_last_level_is_the_whole() {
        let contests = [contest(), contest()];
        // e(12, 12) is 630 and more than 2 / 0.005; after the first is decided, e(11, 11) = 341 does.
        let tracks = looked_at(&contests, &[&[120; 12], &[120; 11]]);
        assert_eq!(next(&tracks), None);
        let levels: Vec<f64> = tracks
            .iter()
            .map(|track| track.decided().unwrap().alpha)
            .collect();
        assert_eq!(levels, [0.005, 0.01]);
        let tracks = looked_at(&contests, &[&[120; 12], &[120; 10]]);
        assert_eq!(tracks[0].decided().unwrap().verdict, Verdict::Regressed);
        assert_eq!(next(&tracks), Some(1));
    }

    #[test]
    fn the_control_takes_the_turn_of_an_average_case_and_no_more() {
        let control = Contest {
            is_control: true,
            ..contest()
        };
        let contests = [contest(), contest(), control];
        let next_of = |cases: [&[u64]; 2], control: &[u64]| {
            next(&looked_at(&contests, &[cases[0], cases[1], control]))
        };
        assert_eq!(next_of([&[], &[]], &[]), Some(2));
        assert_eq!(next_of([&[], &[]], &[100]), Some(0));
        assert_eq!(next_of([&[100; 7], &[100; 5]], &[100; 7]), Some(0));
        assert_eq!(next_of([&[100; 7], &[100; 7]], &[100; 7]), Some(2));
        // Both cases are decided, so the control is not measured any longer.
        assert_eq!(next_of([&[100; 20], &[100; 20]], &[]), None);
    }
}
