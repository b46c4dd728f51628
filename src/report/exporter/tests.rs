use std::fs;

use super::*;
use crate::diagnostic::Diagnostic;
use crate::record::WorkerUsage;
use crate::record::fixture::case;
use crate::report::table::tables;
use crate::report::tests::{report, varied};

fn page(report: &Report) -> String {
    let folder = tempfile::tempdir().unwrap();
    let files = HTML.export(report, folder.path()).unwrap();
    assert_eq!(files, [folder.path().join("report.html")]);
    fs::read_to_string(&files[0]).unwrap()
}

/// Elements that never have an end tag.
const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];

/// Checks that tags are closed in the right order, and that none is left open.
fn assert_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag that never ends");
        let name = tag
            .split([' ', '/', '\n'])
            .find(|part| !part.is_empty())
            .unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
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
fn every_page_is_well_formed_and_needs_no_network() {
    for (what, report) in odd_reports() {
        let page = page(&report);
        assert_well_formed(&page);
        let own = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for reference in [
            "http:", "https:", "src=", "<link", "<script", "@import", "NaN",
        ] {
            assert!(!own.contains(reference), "{what}: {reference}");
        }
    }
}

#[test]
fn the_check_for_well_formed_pages_can_fail() {
    for broken in ["<p><b></p></b>", "<p>", "</p>"] {
        assert!(
            std::panic::catch_unwind(|| assert_well_formed(broken)).is_err(),
            "{broken}"
        );
    }
    assert_well_formed("<p class=\"a\">x<br>y<i/></p>");
}

#[test]
fn the_page_says_what_is_in_the_report() {
    let page = page(&varied());
    for text in [
        "Example CPU",
        "2026-11-02 12:00:00 UTC",
        "c0ffee012345",
        "9, <span class=\"failure\">1 failed</span>",
        "12,345 lost updates on tokio, 2 workers",
        "no answer for 30 s\nand &lt;killed&gt;",
        "aria-label=\"Median wall time of one run of empty, fastest first. static × 2: 695 µs;",
        "<td class=\"figure\">689 – 701 µs</td>",
        "href=\"#limit\"",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for (what, report) in odd_reports() {
        let has_picture = page_has_picture(&report);
        assert_eq!(
            has_picture,
            !["nothing", "only errors"].contains(&what),
            "{what}"
        );
    }
}

#[test]
fn page_and_table_have_the_cpu_time_of_each_worker() {
    let shown = |used: &[u64]| {
        let mut record = case("empty", "rayon", 2).record();
        record
            .worker_usage
            .extend(used.iter().map(|cpu_ns| WorkerUsage {
                cpu_ns: *cpu_ns,
                peak_memory_bytes: None,
            }));
        let report = Report::new(&[record]).unwrap();
        (tables(&report), page(&report))
    };
    let (table, page) = shown(&[30, 10]);
    for text in [&table, &page] {
        assert!(text.contains("CPU per worker"), "{text}");
        assert!(text.contains("0.50 – 1.50 ms"), "{text}");
    }
    let (table, _) = shown(&[]);
    assert!(
        !table.contains("CPU per worker"),
        "an empty column: {table}"
    );
}

fn page_has_picture(report: &Report) -> bool {
    page(report).contains("<svg")
}

#[test]
fn a_page_without_records_says_so() {
    assert!(page(&report([])).contains("There are no records"));
}

#[test]
fn names_and_messages_cannot_become_markup() {
    let hostile = "</style></title><script>alert(1)</script><img src=x onerror=\"'&";
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
    assert_well_formed(&page);
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn paper_turns_dark_on_a_dark_page() {
    let page = page(&varied());
    assert!(page.contains(".picture [fill=\"#FFFFFF\"]{fill:#15191F}"));
    assert!(page.contains("<rect x=\"0\" y=\"0\" width=\"3200\""));
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

#[test]
fn a_finding_of_all_cases_is_listed_once() {
    let with = |backend: &str, count| case("a", backend, 1).finding("late_timers_count", count);
    let text = page(&report([with("rayon", 5), with("fork", 5)]));
    assert!(text.contains("5 late timers in each of 2 cases"));
    let text = page(&report([with("rayon", 5), with("fork", 6)]));
    assert!(text.contains("6 late timers on fork, 1 worker; 5 late timers on rayon, 1 worker"));
}
