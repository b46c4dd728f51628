//! Tests that the committed JSON Schema matches the types, and that the records of `run` are valid by it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use taskdyno::record::Record;

const HINT: &str = "TASKDYNO_WRITE_SCHEMA=1 cargo nextest run the_committed_schema updates it";

#[test]
fn the_committed_schema_matches_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/record.json");
    let schema = schemars::schema_for!(Record);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("TASKDYNO_WRITE_SCHEMA").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "{HINT}"
    );
}

#[test]
fn the_records_of_run_are_valid_by_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args([
            "run",
            "empty/pattern=chain",
            "--runs",
            "2",
            "--warmup",
            "0",
            "--quiet",
        ])
        .arg("--out")
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let schema = serde_json::to_value(schemars::schema_for!(Record)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
    assert!(text.lines().count() > 1);
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&record)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}
