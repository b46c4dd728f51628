//! Chooses the cut-offs of a sweep over a recursive program.

use super::search::{LONGEST_RUN_NS, MARGIN, SIZES, ends, thresholds};
use super::{Ruler, Sweepable, Sweeper, median_wall_ns};
use crate::case::Idle;
use crate::record::{CaseError, ErrorKind};

/// The coarsest cut-off leaves each worker this many tasks. They are of different sizes, so with fewer tasks workers would
/// wait for the largest, and this is not what a sweep looks for.
const LEAST_TASKS_PER_WORKER: u64 = 32;

/// A cut-off that was looked at.
struct Rung {
    cut_off: u64,
    /// The mean time of a task at the peak rate.
    task_ns: f64,
    efficiency: f64,
}

impl Sweeper<'_> {
    /// Returns cut-offs from well below the crossing to well above it, as far as the program has enough tasks, smallest
    /// first.
    ///
    /// # Errors
    ///
    /// If no cut-off leaves enough tasks, or a child fails.
    pub(super) fn cut_offs(
        &self,
        sweepable: &Sweepable,
        next: fn(u64) -> u64,
        ruler: &mut Ruler,
        idle: &mut dyn Idle,
    ) -> Result<Vec<f64>, CaseError> {
        let (enough, little) = thresholds(self.plan.efficiency_ratio);
        let mut cut_off = self.coarsest(sweepable, idle)?;
        let mut rungs = Vec::new();
        loop {
            let (rung, wall_ns) = self.look_at(sweepable, cut_off, ruler, idle)?;
            let is_last = rung.efficiency <= little || wall_ns > LONGEST_RUN_NS;
            rungs.push(rung);
            cut_off = next(cut_off);
            if is_last || (cut_off as f64) < sweepable.sizes.least {
                break;
            }
        }
        Ok(chosen(&rungs, enough, little))
    }

    /// About the largest cut-off that leaves all workers enough tasks.
    fn coarsest(&self, sweepable: &Sweepable, idle: &mut dyn Idle) -> Result<u64, CaseError> {
        let workers = u64::from(sweepable.planned.case.workers);
        let least_task_count = workers.saturating_mul(LEAST_TASKS_PER_WORKER);
        let mut fine = sweepable.sizes.least as u64 - 1;
        let mut coarse = sweepable.sizes.most as u64;
        // `coarse` has too few tasks, and `fine` has enough, or is too small to be one.
        while coarse - fine > 1 + fine / 16 {
            let middle = fine + (coarse - fine) / 2;
            let (_, ready) = self.start(sweepable, sweepable.serial_case(middle as f64), idle)?;
            match ready.graph.task_count >= least_task_count {
                true => fine = middle,
                false => coarse = middle,
            }
        }
        if (fine as f64) < sweepable.sizes.least {
            return Err(CaseError::new(
                ErrorKind::SetUp,
                format!(
                    "no cut-off leaves {least_task_count} tasks, {LEAST_TASKS_PER_WORKER} for each worker: make the problem larger"
                ),
            ));
        }
        Ok(fine)
    }

    /// Measures a cut-off roughly. Also returns the wall time of a run.
    fn look_at(
        &self,
        sweepable: &Sweepable,
        cut_off: u64,
        ruler: &mut Ruler,
        idle: &mut dyn Idle,
    ) -> Result<(Rung, f64), CaseError> {
        let case = sweepable.case(Some(cut_off as f64));
        let (mut session, ready) = self.start(sweepable, case, idle)?;
        ruler.look(idle)?;
        let wall_ns = median_wall_ns(&mut session, idle)?;
        let workers = f64::from(sweepable.planned.case.workers);
        let rung = Rung {
            cut_off,
            task_ns: ruler.unit_ns() / ready.graph.task_count as f64,
            efficiency: ruler.unit_ns() / workers / wall_ns,
        };
        Ok((rung, wall_ns))
    }
}

/// The cut-offs around the crossing, smallest first. `rungs` has the largest first.
fn chosen(rungs: &[Rung], enough: f64, little: f64) -> Vec<f64> {
    let seen: Vec<(f64, f64)> = rungs
        .iter()
        .map(|rung| (rung.task_ns, rung.efficiency))
        .collect();
    let (low_ns, high_ns) = ends(&seen, enough, little);
    let is_near = |rung: &&Rung| (low_ns..=high_ns * MARGIN).contains(&rung.task_ns);
    let near = rungs.iter().rev().filter(is_near);
    near.map(|rung| rung.cut_off as f64)
        .take(*SIZES.end())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_offs_from_well_below_the_crossing_to_well_above_it_are_chosen() {
        let rung = |(cut_off, task_ns, efficiency)| Rung {
            cut_off,
            task_ns,
            efficiency,
        };
        let seen = [
            (20, 50_000.0, 0.95),
            (16, 7_000.0, 0.9),
            (14, 3_000.0, 0.86),
            (12, 1_000.0, 0.6),
            (8, 150.0, 0.3),
            (4, 20.0, 0.1),
        ];
        // The margin above the crossing ends below 20.
        let sizes = chosen(&seen.map(rung), 0.85, 0.2);
        assert_eq!(sizes, [4.0, 8.0, 12.0, 14.0, 16.0]);
    }
}
