//! One contest of a gate: its pairs so far, and what they say.

use std::cmp::Ordering;

use super::pair::{Pair, median_times};
use super::steady::not_steady;
use super::{Contest, GatePlan};
use crate::compare::{ComparedCase, Evidence, Judgement, SideError, Verdict, judge};
use crate::record::Channel;

/// Each case has this many pairs before any gets more, because fewer do not show which is closest to a decision.
const FIRST_PAIRS: usize = 5;

/// A case that looks slower than its threshold counts as this many times closer to a decision than it is, so that it is
/// named early even if one of its first pairs says otherwise.
const SLOW_FIRST: u64 = 4;

/// One contest and its results so far.
pub(super) struct Track<'a> {
    pub(super) contest: &'a Contest,
    pub(super) pairs: Vec<Pair>,
    pub(super) error: Option<SideError>,
    wall: ChannelTrack,
    cpu: ChannelTrack,
}

/// One time of a contest.
#[derive(Debug, Default)]
struct ChannelTrack {
    /// One difference per pair; `None` for a pair without.
    differences: Vec<Option<f64>>,
    judgement: Option<Judgement>,
}

impl ChannelTrack {
    /// All differences; `None` if a pair has none.
    fn whole(&self) -> Option<Vec<f64>> {
        self.differences.iter().copied().collect()
    }

    fn verdict(&self) -> Option<Verdict> {
        self.judgement.as_ref().map(|judgement| judgement.verdict)
    }

    fn is_decided(&self) -> bool {
        self.verdict()
            .is_some_and(|verdict| verdict != Verdict::Inconclusive)
    }
}

/// How soon a track should get a pair: the least comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Urgency {
    /// About how many more pairs would decide it, fewer if it looks slower.
    more: u64,
    pair_count: usize,
    ratio: f64,
}

impl Urgency {
    pub(super) fn total_cmp(&self, other: &Self) -> Ordering {
        let more = self.more.cmp(&other.more);
        more.then(self.pair_count.cmp(&other.pair_count))
            .then(other.ratio.total_cmp(&self.ratio))
    }
}

/// Judges all tracks of a family, and stores new judgements: the times that decide share one alpha, whichever they are,
/// and so do the others.
pub(super) fn look_at(family: &mut [&mut Track<'_>], plan: &GatePlan) {
    let was_open: Vec<bool> = family.iter().map(|track| track.is_open()).collect();
    look_at_one(family, &was_open, |judged| judged, plan);
    look_at_one(family, &was_open, Channel::other, plan);
}

/// Judges one time of each track. `channel` selects it, given the one that decides.
fn look_at_one(
    family: &mut [&mut Track<'_>],
    was_open: &[bool],
    channel: fn(Channel) -> Channel,
    plan: &GatePlan,
) {
    let differences: Vec<Vec<f64>> = family
        .iter()
        .map(|track| track.differences(channel(track.judged())))
        .collect();
    // A track that is closed has no new pairs, so it is not tested again.
    let settled: Vec<Option<Verdict>> = family
        .iter()
        .zip(was_open)
        .map(|(track, was_open)| {
            let one = track.channel(channel(track.judged()));
            one.verdict().filter(|_| !was_open || one.is_decided())
        })
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
    let judged = judge(&evidence, plan.looks(), plan.alpha);
    for ((track, settled), judgement) in family.iter_mut().zip(settled).zip(judged) {
        if settled.is_none() {
            track.channel_mut(channel(track.judged())).judgement = judgement;
        }
    }
}

impl<'a> Track<'a> {
    pub(super) fn new(contest: &'a Contest) -> Self {
        Self {
            contest,
            pairs: Vec::new(),
            error: None,
            wall: ChannelTrack::default(),
            cpu: ChannelTrack::default(),
        }
    }

    /// Adds a finished pair.
    pub(super) fn push(&mut self, pair: Pair) {
        for channel in [Channel::Wall, Channel::Cpu] {
            let difference = pair.difference(channel);
            self.channel_mut(channel).differences.push(difference);
        }
        self.pairs.push(pair);
    }

    /// The time that decides.
    pub(super) fn judged(&self) -> Channel {
        let first = self.pairs.first();
        first.map_or(Channel::Wall, |pair| pair.judged)
    }

    /// Whether more pairs can decide it: its judged time is not decided yet and could be measured in all pairs, and it
    /// has not failed.
    pub(super) fn is_open(&self) -> bool {
        let judged = self.channel(self.judged());
        self.error.is_none() && !judged.is_decided() && judged.whole().is_some()
    }

    /// The judgement of a case that is decided.
    pub(super) fn decided(&self) -> Option<&Judgement> {
        let judged = self.channel(self.judged());
        let counts = self.error.is_none() && !self.contest.is_control && judged.is_decided();
        judged.judgement.as_ref().filter(|_| counts)
    }

    /// How many pairs are missing until it has this many.
    pub(super) fn left(&self, pair_count: u64) -> u64 {
        match self.is_open() {
            true => pair_count.saturating_sub(self.pairs.len() as u64),
            false => 0,
        }
    }

    /// About how many pairs it still needs, as far as that is known.
    pub(super) fn likely_left(&self) -> u64 {
        match self.is_open() {
            true => self.more().unwrap_or(1),
            false => 0,
        }
    }

    fn more(&self) -> Option<u64> {
        self.channel(self.judged())
            .judgement
            .as_ref()?
            .more_pair_count
    }

    pub(super) fn urgency(&self) -> Urgency {
        let judgement = self.channel(self.judged()).judgement.as_ref();
        let ratio = judgement.map_or(1.0, |judgement| judgement.ratio);
        let more = self.more().unwrap_or(u64::MAX);
        Urgency {
            more: match ratio > 1.0 + self.contest.threshold_ratio {
                _ if self.pairs.len() < FIRST_PAIRS => 0,
                true => more / SLOW_FIRST,
                false => more,
            },
            pair_count: self.pairs.len(),
            ratio,
        }
    }

    /// One difference per pair; empty if a pair has no difference, or the case failed.
    pub(super) fn differences(&self, channel: Channel) -> Vec<f64> {
        match self.error {
            None => self.channel(channel).whole().unwrap_or_default(),
            Some(_) => Vec::new(),
        }
    }

    fn channel(&self, channel: Channel) -> &ChannelTrack {
        match channel {
            Channel::Wall => &self.wall,
            Channel::Cpu => &self.cpu,
        }
    }

    fn channel_mut(&mut self, channel: Channel) -> &mut ChannelTrack {
        match channel {
            Channel::Wall => &mut self.wall,
            Channel::Cpu => &mut self.cpu,
        }
    }

    /// Why there is no judgement of its judged time although it did not fail; `None` if there is one, or no pair.
    fn why_not_judged(&self) -> Option<String> {
        let channel = self.judged();
        let is_missing = self.error.is_none() && self.channel(channel).judgement.is_none();
        (is_missing && !self.pairs.is_empty()).then(|| {
            format!(
                "it is judged by {}, which could not be measured in every slice",
                channel.words()
            )
        })
    }

    pub(super) fn finish(self) -> ComparedCase {
        let failed = self.error.is_some();
        let if_sound = |channel: &ChannelTrack| channel.judgement.clone().filter(|_| !failed);
        ComparedCase {
            case: self.contest.case.case.clone(),
            judged: self.judged(),
            has_latencies: self.pairs.iter().any(|pair| pair.has_latencies),
            not_judged: self.why_not_judged(),
            wall: if_sound(&self.wall),
            cpu: if_sound(&self.cpu),
            times: median_times(&self.pairs, self.judged()).filter(|_| !failed),
            elapsed_ns: self.pairs.iter().map(|pair| pair.elapsed_ns).sum(),
            not_steady: not_steady(&self.pairs),
            error: self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture::{contest, pair_of_cpu};

    /// The judgement of a case with thirty of these pairs, and whether more pairs would be measured.
    fn judged(pair: &Pair) -> (ComparedCase, bool) {
        let contest = contest();
        let mut track = Track::new(&contest);
        for _ in 0..30 {
            track.push(pair.clone());
        }
        look_at(&mut [&mut track], &GatePlan::new(1));
        let is_open = track.is_open();
        (track.finish(), is_open)
    }

    #[test]
    fn a_case_whose_judged_time_is_missing_once_gets_no_more_pairs() {
        let contest = contest();
        let mut track = Track::new(&contest);
        track.push(pair_of_cpu(Some(10_000), Some(10_000)));
        assert!(track.is_open());
        track.push(pair_of_cpu(Some(10_000), None));
        assert!(!track.is_open());
    }

    #[test]
    fn a_case_that_is_ranked_by_cpu_time_is_decided_by_it() {
        let (found, is_open) = judged(&pair_of_cpu(Some(10_000), Some(12_000)));
        assert_eq!((found.judged, is_open), (Channel::Cpu, false));
        assert_eq!(found.verdict(), Verdict::Regressed);
        assert!(found.has_latencies);
        assert_eq!(found.wall.unwrap().verdict, Verdict::Unchanged);
        let (found, _) = judged(&pair_of_cpu(Some(10_000), Some(10_000)));
        assert_eq!(found.verdict(), Verdict::Unchanged);
    }

    #[test]
    fn a_case_whose_judged_time_is_not_known_says_so() {
        let (found, _) = judged(&pair_of_cpu(Some(10_000), None));
        assert_eq!(found.verdict(), Verdict::Inconclusive);
        assert_eq!(
            found.not_judged.as_deref(),
            Some("it is judged by CPU time, which could not be measured in every slice")
        );
    }
}
