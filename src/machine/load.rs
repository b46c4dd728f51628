//! How busy each core was over time.
//!
//! The process that waits while another process is measured uses it. The sampler has no thread of its own: the waiting
//! process calls [`LoadSampler::tick`] at the time that [`LoadSampler::next_due`] returns.

use std::time::{Duration, Instant};

use sysinfo::System;

use super::ticks::{CoreTicks, CpuTicks, SHORTEST_BRACKET};
use crate::record::{Load, LoadSource, nanoseconds};

/// The time between two rows. `sysinfo` silently returns old values within 200 ms of the last refresh
/// ([`sysinfo::MINIMUM_CPU_UPDATE_INTERVAL`]). The margin of 50 ms covers the time between our reading of the clock and
/// that of `sysinfo`.
const INTERVAL: Duration = Duration::from_millis(250);

/// The minimum number of ticks per core. With fewer ticks, an error of one tick would exceed an eighth. A core counts
/// ten ticks in [`SHORTEST_BRACKET`], but one or two may be missing.
const FEWEST_TICKS: u64 = 8;

/// Samples the load of each core from [`LoadSampler::start`] to [`LoadSampler::finish`].
pub(crate) struct LoadSampler {
    started: Instant,
    refreshed: Instant,
    /// The counters at the start; `None` if the machine does not show them.
    counters: Option<CpuTicks>,
    /// `None` if `sysinfo` does not support the machine.
    system: Option<System>,
    rows: Vec<Vec<f64>>,
}

impl LoadSampler {
    /// Starts the first interval now.
    pub(crate) fn start() -> Self {
        let mut system = System::new().ok();
        // The first refresh finds the cores. Later refreshes return the usage since the previous one.
        if let Some(system) = &mut system {
            system.refresh_cpu_usage();
        }
        let now = Instant::now();
        Self {
            started: now,
            refreshed: now,
            counters: CpuTicks::now(),
            system,
            rows: Vec::new(),
        }
    }

    /// The time from which [`tick`](Self::tick) adds the next row.
    pub(crate) fn next_due(&self) -> Instant {
        self.refreshed + INTERVAL
    }

    /// Adds a row if an interval has passed since the last row, and does nothing otherwise. So it may be called at any
    /// time. If it is called late, the interval is longer, but none is lost.
    pub(crate) fn tick(&mut self) {
        let now = Instant::now();
        if now < self.next_due() {
            return;
        }
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            let ratios = system
                .cpus()
                .iter()
                .map(|cpu| f64::from(cpu.usage()) / 100.0);
            self.rows.push(ratios.map(rounded).collect());
            self.refreshed = now;
        }
    }

    /// The load that was sampled. A last interval that is not complete is omitted, unless it is the only one. In that
    /// case the load comes from the kernel's counters at both ends. If they have too few ticks, there is no load.
    pub(crate) fn finish(mut self) -> Load {
        self.tick();
        let full = !self.rows.is_empty() && self.rows.iter().all(|row| !row.is_empty());
        if full {
            return over_time(self.rows, self.refreshed - self.started);
        }
        match (self.counters, CpuTicks::now()) {
            (Some(before), Some(after)) => bracket(&before, &after, self.started.elapsed()),
            _ => too_short(),
        }
    }
}

/// The load of one interval from the counters at its two ends, which are `elapsed` apart. It has no row if `elapsed` is
/// below [`SHORTEST_BRACKET`], or if a core has counted too few ticks.
pub(crate) fn bracket(before: &CpuTicks, after: &CpuTicks, elapsed: Duration) -> Load {
    let cores = after.cores_since(before);
    let enough = |core: &CoreTicks| core.all() >= FEWEST_TICKS;
    if elapsed < SHORTEST_BRACKET || cores.is_empty() || !cores.iter().all(enough) {
        return too_short();
    }
    let ratios = cores.into_iter().filter_map(CoreTicks::busy_ratio);
    Load {
        source: LoadSource::ProcStat,
        interval_ns: nanoseconds(elapsed),
        cores: vec![ratios.map(rounded).collect()],
    }
}

fn over_time(rows: Vec<Vec<f64>>, elapsed: Duration) -> Load {
    Load {
        source: LoadSource::Sysinfo,
        interval_ns: nanoseconds(elapsed) / rows.len() as u64,
        cores: rows,
    }
}

fn too_short() -> Load {
    Load {
        source: LoadSource::TooShort,
        interval_ns: 0,
        cores: Vec::new(),
    }
}

/// Limits `ratio` to 0 to 1 and rounds it to three decimals. An interval has 25 ticks, so more decimals would carry no
/// information.
fn rounded(ratio: f64) -> f64 {
    (ratio.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(cores: &[(u64, u64)]) -> CpuTicks {
        let mut text = "cpu 0 0 0 0\n".to_string();
        for (number, (busy, idle)) in cores.iter().enumerate() {
            text += &format!("cpu{number} {busy} 0 0 {idle}\n");
        }
        CpuTicks::parse(&text).unwrap()
    }

    fn load(before: &[(u64, u64)], after: &[(u64, u64)], milliseconds: u64) -> Load {
        let elapsed = Duration::from_millis(milliseconds);
        bracket(&counters(before), &counters(after), elapsed)
    }

    #[test]
    fn two_readings_make_one_row() {
        let load = load(&[(100, 900), (50, 950)], &[(110, 900), (52, 956)], 100);
        assert_eq!(load.source, LoadSource::ProcStat);
        assert_eq!(load.interval_ns, 100_000_000);
        assert_eq!(load.cores, [[1.0, 0.25]]);
    }

    #[test]
    fn too_little_time_gives_no_load() {
        assert_eq!(load(&[(0, 0)], &[(9, 0)], 99), too_short());
    }

    #[test]
    fn too_few_ticks_on_any_core_give_no_load() {
        assert_eq!(
            load(&[(0, 0), (0, 0)], &[(10, 0), (7, 0)], 100),
            too_short()
        );
        assert_eq!(load(&[(0, 0)], &[(0, 0)], 1000), too_short());
    }

    #[test]
    fn a_machine_without_cores_gives_no_load() {
        assert_eq!(load(&[], &[], 1000), too_short());
    }

    #[test]
    fn rows_share_the_time_between_them() {
        let load = over_time(vec![vec![0.5], vec![1.0]], Duration::from_millis(600));
        assert_eq!(load.source, LoadSource::Sysinfo);
        assert_eq!(load.interval_ns, 300_000_000);
    }

    #[test]
    fn ratios_stay_within_bounds() {
        assert_eq!(rounded(1.2), 1.0);
        assert_eq!(rounded(-0.1), 0.0);
        assert_eq!(rounded(0.123_456), 0.123);
    }

    #[test]
    fn a_tick_before_its_time_adds_nothing() {
        let mut sampler = LoadSampler::start();
        // Moves the last refresh to the future, so that the interval cannot pass meanwhile.
        sampler.refreshed += Duration::from_secs(3600);
        sampler.tick();
        assert!(sampler.rows.is_empty());
    }

    #[test]
    fn a_tick_in_its_time_adds_a_row_with_all_cores() {
        let mut sampler = LoadSampler::start();
        sampler.refreshed -= INTERVAL;
        sampler.started -= INTERVAL;
        sampler.tick();
        let core_count = CpuTicks::now().unwrap().cores.len();
        assert_eq!(sampler.rows.len(), 1);
        assert_eq!(sampler.rows[0].len(), core_count);
        assert_eq!(sampler.finish().source, LoadSource::Sysinfo);
    }
}
