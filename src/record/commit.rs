//! Displays a commit.

use super::{Commit, Record};

/// The number of digits that git shows in large projects.
const SHORT: usize = 12;

/// The suffix for a commit whose working tree was changed, because the measured code differs from the commit.
const DIRTY: &str = " (dirty)";

/// Returns the first digits of a hash. The hash comes from a file and may be any text.
pub(crate) fn short_hash(hash: &str) -> String {
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
    /// Returns `c0ffee012345`, or `c0ffee012345 (dirty)`.
    pub fn short(&self) -> String {
        short_hash(&self.hash) + self.mark()
    }

    /// Returns the full hash, followed by ` (dirty)` if files were changed.
    pub fn long(&self) -> String {
        self.hash.clone() + self.mark()
    }

    fn mark(&self) -> &'static str {
        if self.dirty { DIRTY } else { "" }
    }
}
