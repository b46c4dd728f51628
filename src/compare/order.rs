//! Sorts a history by its commits instead of by the time of measurement.

use std::collections::HashMap;

use super::Placed;
use crate::record::{Commit, Record};

/// Sorts sessions by their commits. `records` are in the order of time, and `hashes` are the commits that git knows,
/// ancestors first.
///
/// The sessions of one commit are grouped, in the order of time. Commits that git knows are in the order of git. All
/// others keep the place of their first session among the commits. A session without a commit is a group of its own.
pub(crate) fn by_commit(records: Vec<Placed>, hashes: &[String]) -> Vec<Placed> {
    let rank: HashMap<&str, usize> = hashes.iter().map(String::as_str).zip(0..).collect();
    let rank_of = |group: &Vec<Placed>| {
        let commit = group[0].1.commit.as_ref()?;
        Some((*rank.get(commit.hash.as_str())?, commit.dirty))
    };
    let mut groups = grouped(records);
    let known = |group: &&Vec<Placed>| rank_of(group).is_some();
    let mut sorted: Vec<Vec<Placed>> = groups.iter().filter(known).cloned().collect();
    sorted.sort_by_key(rank_of);
    let places = groups.iter_mut().filter(|group| rank_of(group).is_some());
    for (place, group) in places.zip(sorted) {
        *place = group;
    }
    groups.into_iter().flatten().collect()
}

/// Groups sessions by commit, in the order in which commits first occur.
fn grouped(records: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut groups: Vec<Vec<Placed>> = Vec::new();
    let mut group_of: HashMap<(String, bool), usize> = HashMap::new();
    for placed in records {
        let next = groups.len();
        let index = match key(&placed.1) {
            Some(key) => *group_of.entry(key).or_insert(next),
            None => next,
        };
        match groups.get_mut(index) {
            Some(group) => group.push(placed),
            None => groups.push(vec![placed]),
        }
    }
    groups
}

/// Identifies a state of the sources.
fn key(record: &Record) -> Option<(String, bool)> {
    let Commit { hash, dirty } = record.commit.as_ref()?;
    Some((hash.clone(), *dirty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    /// Sessions of these commits. `!` marks a changed working tree, and `-` means no commit.
    fn sessions(commits: &[&str]) -> Vec<Placed> {
        let session = |(line, name): (usize, &&str)| {
            let mut record = case("hash", "rayon", 2).record();
            record.commit = (*name != "-").then(|| Commit {
                hash: name.trim_end_matches('!').into(),
                dirty: name.ends_with('!'),
            });
            (format!("{name}:{line}"), record)
        };
        commits.iter().enumerate().map(session).collect()
    }

    fn ordered(commits: &[&str], hashes: &[&str]) -> Vec<String> {
        let hashes: Vec<String> = hashes.iter().map(|hash| (*hash).into()).collect();
        let records = by_commit(sessions(commits), &hashes);
        records.into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn an_old_commit_that_is_measured_again_stays_in_its_place() {
        assert_eq!(
            ordered(&["a", "b", "c", "a"], &["a", "b", "c"]),
            ["a:0", "a:3", "b:1", "c:2"]
        );
        // Measured for the first time after its descendants.
        assert_eq!(
            ordered(&["b", "c", "a"], &["a", "b", "c"]),
            ["a:2", "b:0", "c:1"]
        );
    }

    #[test]
    fn commits_unknown_to_git_keep_their_place_in_time() {
        assert_eq!(
            ordered(&["c", "x", "a", "x", "-", "-"], &["a", "c"]),
            ["a:2", "x:1", "x:3", "c:0", "-:4", "-:5"]
        );
        assert_eq!(ordered(&["b", "a", "b"], &[]), ["b:0", "b:2", "a:1"]);
    }

    #[test]
    fn a_changed_working_tree_follows_its_commit() {
        assert_eq!(
            ordered(&["a!", "b", "a"], &["a", "b"]),
            ["a:2", "a!:0", "b:1"]
        );
    }
}
