//! Finds sessions that are given more than once. A copy does not show how much sessions differ, and comparing a session
//! with itself shows nothing at all.

use std::collections::{HashMap, HashSet};

use super::Placed;
use super::examples::few;

/// The sessions seen so far. It recognises a session wherever it comes from: a copy of a file, a file and its folder, a
/// baseline and the records that it was saved from.
#[derive(Default)]
struct SeenSessions<'a>(HashMap<(String, &'a str, u64), Vec<&'a Placed>>);

impl<'a> SeenSessions<'a> {
    /// Finds the same session among those seen. Only integers and strings are compared, because fractions may lose
    /// their last bit when they are written to a file.
    fn find(&self, placed: &'a Placed) -> Option<&'a Placed> {
        let record = &placed.1;
        let alike = self.0.get(&key(placed))?;
        let is_same = |other: &&&Placed| {
            other.1.plan == record.plan
                && other.1.commit == record.commit
                && other.1.samples == record.samples
        };
        alike.iter().find(is_same).copied()
    }

    fn add(&mut self, placed: &'a Placed) {
        self.0.entry(key(placed)).or_default().push(placed);
    }
}

/// The case and when it began.
fn key((_, record): &Placed) -> (String, &str, u64) {
    let since_start = record.since_run_start_ns;
    (record.case.id(), &record.started_at, since_start)
}

/// Returns each repeated session: its place, and the place where it occurred first.
fn repeats<'a>(records: impl Iterator<Item = &'a Placed>) -> Vec<(&'a str, &'a str)> {
    let mut seen = SeenSessions::default();
    let mut found = Vec::new();
    for placed in records {
        match seen.find(placed) {
            Some((first_place, _)) => found.push((placed.0.as_str(), first_place.as_str())),
            None => seen.add(placed),
        }
    }
    found
}

/// Returns `b.jsonl:1 is the same session as a.jsonl:1`, or the number of repeats with two examples; `None` without
/// repeats.
fn sentence(repeats: &[(&str, &str)]) -> Option<String> {
    let example = |(place, first): &(&str, &str)| format!("{place} (first in {first})");
    match repeats {
        [] => None,
        [(place, first)] => Some(format!("{place} is the same session as {first}")),
        several => Some(format!(
            "{} records repeat sessions: {}",
            several.len(),
            few(&several.iter().map(example).collect::<Vec<_>>())
        )),
    }
}

/// Returns a sentence about sessions that occur more than once on both sides together; `None` if there are none.
pub(super) fn same_sessions(base: &[Placed], head: &[Placed]) -> Option<String> {
    let found = sentence(&repeats(base.iter().chain(head)))?;
    Some(format!(
        "{found}, and a session counts once, because a repeated session does not show how much sessions differ"
    ))
}

/// Returns each session once, and a sentence about those that are left out.
pub(crate) fn each_once(records: Vec<Placed>) -> (Vec<Placed>, Option<String>) {
    let mut seen = SeenSessions::default();
    let mut is_first = Vec::new();
    for placed in &records {
        is_first.push(seen.find(placed).is_none());
        seen.add(placed);
    }
    let note = sentence(&repeats(records.iter()));
    let note = note.map(|found| format!("{found}; each session counts once"));
    let kept = records.into_iter().zip(is_first);
    let kept = kept.filter_map(|(placed, is_first)| is_first.then_some(placed));
    (kept.collect(), note)
}

/// Returns the sessions of the base without those that the head has too, and a sentence about what is left out. A case
/// that would be left without a base keeps it: it cannot be compared with anything else, and is refused later.
pub(crate) fn apart(base: &[Placed], head: &[Placed]) -> (Vec<Placed>, Option<String>) {
    let mut of_head = SeenSessions::default();
    head.iter().for_each(|placed| of_head.add(placed));
    let own = base.iter().filter(|placed| of_head.find(placed).is_none());
    let own: HashSet<String> = own.map(|(_, record)| record.case.id()).collect();
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for placed in base {
        match of_head.find(placed) {
            Some((place, _)) if own.contains(&placed.1.case.id()) => {
                left_out.push((placed.0.as_str(), place.as_str()));
            }
            _ => kept.push(placed.clone()),
        }
    }
    let note = sentence(&left_out);
    let note = note.map(|found| format!("{found}; sessions on both sides count for the head only"));
    (kept, note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    fn session(place: &str, wall_us: u64) -> Placed {
        let record = case("hash", "rayon", 2).walls_us(&[wall_us; 3]).record();
        (place.into(), record)
    }

    fn places(records: &[Placed]) -> Vec<&str> {
        records.iter().map(|(place, _)| place.as_str()).collect()
    }

    #[test]
    fn a_copy_counts_once_and_the_note_names_both_places() {
        let mut copy = session("b:1", 10);
        // A fraction may differ after it is read from a file.
        copy.1.host.load_average += 1e-12;
        let (kept, note) = each_once(vec![session("a:1", 10), session("a:2", 11), copy]);
        assert_eq!(places(&kept), ["a:1", "a:2"]);
        insta::assert_snapshot!(note.unwrap(), @"b:1 is the same session as a:1; each session counts once");
        assert_eq!(each_once(kept).1, None);
    }

    #[test]
    fn one_sentence_covers_all_copies() {
        let records = (1..=9).map(|line| session(&format!("a:{line}"), 10));
        let (kept, note) = each_once(records.collect());
        assert_eq!(places(&kept), ["a:1"]);
        insta::assert_snapshot!(note.unwrap(), @"8 records repeat sessions: a:2 (first in a:1), a:3 (first in a:1) and 6 more; each session counts once");
    }

    #[test]
    fn sessions_that_differ_in_anything_count_separately() {
        let mut later = session("b:1", 10);
        later.1.started_at = "2026-11-03T12:00:00Z".into();
        let mut resumed = session("c:1", 10);
        resumed.1.since_run_start_ns = 1;
        let mut other_seed = session("d:1", 10);
        other_seed.1.plan.seed += 1;
        let all = vec![
            session("a:1", 10),
            later,
            resumed,
            other_seed,
            session("e:1", 11),
        ];
        assert_eq!(each_once(all.clone()), (all, None));
    }

    #[test]
    fn sessions_on_both_sides_are_removed_from_the_base_if_others_remain() {
        let base = [session("a:1", 10), session("a:2", 11)];
        let (kept, note) = apart(&base, &[session("b:1", 11)]);
        assert_eq!(places(&kept), ["a:1"]);
        insta::assert_snapshot!(note.unwrap(), @"a:2 is the same session as b:1; sessions on both sides count for the head only");
        assert_eq!(apart(&base, &base), (base.to_vec(), None));
    }
}
