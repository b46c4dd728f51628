//! `claims`: its records, its verdicts in every form, and what it refuses.

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{records, stderr, stdout, taskdyno};

/// The records of one round after the other, and the verdict on them, agree in JSON and in the report that only reads
/// the records.
#[test]
fn a_claim_is_measured_in_pairs_and_decided_from_its_records() {
    let folder = TempDir::new().unwrap();
    // Claim 7 takes the least time.
    let output = taskdyno()
        .args(["claims", "7", "--format", "json", "--seed", "1", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let claims: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0]["id"], "7");
    let verdicts = ["holds", "does-not-hold", "cannot-tell"];
    assert!(
        verdicts
            .iter()
            .any(|verdict| claims[0]["verdict"] == *verdict)
    );

    let records = records(folder.path());
    for side in ["thread-per-task", "process-per-task", "process-pool"] {
        let variant = format!("side={side}");
        let mut own = records
            .iter()
            .filter(|record| record["case"]["variant"] == variant.as_str());
        let record = own.next().unwrap();
        assert_eq!((own.next(), &record["error"]), (None, &Value::Null));
        assert_eq!(record["case"]["workload"], "claim-7");
        let rounds = record["claim"]["rounds"].as_array().unwrap();
        assert_eq!(rounds.len(), record["samples"].as_array().unwrap().len());
        assert!(rounds.len() >= 8, "{rounds:?}");
        let expected: Vec<Value> = (0..rounds.len()).map(Value::from).collect();
        assert_eq!(*rounds, expected);
    }
    let rust = &claims[0]["figures"].as_array().unwrap()[0];
    assert!(rust["pair_count"].as_u64() >= Some(8), "{rust}");
    assert_eq!(rust["more"]["side"], "process-per-task");
    assert!(rust["interval"]["low"].as_f64() <= rust["ratio"].as_f64());

    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    std::fs::remove_file(folder.path().join("report.html")).unwrap();
    let again = taskdyno()
        .arg("report")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("report.html")).unwrap(),
        page
    );
    assert!(page.contains(r#""claims":[{"id":"#));
    assert!(folder.path().join("pictures/claim-7.svg").exists());
}

#[test]
fn without_an_interpreter_the_parts_on_cpython_cannot_be_told() {
    let folder = TempDir::new().unwrap();
    let output = taskdyno()
        .env("PATH", "")
        .args(["claims", "7", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("7. Starting a process costs more than starting a thread"),
        "{text}"
    );
    assert!(text.contains("\n   cannot tell\n"), "{text}");
    assert!(text.contains("cannot find `python3`"), "{text}");
    let records = records(folder.path());
    let of_python = |record: &&Value| {
        record["case"]["backend"]
            .as_str()
            .unwrap()
            .starts_with("python-")
    };
    assert!(records.iter().filter(of_python).count() >= 3);
    for record in records.iter().filter(of_python) {
        assert_eq!(record["error"]["message"], "cannot find `python3`");
    }
}

#[test]
fn the_cases_of_claims_are_listed_without_running_them() {
    let output = taskdyno()
        .args(["claims", "3", "--full", "--dry-run"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("claim-3/side=sequential/serial/1\n"),
        "{text}"
    );
    assert!(
        text.contains("claim-3/side=processes/fork-per-task/2\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");
}

#[test]
fn numbers_that_are_no_claim_are_refused() {
    for wrong in ["0", "10", "seven"] {
        let output = taskdyno().args(["claims", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let text = stderr(&output);
        assert!(text.contains(wrong) && text.contains("9"), "{text}");
    }
    let output = taskdyno()
        .args(["claims", "--format", "csv"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
