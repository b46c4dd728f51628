//! Tests of all published versions of WfFormat.

use taskdyno::internal::graph_file::GraphFormat;
use taskdyno::internal::graph_file::import::{Imported, Unit, parse};

use crate::{edges, wfformat};

/// Two tasks of 1 and 2.5 seconds, the first before the second.
fn expected() -> Imported {
    let imported = wfformat(&specified("1.5"));
    assert_eq!(edges(&imported), "a>b");
    assert_eq!(
        imported.durations.as_deref(),
        Some(&[1_000_000_000, 2_500_000_000][..])
    );
    assert_eq!(imported.unit, Unit::Seconds);
    assert!(imported.notes.is_empty());
    imported
}

fn specified(version: &str) -> String {
    format!(
        r#"{{"schemaVersion": "{version}", "workflow": {{
            "specification": {{"tasks": [
                {{"name": "a", "id": "a", "parents": [], "children": ["b"]}},
                {{"name": "b", "id": "b", "parents": ["a"], "children": []}}]}},
            "execution": {{"makespanInSeconds": 3.5, "tasks": [
                {{"id": "a", "runtimeInSeconds": 1, "metrics": {{"x": 1}}}},
                {{"id": "b", "runtimeInSeconds": 2.5}}]}}}}}}"#
    )
}

/// The same with the tasks in one list under `key`, and the runtimes in them.
fn flat(version: &str, key: &str, runtime: &str) -> String {
    format!(
        r#"{{"schemaVersion": "{version}", "workflow": {{"makespan": 3.5, "{key}": [
            {{"name": "a", "type": "compute", "{runtime}": 1.0, "parents": [], "files": []}},
            {{"name": "b", "type": "compute", "{runtime}": 2.5, "parents": ["a"], "files": []}}]}}}}"#
    )
}

#[test]
fn every_published_version_is_read_without_a_note() {
    let flat_versions = [
        ("1.0", "jobs", "runtime"),
        ("1.1", "jobs", "runtime"),
        ("1.2", "jobs", "runtime"),
        ("1.3", "tasks", "runtime"),
        ("1.4", "tasks", "runtimeInSeconds"),
    ];
    for (version, key, runtime) in flat_versions {
        assert_eq!(
            wfformat(&flat(version, key, runtime)),
            expected(),
            "{version}"
        );
    }
    assert_eq!(wfformat(&specified("1.6")), expected());
}

/// Returns the notes about a file that must be read as [`expected`].
fn notes(text: &str) -> String {
    let imported = wfformat(text);
    let notes = imported.notes.join("; ");
    assert!(!notes.is_empty(), "{text}");
    let without_notes = Imported {
        notes: Vec::new(),
        ..imported
    };
    assert_eq!(without_notes, expected());
    notes
}

#[test]
fn a_file_with_the_label_of_another_version_keeps_its_durations_and_says_so() {
    insta::assert_snapshot!(notes(&flat("1.4", "tasks", "runtime")), @"its durations are named `runtime`, as in versions up to 1.3: read as seconds");
    insta::assert_snapshot!(notes(&flat("1.5", "tasks", "runtimeInSeconds")), @"its schema version is 1.5, but it has `workflow.tasks`, as in versions 1.3 and 1.4: read as such");
    insta::assert_snapshot!(notes(&flat("1.3", "jobs", "runtime")), @"its schema version is 1.3, but it has `workflow.jobs`, as in versions 1.0 to 1.2: read as such");
    insta::assert_snapshot!(notes(&specified("1.4")), @"its schema version is 1.4, but it has `workflow.specification.tasks`, as in versions 1.5 and 1.6: read as such");
    let own = r#"{"schemaVersion": "1.5", "workflow": {"specification": {"tasks": [
        {"name": "a", "id": "a", "parents": [], "children": ["b"], "runtimeInSeconds": 1},
        {"name": "b", "id": "b", "parents": ["a"], "children": [], "runtimeInSeconds": 2.5}]}}}"#;
    insta::assert_snapshot!(notes(own), @"its runtimes are stored with its tasks instead of under `workflow.execution`: read from there");
}

#[test]
fn a_newer_version_is_read_by_its_shape_with_a_note() {
    insta::assert_snapshot!(notes(&specified("1.7")), @"its schema version 1.7 is newer than the supported versions: read as 1.6");
    insta::assert_snapshot!(notes(&specified("1.12")), @"its schema version 1.12 is newer than the supported versions: read as 1.6");
}

#[test]
fn a_runtime_that_an_old_file_leaves_out_is_zero() {
    let text = r#"{"schemaVersion": "1.3", "workflow": {"tasks": [
        {"name": "a"}, {"name": "b", "parents": ["a"], "runtime": 2}, {"name": "c"}]}}"#;
    let imported = wfformat(text);
    assert_eq!(
        imported.durations.as_deref(),
        Some(&[0, 2_000_000_000, 0][..])
    );
    insta::assert_snapshot!(imported.notes.join("; "), @"2 of its tasks have no `runtime`, which means 0 in versions up to 1.3");
}

#[test]
fn invalid_versions_are_refused() {
    for version in ["2.0", "0.9", "1", "1.x", "one", ""] {
        let text = specified(version);
        let error = parse(GraphFormat::WfFormat, "file", text.as_bytes()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&format!("{version:?}, expected 1.0 to 1.6")),
            "{message}"
        );
    }
}
