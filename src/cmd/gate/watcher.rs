//! Progress through the pairs of a gate.

use std::time::Instant;

use crate::case::Idle;
use crate::cmd::progress::Progress;
use crate::compare::{Judgement, SideError, Verdict};
use crate::gate::{GatePlan, Watcher};
use crate::report::change;

/// Progress through the pairs of a gate.
pub(super) struct Pairs {
    pub(super) progress: Progress,
    has_begun: bool,
    quiet: bool,
}

impl Pairs {
    pub(super) fn new(plan: &GatePlan, contest_count: usize, quiet: bool) -> Self {
        let (pair_count, noun) = match plan.pair_count {
            Some(planned) => (planned, "pairs"),
            None => (plan.fewest_pairs(contest_count), "pairs or more"),
        };
        let total = pair_count as usize * contest_count;
        Self {
            progress: Progress::new(total, noun, quiet),
            has_begun: false,
            quiet,
        }
    }
}

impl Idle for Pairs {
    fn idle(&mut self) -> Instant {
        self.progress.idle()
    }

    fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }
}

impl Watcher for Pairs {
    fn begin(&mut self, case: &str, left: u64) {
        if self.has_begun {
            self.progress.step();
        }
        self.has_begun = true;
        self.progress.set_left(left);
        self.progress.begin(case);
    }

    fn decided(&mut self, case: &str, judgement: &Judgement) {
        // That nothing changed is no news.
        if judgement.verdict != Verdict::Unchanged && !self.quiet {
            self.progress.tell(&decision(case, judgement));
        }
    }

    fn failed(&mut self, case: &str, error: &SideError) {
        self.progress.tell(&failure(case, error));
    }
}

/// A verdict that is reached while other cases are still measured, as one line.
fn decision(case: &str, judgement: &Judgement) -> String {
    format!(
        "{case}: {}, {}, after {} pairs",
        judgement.verdict,
        change(judgement.ratio),
        judgement.pair_count
    )
}

/// The failure of a case, as one line.
pub(super) fn failure(case: &str, error: &SideError) -> String {
    let side = error
        .side
        .map(|side| format!(" on the {} side", side.name()));
    let (kind, message) = (&error.error.kind, &error.error.message);
    format!("{case}: {kind}{}: {message}", side.unwrap_or_default())
}
