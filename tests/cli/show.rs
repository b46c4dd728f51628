//! `show`, and what `run` prints at its end.

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{assert_complains, quick_run, stderr, stdout, taskdyno};

#[test]
fn a_run_ends_with_one_table_and_show_prints_every_case() {
    let folder = TempDir::new().unwrap();
    let output = quick_run(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert_eq!(text.matches("× best").count(), 2, "{text}");
    assert!(!text.contains("95% interval"), "{text}");

    let show = |more: &[&str]| {
        let shown = taskdyno()
            .arg("show")
            .arg(folder.path())
            .args(more)
            .output();
        shown.unwrap()
    };
    let tables = stdout(&show(&[]));
    assert!(tables.contains("95% interval"), "{tables}");
    let detailed = quick_run(TempDir::new().unwrap().path())
        .arg("--details")
        .output()
        .unwrap();
    assert!(stdout(&detailed).contains("95% interval"));

    let rows: Vec<Value> = serde_json::from_str(&stdout(&show(&["--format", "json"]))).unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().any(|row| row["rank"] == 1));
    let csv = stdout(&show(&["--format", "csv"]));
    assert_eq!(csv.lines().count(), 1 + rows.len());
    assert!(stdout(&show(&["--format", "markdown"])).contains("| rank | backend |"));

    let backend = rows[0]["backend"].as_str().unwrap();
    let one = format!("/{backend}/");
    let some: Vec<Value> =
        serde_json::from_str(&stdout(&show(&[&one, "--format", "json"]))).unwrap();
    assert!(!some.is_empty() && some.iter().all(|row| row["backend"] == backend));
    assert_complains(&show(&["no-such-case"]), 2, &["no-such-case"]);
}

#[test]
fn several_filters_globs_and_exclusions_select_cases() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        let output = taskdyno()
            .args(["run", "--dry-run"])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect()
    };
    let both = ids(&["hash-cpu", "empty"]);
    for name in ["hash-cpu/", "empty/"] {
        assert!(both.iter().any(|id| id.starts_with(name)), "{name}");
    }
    let globbed = ids(&["*/rayon/?", "--exclude", "empty"]);
    assert!(!globbed.is_empty());
    for id in &globbed {
        assert!(id.contains("/rayon/") && !id.contains("empty"), "{id}");
    }
    // What runs only if it is named is part of everything.
    let everything = ids(&["--all", "--exclude", "python"]);
    assert!(everything.iter().any(|id| id.starts_with("stencil-small/")));
    assert!(!both.iter().any(|id| id.starts_with("stencil-small/")));

    let nothing = taskdyno()
        .args(["run", "--dry-run", "hash-cpu", "--exclude", "hash*"])
        .output();
    assert_complains(&nothing.unwrap(), 2, &["exclude"]);
}
