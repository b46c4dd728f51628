//! How busy each core was over time.
//!
//! Meant for the process that waits while another is measured. The sampler has no thread of its own: who
//! waits anyway calls [`LoadSampler::tick`] whenever [`LoadSampler::next_due`] has come.

use std::time::{Duration, Instant};

use sysinfo::System;

use super::ticks::{CoreTicks, CpuTicks, SHORTEST_BRACKET};
use crate::record::{Load, LoadSource, nanoseconds};

/// The time between two rows. `sysinfo` silently returns old values within 200 ms of the last refresh
/// ([`sysinfo::MINIMUM_CPU_UPDATE_INTERVAL`]); the rest is a margin for the time between our clock
/// reading and its own.
const INTERVAL: Duration = Duration::from_millis(250);

/// Fewer ticks than this on any core say nothing about how busy it was: one tick more or less would be
/// above an eighth. A core counts ten in [`SHORTEST_BRACKET`], but can come out one or two short.
const FEWEST_TICKS: u64 = 8;

/// Takes per-core load from its start to its end.
pub(crate) struct LoadSampler {
    started: Instant,
    refreshed: Instant,
    /// The counters at the start; `None` where the machine shows none.
    counters: Option<CpuTicks>,
    /// `None` where `sysinfo` does not know the machine.
    system: Option<System>,
    rows: Vec<Vec<f64>>,
}

impl LoadSampler {
    /// Begins the first interval now.
    pub(crate) fn start() -> Self {
        let mut system = System::new().ok();
        // The first refresh finds the cores; usage is the difference to it.
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

    /// When [`tick`](Self::tick) next has something to do.
    pub(crate) fn next_due(&self) -> Instant {
        self.refreshed + INTERVAL
    }

    /// Adds a row if an interval has passed since the last one; does nothing otherwise, so it may be
    /// called at any time. A late call makes a longer interval, never a missing one.
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

    /// What was sampled. A last interval that is not full is left out, unless it is the only one: then
    /// the counters at both ends serve, and where these have too few ticks there is no number.
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

/// The load of one interval from the counters at its two ends, `elapsed` apart. It has no row if that is
/// below [`SHORTEST_BRACKET`] or if a core has counted too few ticks.
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

/// Within 0 to 1, to three places: an interval has 25 ticks, so more would only fill the file.
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
    fn too_little_time_makes_no_number() {
        assert_eq!(load(&[(0, 0)], &[(9, 0)], 99), too_short());
    }

    #[test]
    fn too_few_ticks_on_any_core_make_no_number() {
        assert_eq!(
            load(&[(0, 0), (0, 0)], &[(10, 0), (7, 0)], 100),
            too_short()
        );
        assert_eq!(load(&[(0, 0)], &[(0, 0)], 1000), too_short());
    }

    #[test]
    fn a_machine_without_cores_makes_no_number() {
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
    fn a_tick_in_its_time_adds_a_row_a_core() {
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
