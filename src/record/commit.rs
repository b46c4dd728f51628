//! A commit in words.

use super::{Commit, Record};

/// As many digits as git itself shows in large projects.
const SHORT: usize = 12;

/// Behind the hash of a commit whose working tree was changed: what was measured is not what was committed.
const DIRTY: &str = " (dirty)";

/// The first digits of a hash, which whoever wrote the file may have filled with anything.
pub fn short_hash(hash: &str) -> String {
    hash.chars().take(SHORT).collect()
}

impl Record {
    /// The commit in words, in [`full`](Commit::long); `none` without one.
    pub fn commit_name(&self) -> String {
        let commit = self.commit.as_ref();
        commit.map_or("none".into(), Commit::long)
    }
}

impl Commit {
    /// `c0ffee012345`, or `c0ffee012345 (dirty)`.
    pub fn short(&self) -> String {
        short_hash(&self.hash) + self.mark()
    }

    /// The full hash, with ` (dirty)` behind it where that holds.
    pub fn long(&self) -> String {
        self.hash.clone() + self.mark()
    }

    fn mark(&self) -> &'static str {
        if self.dirty { DIRTY } else { "" }
    }
}
