//! Tests every command and every format with names and messages that try to control the program that displays them.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{program, scripted, taskdyno};

/// A text that sets the title of a terminal, clears it, colours it, changes the direction of text, breaks the line,
/// ends a cell, contains noncharacters, and opens an element.
const HOSTILE: &str = "=cmd|x\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[35m\u{9b}1A\u{202e}\u{2066}\r\n\u{fffe}\u{ffff}\u{0}<b>&\"'`|,;";

/// A folder with `base.jsonl` and `head.jsonl`: records with hostile text in every place for foreign text.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let output = program(scripted())
            .args(["run", "empty/pattern=chain", "--runs", "9", "--seed", "3"])
            .args(["--workers", "2", "--backends", "serial,rayon"])
            .args(["--quiet", "--out"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
        let measured: Vec<Value> = text.lines().map(|line| hostile(line, HOSTILE)).collect();
        let folder = Self(folder);
        folder.write("base.jsonl", &measured);
        let failed = json!({ "kind": HOSTILE, "message": HOSTILE });
        let mut records = measured;
        records[0]["samples"] = json!([]);
        records[0]["error"] = failed;
        records[1]["commit"] = json!({ "hash": format!("{HOSTILE}2"), "dirty": true });
        records[0]["commit"] = records[1]["commit"].clone();
        folder.write("head.jsonl", &records);
        folder
    }

    fn write(&self, name: &str, records: &[Value]) {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        fs::write(self.path(name), lines).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs taskdyno in the folder and returns its standard output. Asserts that both outputs are harmless, with and
    /// without colours.
    fn run(&self, arguments: &[&str]) -> String {
        self.checked(arguments, "always");
        let output = self.checked(arguments, "never");
        String::from_utf8(output.stdout).unwrap()
    }

    fn checked(&self, arguments: &[&str], color: &str) -> Output {
        let output = taskdyno()
            .args(arguments)
            .env("TASKDYNO_COLOR", color)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let text = match color {
                "always" => without_styles(&text),
                _ => text,
            };
            assert_harmless(&format!("{arguments:?}"), &text);
        }
        output
    }
}

/// A record with `text` in each place for a name or a message.
fn hostile(line: &str, text: &str) -> Value {
    let mut record: Value = serde_json::from_str(line).unwrap();
    let backend = record["case"]["backend"].as_str().unwrap().to_owned();
    let long = "long".repeat(75);
    record["case"]["workload"] = format!("{text}{long}").into();
    record["case"]["variant"] = text.into();
    record["case"]["backend"] = format!("{text}{backend}").into();
    record["case"]["continuation"] = text.into();
    for key in ["processor", "kernel", "governor", "toolchain", "taskdyno"] {
        record["host"][key] = text.into();
    }
    record["commit"] = json!({ "hash": text, "dirty": false });
    record["started_at"] = text.into();
    record["findings"] = json!({ text: 3 });
    record["case"]["parameters"]["kernel"]["kind"] = text.into();
    record
}

/// Removes the styles that the program itself writes. Magenta is not one of them.
fn without_styles(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (style, rest) = part.split_once('m').unwrap_or(("", part));
        let is_style = style.chars().all(|c| c.is_ascii_digit() || c == ';') && style != "35";
        assert!(is_style && rest.len() < part.len(), "{text:?}");
        plain += rest;
    }
    plain
}

/// Asserts that `text` controls nothing, and that the hostile text is escaped instead of omitted.
fn assert_harmless(what: &str, text: &str) {
    let acts = |c: char| {
        let is_turn = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let is_none = matches!(c, '\u{fffe}' | '\u{ffff}');
        !matches!(c, '\n' | '\t') && (c.is_control() || is_turn || is_none)
    };
    // CSV ends its lines with a carriage return, as its standard says.
    let text = text.replace("\r\n", "\n");
    let at = text.find(acts);
    assert_eq!(at.map(|at| &text[at..]), None, "{what}");
}

#[test]
fn records_cannot_control_a_display() {
    let folder = Folder::new();
    folder.run(&["report", "base.jsonl", "--pictures", "--out", "page"]);
    for format in ["table", "json", "markdown", "junit", "csv"] {
        let shown = folder.run(&[
            "compare",
            "base.jsonl",
            "head.jsonl",
            "--advisory",
            "--format",
            format,
        ]);
        assert!(shown.contains("title"), "{format}: {shown}");
    }
    for format in ["table", "json", "csv", "markdown", "svg"] {
        let shown = folder.run(&["history", "base.jsonl", "--format", format]);
        assert!(!shown.is_empty(), "{format}");
    }
    folder.run(&["compare", "base.jsonl", "base.jsonl"]);
    folder.run(&["report", "base.jsonl", "head.jsonl"]);
    folder.run(&["history", "base.jsonl", "head.jsonl", "--same-host"]);
    folder.run(&["baseline", "save", "main", "base.jsonl"]);
    folder.run(&["baseline", "list"]);
    folder.run(&["baseline", "show", "main"]);
    folder.run(&["compare", "head.jsonl", "--baseline", "main"]);
    folder.run(&["baseline", "remove", "main"]);
}

#[test]
fn every_format_escapes_hostile_names() {
    let folder = Folder::new();
    let compare = ["compare", "base.jsonl", "head.jsonl", "--advisory"];
    let json = ["--format", "json", "--out", "comparison.json"];
    folder.run(&[&compare[..], &json[..]].concat());
    for file in ["base.jsonl", "comparison.json"] {
        for format in [
            "markdown",
            "bmf",
            "github-action-benchmark",
            "openmetrics",
            "csv",
        ] {
            let text = folder.run(&["export", file, "--format", format]);
            assert!(text.contains("title"), "{format}: {text}");
        }
        let csv = folder.run(&["export", file, "--format", "csv"]);
        let mut rows = csv::Reader::from_reader(csv.as_bytes());
        for row in rows.records() {
            let row = row.unwrap();
            let is_formula = |field: &str| field.starts_with(['=', '+', '@', '\t']);
            assert!(!row.iter().any(is_formula), "{row:?}");
        }
    }
    let junit = folder.run(&["export", "comparison.json", "--format", "junit"]);
    roxmltree::Document::parse(&junit).unwrap();
    let history = folder.run(&["history", "base.jsonl", "--format", "svg"]);
    roxmltree::Document::parse(&history).unwrap();
}

#[test]
fn pages_and_pictures_are_well_formed() {
    let folder = Folder::new();
    folder.run(&["report", "base.jsonl", "--pictures", "--out", "page"]);
    let page = fs::read_to_string(folder.path("page/report.html")).unwrap();
    assert_harmless("the page", &page);
    let mut pictures: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder.path("page/pictures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|one| one == "svg") {
            pictures.push(fs::read_to_string(path).unwrap());
        }
    }
    assert!(!pictures.is_empty());
    for picture in pictures {
        assert_harmless("a picture", &picture);
        roxmltree::Document::parse(&picture).unwrap();
    }
}

#[test]
fn the_summary_of_a_job_escapes_hostile_names() {
    let folder = Folder::new();
    let summary = folder.path("summary.md");
    let output = taskdyno()
        .args(["compare", "base.jsonl", "head.jsonl", "--advisory"])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .current_dir(folder.0.path())
        .output()
        .unwrap();
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("title"), "{output:?}");
    assert_harmless("the summary", &summary);
}

#[test]
fn arguments_and_files_cannot_control_messages() {
    let folder = Folder::new();
    // An argument cannot contain a zero byte, and the name of a file cannot contain a slash.
    let name = &HOSTILE.replace(['\u{0}', '/'], "");
    let toml = &format!("{name}.toml");
    // Control characters are refused here. Characters that change the direction of text are not.
    let workload = "name = \"turned\"\nwhy = \"title \\u202e\"\n\
                    pattern = { kind = \"chain\", steps = 2 }\nkernel = { kind = \"empty\" }\n";
    let bad = format!("{workload}\n# \u{9b}2J\u{202e}\n\"\u{202e}\" = 1 # \u{1b}[2J\n");
    fs::write(folder.path(toml), workload).unwrap();
    fs::write(folder.path("bad.toml"), bad).unwrap();
    let dot = &format!("{name}.dot");
    fs::write(folder.path(dot), format!("digraph {{ \"{name}\" -> b }}")).unwrap();
    fs::write(
        folder.path("bad.dot"),
        "digraph { a\u{1b}[31m \u{202e} -> }",
    )
    .unwrap();
    fs::write(folder.path("bad.jsonl"), format!("{name}\n")).unwrap();
    for arguments in [
        &["run", name][..],
        &["run", "--backends", name],
        &["run", "--option", name],
        &["run", "--workers", name],
        &["run", "--pin", name],
        &["run", "--timeout", name],
        &["run", "--save-baseline", name],
        &["run", "--baseline", name],
        &["run", &format!("--{name}")],
        &[name],
        &["report", name],
        &["report", "bad.jsonl"],
        &["compare", name, name],
        &["baseline", "show", name],
        &["baseline", "list", "--baseline-dir", name],
        &["check", "bad.toml"],
        &["check", name],
        &["list", "--workloads", "bad.toml"],
        &["graph", "info", dot],
        &["graph", "info", "bad.dot"],
        &["graph", "info", name],
        &["graph", "info", "--pattern", name],
        &["gate", "--base", name, "--head", name],
        &["export", name, "--format", "csv"],
        &["export", "base.jsonl", "--format", name],
    ] {
        folder.run(arguments);
    }
    for arguments in [&["check", toml][..], &["list", "--workloads", toml]] {
        let shown = folder.run(arguments);
        assert!(shown.contains("title \\u202e"), "{shown}");
    }
}
