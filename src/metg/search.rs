//! Chooses the sizes of a sweep.

use super::{Ruler, Sweepable, Sweeper, median_wall_ns};
use crate::case::Idle;
use crate::record::CaseError;

/// The search begins at this size. Most runtimes reach the efficiency below it.
const FIRST_TASK_NS: f64 = 8_000.0;
/// The longest task and the longest run of a sweep.
const LONGEST_TASK_NS: f64 = 50e6;
pub(super) const LONGEST_RUN_NS: f64 = 2e9;
/// The factor between two steps of the search.
const RUNG: f64 = 4.0;
/// The longest tasks of a sweep exceed the size that was found sufficient by this factor, because the search is only
/// rough.
pub(super) const MARGIN: f64 = 4.0;
/// The number of sizes per sweep.
pub(super) const SIZES: std::ops::RangeInclusive<usize> = 5..=17;

impl Sweeper<'_> {
    /// Returns sizes from well below the crossing to well above it, as far as the kernel has them, smallest first.
    pub(super) fn sizes(
        &self,
        sweepable: &Sweepable,
        ruler: &mut Ruler,
        idle: &mut dyn Idle,
    ) -> Result<Vec<f64>, CaseError> {
        if let Some(next) = sweepable.next_cut_off {
            return self.cut_offs(sweepable, next, ruler, idle);
        }
        let (enough, little) = thresholds(self.plan.efficiency_ratio);
        let unit_ns = ruler.unit_ns();
        let size_of = |task_ns: f64| sweepable.sizes.at_most(task_ns / unit_ns);
        let longest_ns =
            (LONGEST_RUN_NS / sweepable.least_task_count.max(1) as f64).min(LONGEST_TASK_NS);

        // Go up until almost no efficiency is lost, then down until almost all is.
        let mut rungs = Vec::new();
        let mut task_ns = FIRST_TASK_NS.min(longest_ns);
        loop {
            let efficiency = self.glance(sweepable, size_of(task_ns), ruler, idle)?;
            rungs.push((task_ns, efficiency));
            if efficiency >= enough || task_ns >= longest_ns {
                break;
            }
            task_ns = (task_ns * RUNG).min(longest_ns);
        }
        rungs.sort_by(|a, b| b.0.total_cmp(&a.0));
        while let Some(&(lowest_ns, efficiency)) = rungs.last()
            && efficiency > little
            && size_of(lowest_ns) > sweepable.sizes.least
        {
            let task_ns = lowest_ns / RUNG;
            let efficiency = self.glance(sweepable, size_of(task_ns), ruler, idle)?;
            rungs.push((task_ns, efficiency));
        }
        let (low_ns, high_ns) = ends(&rungs, enough, little);
        let high_ns = (high_ns * MARGIN).min(longest_ns).max(high_ns);
        let octaves = (high_ns / low_ns).log2().max(0.0);
        let count = ((2.0 * octaves).ceil() as usize + 1).clamp(*SIZES.start(), *SIZES.end());
        let step = (high_ns / low_ns).powf(1.0 / (count - 1) as f64);
        let mut sizes: Vec<f64> = (0..count)
            .map(|index| size_of(low_ns * step.powi(index as i32)))
            .collect();
        sizes.dedup();
        Ok(sizes)
    }

    /// The efficiency at a size, from three samples.
    fn glance(
        &self,
        sweepable: &Sweepable,
        size: f64,
        ruler: &mut Ruler,
        idle: &mut dyn Idle,
    ) -> Result<f64, CaseError> {
        let (mut session, _) = self.start(sweepable, sweepable.case(Some(size)), idle)?;
        ruler.look(idle)?;
        let wall_ns = median_wall_ns(&mut session, idle)?;
        let ideal_ns = sweepable.least_task_count as f64 * size * ruler.unit_ns();
        Ok(ideal_ns / wall_ns)
    }
}

/// The efficiencies that are surely above and below `target`.
pub(super) fn thresholds(target: f64) -> (f64, f64) {
    (target + 0.7 * (1.0 - target), 0.4 * target)
}

/// Returns the sizes between which the crossing lies. `rungs` has the longest tasks first. All rungs above the upper
/// size reach `enough`, and all rungs below the lower size stay under `little`, so a single outlier decides nothing.
pub(super) fn ends(rungs: &[(f64, f64)], enough: f64, little: f64) -> (f64, f64) {
    let above = rungs.iter().take_while(|rung| rung.1 >= enough);
    let below = rungs.iter().rev().take_while(|rung| rung.1 <= little);
    let ends = (below.last(), above.last());
    let (coarsest, finest) = (rungs[0].0, rungs[rungs.len() - 1].0);
    (
        ends.0.map_or(finest, |rung| rung.0),
        ends.1.map_or(coarsest, |rung| rung.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_outlier_does_not_end_the_search() {
        let rungs = [
            (800.0, 0.9),
            (200.0, 0.5),
            (50.0, 0.95),
            (12.0, 0.1),
            (3.0, 0.02),
        ];
        assert_eq!(ends(&rungs, 0.85, 0.2), (12.0, 800.0));
        assert_eq!(ends(&[(800.0, 0.3)], 0.85, 0.2), (800.0, 800.0));
        assert_eq!(
            ends(&[(800.0, 0.9), (200.0, 0.88)], 0.85, 0.2),
            (200.0, 200.0)
        );
    }
}
