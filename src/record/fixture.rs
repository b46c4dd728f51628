//! Records with exact times, for the tests of everything that reads records.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Calibration, Case, CaseError, Commit, GraphSize, Host, Load, LoadSource, Plan, Record,
    SCHEMA_VERSION, Sample,
};

/// A case of 1,000 tasks with six samples of 1 ms on a machine with two cores. A test changes only what matters to it.
pub(crate) fn case(workload: &str, backend: &str, workers: u32) -> Builder {
    let record = Record {
        schema_version: SCHEMA_VERSION,
        case: Case {
            workload: workload.into(),
            variant: String::new(),
            backend: backend.into(),
            workers,
            process_threads: None,
            parameters: json!({
                "pattern": { "kind": "stencil-1d", "width": 10, "steps": 100 },
                "kernel": { "kind": "empty" },
            }),
            continuation: None,
            pin: false,
            options: BTreeMap::new(),
        },
        family: None,
        workload_why: None,
        backend_why: None,
        not_applicable: BTreeMap::new(),
        runtime: None,
        graph: Some(GraphSize {
            task_count: 1000,
            edge_count: 2772,
        }),
        plan: Plan {
            seed: 7,
            order_index: 0,
            warmup_ns: 50_000_000,
            warmup_run_count: 0,
            invocation_count: 1,
            min_sample_ns: 2_000_000,
            min_time_ns: 200_000_000,
            max_time_ns: 400_000_000,
            min_sample_count: 6,
            max_sample_count: 100,
            timeout_ns: 30_000_000_000,
            retry_limit: 0,
            task_timeout_ns: None,
        },
        host: Host {
            processor: "Example CPU".into(),
            core_count: 2,
            cpu_limit_millicores: None,
            kernel: "Linux 6.18".into(),
            memory_bytes: 8 << 30,
            memory_limit_bytes: None,
            governor: Some("performance".into()),
            load_average: 0.1,
            toolchain: "rustc 1.95.0".into(),
            taskdyno: "0.1.0".into(),
            findings: Vec::new(),
        },
        commit: Some(Commit {
            hash: "c0ffee0123456789c0ffee0123456789c0ffee01".into(),
            dirty: false,
        }),
        started_at: "2026-11-02T12:00:00Z".into(),
        since_run_start_ns: 0,
        digest: Some("0123456789abcdef".into()),
        start_ns: Some(100_000),
        bound: None,
        samples: Vec::new(),
        usage: Vec::new(),
        calibrations: Vec::new(),
        calibration_error: None,
        pace: None,
        is_ranked_by_cpu: false,
        file_system: None,
        trace: None,
        trace_file: None,
        no_trace_file: None,
        peak: None,
        claim: None,
        deaths: Vec::new(),
        peak_memory_bytes: Some(4 << 20),
        worker_usage: Vec::new(),
        load: Load {
            source: LoadSource::TooShort,
            interval_ns: 0,
            cores: Vec::new(),
        },
        findings: Default::default(),
        latencies: Default::default(),
        remarks: Vec::new(),
        error: None,
    };
    Builder(record).walls_us(&[1000; 6])
}

/// See [`case`].
#[derive(Clone)]
pub(crate) struct Builder(Record);

impl Builder {
    /// One sample of one run each, with these wall times in microseconds, all workers busy throughout.
    pub(crate) fn walls_us(mut self, walls: &[u64]) -> Self {
        let workers = u64::from(self.0.case.workers);
        let sample = |wall_us: &u64| Sample {
            cpu_ns: Some(wall_us * 1000 * workers),
            voluntary_switch_count: Some(0),
            involuntary_switch_count: Some(0),
            ..Sample::new(wall_us * 1000, 1)
        };
        self.0.samples = walls.iter().map(sample).collect();
        self
    }

    /// Six samples around `wall_us`. The interval reaches 1% to either side.
    pub(crate) fn around_us(self, wall_us: u64) -> Self {
        let step = wall_us / 100;
        let (low, high) = (wall_us - step, wall_us + step);
        self.walls_us(&[high, wall_us, low, wall_us, low, high])
    }

    /// Six samples that differ from `wall_us` by at most 0.1%.
    pub(crate) fn near_us(self, wall_us: u64) -> Self {
        let step = wall_us / 1000;
        let (low, high) = (wall_us - step, wall_us + step);
        self.walls_us(&[high, wall_us, wall_us, wall_us, wall_us, low])
    }

    pub(crate) fn variant(mut self, variant: &str) -> Self {
        self.0.case.variant = variant.into();
        self
    }

    pub(crate) fn continuation(mut self, continuation: &str) -> Self {
        self.0.case.continuation = Some(continuation.into());
        self
    }

    /// Sets the time of the control loop, before and after the samples, on one thread and on several.
    pub(crate) fn calibrated_us(mut self, microseconds: u64) -> Self {
        let ns = microseconds * 1000;
        let calibration = Calibration {
            single_ns: ns,
            parallel_ns: (self.0.case.workers > 1).then_some(ns),
        };
        self.0.calibrations = vec![calibration; 3];
        self
    }

    /// Sets the hash of the commit.
    pub(crate) fn commit(mut self, hash: &str) -> Self {
        self.0.commit = Some(Commit {
            hash: hash.into(),
            dirty: false,
        });
        self
    }

    pub(crate) fn kernel(mut self, kernel: serde_json::Value) -> Self {
        self.0.case.parameters["kernel"] = kernel;
        self
    }

    pub(crate) fn pace(mut self, pace: &str) -> Self {
        self.0.pace = Some(pace.into());
        self
    }

    /// Makes it a case that is ranked by CPU time, of which each run of all samples so far has this much.
    pub(crate) fn ranked_by_cpu_us(mut self, cpu_us: u64) -> Self {
        self.0.is_ranked_by_cpu = true;
        for sample in &mut self.0.samples {
            sample.cpu_ns = Some(cpu_us * 1000 * sample.run_count);
        }
        self
    }

    pub(crate) fn file_system(mut self, name: &str) -> Self {
        self.0.file_system = Some(name.into());
        self
    }

    pub(crate) fn finding(mut self, key: &str, count: u64) -> Self {
        self.0.findings.insert(key.into(), count);
        self
    }

    /// Adds latencies in nanoseconds.
    pub(crate) fn latencies(
        mut self,
        name: &str,
        latencies: impl IntoIterator<Item = u64>,
    ) -> Self {
        let histogram = latencies.into_iter().collect();
        self.0.latencies.insert(name.into(), histogram);
        self
    }

    /// Sets when the case began, in milliseconds since the start of the run, and the load with one row per interval of
    /// 200 ms.
    pub(crate) fn load(mut self, since_run_start_ms: u64, cores: &[[f64; 2]]) -> Self {
        self.0.since_run_start_ns = since_run_start_ms * 1_000_000;
        self.0.load = Load {
            source: LoadSource::Sysinfo,
            interval_ns: 200_000_000,
            cores: cores.iter().map(|row| row.to_vec()).collect(),
        };
        self
    }

    /// Makes it a failed case without samples.
    pub(crate) fn error(mut self, kind: &str, message: &str) -> Self {
        self.0.samples.clear();
        self.0.digest = None;
        self.0.error = Some(CaseError::new(kind.into(), message));
        self
    }

    pub(crate) fn record(self) -> Record {
        self.0
    }
}
