//! Tests the commands that read stored records, with scripted records: `compare`, `baseline`, `history` and `export`.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{program, scripted, taskdyno};

mod baseline;
mod compare;
mod history;

/// The records of a scripted run on `serial` and `rayon`, with a commit and the control loop's times set.
pub(crate) struct Scripted {
    pub(crate) folder: TempDir,
    pub(crate) records: Vec<Value>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let status = program(scripted())
            .args(["run", "empty/pattern=chain", "--runs", "9", "--seed", "3"])
            .args([
                "--workers",
                "2",
                "--backends",
                "serial,rayon",
                "--quiet",
                "--out",
            ])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut records: Vec<Value> = records.collect();
        for record in &mut records {
            assert_eq!(record["calibrations"].as_array().unwrap().len(), 16);
            let parallel = (record["case"]["workers"] == 2).then_some(250_000);
            record["calibrations"] = json!([{ "single_ns": 200_000, "parallel_ns": parallel }]);
            record["host"]["processor"] = "Example CPU".into();
            record["host"]["core_count"] = 2.into();
        }
        Self { folder, records }
    }

    /// One session: all times are `factor` times those of the script.
    pub(crate) fn session(&self, commit: &str, factor: f64) -> Vec<Value> {
        let mut records = self.records.clone();
        for record in &mut records {
            record["commit"] = json!({ "hash": commit, "dirty": false });
            // In the script, every sample takes 1% longer than the previous one, which is too wide a spread for these
            // tests.
            let first = record["samples"][0].clone();
            for sample in record["samples"].as_array_mut().unwrap() {
                for key in ["wall_ns", "cpu_ns"] {
                    let ns = first[key].as_f64().unwrap() * factor;
                    sample[key] = (ns.round() as u64).into();
                }
            }
        }
        records
    }

    /// A file of sessions with these factors.
    pub(crate) fn file(&self, name: &str, commit: &str, factors: &[f64]) -> PathBuf {
        let records = factors
            .iter()
            .flat_map(|factor| self.session(commit, *factor));
        self.write(name, &records.collect::<Vec<_>>())
    }

    pub(crate) fn write(&self, name: &str, records: &[Value]) -> PathBuf {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        let path = self.folder.path().join(name);
        fs::write(&path, lines).unwrap();
        path
    }

    /// Runs taskdyno in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        taskdyno()
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }
}

pub(crate) const STEADY: [f64; 5] = [1.0, 1.001, 0.999, 1.0005, 0.9995];

pub(crate) fn times(factor: f64) -> Vec<f64> {
    STEADY.iter().map(|steady| steady * factor).collect()
}
