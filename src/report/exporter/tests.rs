use std::fs;

use super::*;
use crate::diagnostic::Diagnostic;
use crate::record::fixture::case;
use crate::report::page::Page;
use crate::report::tests::{report, varied};

fn page(report: &Report) -> String {
    let folder = tempfile::tempdir().unwrap();
    let files = HTML.export(report, folder.path()).unwrap();
    assert_eq!(files, [folder.path().join("report.html")]);
    fs::read_to_string(&files[0]).unwrap()
}

/// Latencies of none, one and many values, from 0 to the largest number.
fn latencies() -> Report {
    report([
        case("a", "rayon", 1).latencies("lateness", (0..64).map(|bits| u64::MAX >> bits)),
        case("a", "rayon", 2).latencies("lateness", [0; 40]),
        case("a", "fork", 1)
            .latencies("lateness", [u64::MAX])
            .latencies("hand_over", []),
    ])
}

/// Unusual reports, each with a description.
fn odd_reports() -> Vec<(&'static str, Report)> {
    vec![
        ("nothing", report([])),
        (
            "only errors",
            report([case("a", "fork", 1).error("killed", "signal 9")]),
        ),
        ("one sample", report([case("a", "rayon", 1).walls_us(&[7])])),
        (
            "no serial",
            report([case("a", "rayon", 1), case("a", "rayon", 2)]),
        ),
        (
            "load",
            report([case("a", "serial", 1).load(0, &[[0.5, 1.0]])]),
        ),
        ("varied", varied()),
        ("latencies", latencies()),
    ]
}

#[test]
fn every_page_is_one_file_that_needs_no_network() {
    for (what, report) in odd_reports() {
        let page = page(&report);
        for element in ["<script", "<style", "<noscript", "<title"] {
            let end = element.replace('<', "</");
            let count = |text: &str| page.matches(text).count();
            assert_eq!(count(element), count(&end), "{what}: {element}");
        }
        for reference in ["https:", " src=", "<link", "@import", "<iframe", ":NaN"] {
            assert!(!page.contains(reference), "{what}: {reference}");
        }
        assert!(page.contains("default-src 'none'"), "{what}");
    }
}

/// The data in the page.
fn data(page: &str) -> serde_json::Value {
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn names_and_messages_cannot_become_markup() {
    let hostile = "</script></style></title><!--<script>alert(1)</script><img src=x onerror=\"'&\u{202e}\u{2028}";
    let mut record = case(hostile, hostile, 1)
        .variant(hostile)
        .finding(hostile, 3)
        .record();
    record.host.processor = hostile.into();
    record.host.governor = Some(hostile.into());
    record.started_at = hostile.into();
    record.case.parameters = serde_json::json!({ hostile: { "kind": hostile, hostile: hostile } });
    let mut failed = case(hostile, "other", 1)
        .variant(hostile)
        .error(hostile, hostile)
        .record();
    failed.host = record.host.clone();
    let page = page(&Report::new(&[record, failed]).unwrap());
    let harmless = super::super::page::document(&Page::default());
    for tag in ["<script", "</script", "<img", "<!--", "</style", "</title"] {
        let count = |page: &str| page.matches(tag).count();
        assert_eq!(count(&page), count(&harmless), "{tag}");
    }
    for hidden in ['\u{202e}', '\u{2028}'] {
        assert!(!page.contains(hidden), "{hidden:?}");
    }
    // The name itself is unchanged.
    assert_eq!(data(&page)["groups"][0]["workload"], hostile);
    assert_eq!(data(&page)["failures"][0]["message"], hostile);
}

#[test]
fn pictures_are_written_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    let report = report([case("../a b", "rayon", 1), case("../a b", "rayon", 2)]);
    for (exporter, ending, magic) in [
        (EXPORTERS[1], "svg", b"<svg".as_slice()),
        (EXPORTERS[2], "png", b"\x89PNG".as_slice()),
    ] {
        assert_eq!(exporter.name(), ending);
        let files = exporter.export(&report, folder.path()).unwrap();
        let names = ["comparison", "speed-up"].map(|what| format!("a-b-{what}.{ending}"));
        let expected = names.map(|name| folder.path().join("pictures").join(name));
        assert_eq!(files, expected);
        for file in files {
            assert!(fs::read(file).unwrap().starts_with(magic));
        }
    }
    // No temporary file is left.
    assert_eq!(
        fs::read_dir(folder.path().join("pictures"))
            .unwrap()
            .count(),
        4
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let error = HTML.export(&report([]), &blocked).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("file/report.html"), "{message}");
    assert!(error.help().unwrap().contains("--out"));
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    fs::write(&path, "x".repeat(10_000_000)).unwrap();
    HTML.export(&report([]), folder.path()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with("</html>"));
}
