//! Sessions that are given more than once. A copy tells nothing of how far sessions lie apart, and a session that is
//! compared with itself tells nothing at all.

use std::collections::{HashMap, HashSet};

use super::Placed;
use super::examples::few;

/// The sessions that were seen, to be found again wherever they come from: a copy of a file, a folder beside the file
/// in it, a baseline beside what it was saved from.
#[derive(Default)]
struct SeenSessions<'a>(HashMap<(String, &'a str, u64), Vec<&'a Placed>>);

impl<'a> SeenSessions<'a> {
    /// What was seen of the same session. Only integers and words are held against each other: fractions may lose
    /// their last bit on the way through a file.
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

/// The case, and when it began.
fn key((_, record): &Placed) -> (String, &str, u64) {
    let since_start = record.since_run_start_ns;
    (record.case.id(), &record.started_at, since_start)
}

/// Each of these that came before: where it stands, and where it stood first.
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

/// `b.jsonl:1 is the same session as a.jsonl:1`, or the count of them with two examples; `None` without any.
fn sentence(repeats: &[(&str, &str)]) -> Option<String> {
    let example = |(place, first): &(&str, &str)| format!("{place} (first in {first})");
    match repeats {
        [] => None,
        [(place, first)] => Some(format!("{place} is the same session as {first}")),
        several => Some(format!(
            "{} records are sessions that were given before: {}",
            several.len(),
            few(&several.iter().map(example).collect::<Vec<_>>())
        )),
    }
}

/// Which sessions of both sides together are the same one; `None` if each is there once.
pub(super) fn same_sessions(base: &[Placed], head: &[Placed]) -> Option<String> {
    let found = sentence(&repeats(base.iter().chain(head)))?;
    Some(format!(
        "{found}, and a session counts once: only others tell how far sessions lie apart"
    ))
}

/// These sessions, each of them once, and a sentence about those that are left out.
pub fn each_once(records: Vec<Placed>) -> (Vec<Placed>, Option<String>) {
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

/// The sessions of the base without those that the head has too, and a sentence about what is left out. A case that
/// would be left without a base keeps it: there is nothing else to compare it with, and that is refused later.
pub fn apart(base: &[Placed], head: &[Placed]) -> (Vec<Placed>, Option<String>) {
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
    let note = note.map(|found| format!("{found}; what both sides have counts for the head alone"));
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
        // Read back from a file, a fraction may differ.
        copy.1.host.load_average += 1e-12;
        let (kept, note) = each_once(vec![session("a:1", 10), session("a:2", 11), copy]);
        assert_eq!(places(&kept), ["a:1", "a:2"]);
        insta::assert_snapshot!(note.unwrap(), @"b:1 is the same session as a:1; each session counts once");
        assert_eq!(each_once(kept).1, None);
    }

    #[test]
    fn many_copies_make_one_sentence() {
        let records = (1..=9).map(|line| session(&format!("a:{line}"), 10));
        let (kept, note) = each_once(records.collect());
        assert_eq!(places(&kept), ["a:1"]);
        insta::assert_snapshot!(note.unwrap(), @"8 records are sessions that were given before: a:2 (first in a:1), a:3 (first in a:1) and 6 more; each session counts once");
    }

    #[test]
    fn sessions_that_differ_in_anything_are_two() {
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
    fn what_the_head_has_is_taken_from_the_base_if_something_is_left() {
        let base = [session("a:1", 10), session("a:2", 11)];
        let (kept, note) = apart(&base, &[session("b:1", 11)]);
        assert_eq!(places(&kept), ["a:1"]);
        insta::assert_snapshot!(note.unwrap(), @"a:2 is the same session as b:1; what both sides have counts for the head alone");
        assert_eq!(apart(&base, &base), (base.to_vec(), None));
    }
}
