//! Checks each format against a schema, a parser, or the rules of its specification.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::record::fixture::case;
use crate::report::verdict::tests::varied;

fn named(name: &str) -> &'static dyn Format {
    format(name).unwrap()
}

fn records() -> Vec<Record> {
    vec![
        case("hash", "rayon", 2).around_us(1000).record(),
        case("a,b|\"c\"\\<d>&e", "fork", 1).walls_us(&[7]).record(),
        case("crash", "rayon", 2)
            .error("panic", "out of cheese")
            .record(),
    ]
}

fn of_records(name: &str) -> String {
    named(name).records(&records()).unwrap()
}

#[test]
fn formats_with_figures_have_latencies_too() {
    let records = [
        case("timer", "rayon", 2)
            .latencies("hand_over", (1..=1000).map(|us| us * 1000))
            .record(),
        case("crash", "rayon", 2)
            .latencies("hand_over", [1])
            .error("panic", "")
            .record(),
    ];
    let of = |name: &str| named(name).records(&records).unwrap();
    let bmf: Value = serde_json::from_str(&of("bmf")).unwrap();
    let measures = &bmf["timer/rayon/2"];
    // p99 is 990 µs, up to the end of its bucket; p99.9 needs 10,000 values.
    assert_eq!(measures["hand-over-p99"], json!({ "value": 991_231.0 }));
    assert_eq!(measures["hand-over-max"], json!({ "value": 1_000_000.0 }));
    assert!(measures.get("hand-over-p99.9").is_none());
    assert!(bmf.get("crash/rayon/2").is_none());
    let entries: Value = serde_json::from_str(&of("github-action-benchmark")).unwrap();
    let last = entries.as_array().unwrap().last().unwrap();
    assert_eq!(last["name"], "timer/rayon/2 (hand-over-max)");
    assert_eq!(
        (&last["unit"], &last["extra"]),
        (&json!("ns"), &json!("1000 latencies"))
    );
    let metrics = checked_openmetrics(&of("openmetrics"));
    assert_eq!(metrics["taskdyno_latency_seconds"], 3);
    assert_eq!(metrics["taskdyno_latency_seconds_count"], 1);
    assert_eq!(metrics["taskdyno_latency_max_seconds"], 1);
    let markdown = of("markdown");
    let row = markdown
        .lines()
        .find(|line| line.contains("hand over"))
        .unwrap();
    assert!(
        row.ends_with("| 1,000 | 504 µs | 901 µs | 991 µs | – | 1.00 ms |"),
        "{row}"
    );
}

fn of_comparisons(name: &str) -> String {
    let mut other = varied();
    other.base.name = "v1.0".into();
    named(name).comparisons(&[varied(), other])
}

/// Parses `text`, checks it against a JSON Schema, and returns it.
fn valid(text: &str, schema: &Value) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    value
}

#[test]
fn the_names_of_formats_are_unique() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(format("xml").is_none());
}

/// The schema of Bencher Metric Format according to its documentation
/// (bencher.dev/docs/reference/bencher-metric-format): `value` is required, and the bounds are optional numbers.
fn bencher_schema() -> Value {
    let number = json!({ "type": "number" });
    json!({
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["value"],
                "additionalProperties": false,
                "properties": { "value": number, "lower_value": number, "upper_value": number }
            }
        }
    })
}

#[test]
fn bencher_metric_format_follows_its_schema() {
    let found = valid(&of_records("bmf"), &bencher_schema());
    assert_eq!(found.as_object().unwrap().len(), 2);
    let latency = &found["hash/rayon/2"]["latency"];
    assert_eq!(latency["value"], 1_000_000.0);
    assert_eq!(latency["lower_value"], 990_000.0);
    assert_eq!(found["hash/rayon/2"]["peak-memory"]["value"], 4_194_304.0);
    let found = valid(&of_comparisons("bmf"), &bencher_schema());
    assert_eq!(found["slow/rayon/2"]["wall-ratio-to-v1.0"]["value"], 1.052);
    let one = named("bmf").comparisons(&[varied()]);
    assert!(one.contains("\"wall-ratio\""));
}

/// The requirements for `customSmallerIsBetter` in the README of benchmark-action/github-action-benchmark.
fn github_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "unit", "value"],
            "additionalProperties": false,
            "properties": {
                "name": text, "unit": text, "value": { "type": "number" }, "range": text, "extra": text
            }
        }
    })
}

#[test]
fn github_action_benchmark_follows_its_schema() {
    let found = valid(&of_records("github-action-benchmark"), &github_schema());
    let wall = &found[0];
    assert_eq!(wall["name"], "hash/rayon/2 (wall-time)");
    assert_eq!(
        (&wall["value"], &wall["unit"]),
        (&json!(1_000_000.0), &json!("ns"))
    );
    assert_eq!(wall["range"], "± 10000");
    let found = valid(&of_comparisons("github-action-benchmark"), &github_schema());
    assert_eq!(found[0]["unit"], "× main");
}

#[test]
fn junit_has_the_elements_and_counts_that_its_readers_expect() {
    let text = of_comparisons("junit");
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let number = |node: roxmltree::Node<'_, '_>, name: &str| -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    };
    let elements = |node: roxmltree::Node<'_, '_>, name: &str| -> usize {
        let all = node.descendants();
        all.filter(|node| node.has_tag_name(name)).count()
    };
    let suites: Vec<_> = root
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    assert_eq!(suites.len(), 2);
    for suite in &suites {
        assert_eq!(suite.tag_name().name(), "testsuite");
        assert!(suite.attribute("name").is_some());
    }
    for node in [root, suites[0]] {
        for (count, element) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ] {
            assert_eq!(number(node, count), elements(node, element), "{element}");
        }
        assert!(node.attribute("time").unwrap().parse::<f64>().unwrap() > 0.0);
    }
    let mut outcomes = BTreeMap::new();
    for case in suites[0]
        .children()
        .filter(|node| node.has_tag_name("testcase"))
    {
        assert!(case.attribute("classname").is_some());
        assert!(case.attribute("time").unwrap().parse::<f64>().is_ok());
        let child = case
            .first_element_child()
            .map(|child| child.tag_name().name());
        outcomes.insert(case.attribute("name").unwrap(), child);
    }
    for (id, outcome) in [
        ("slow/rayon/2", Some("failure")),
        ("near/rayon/2", Some("skipped")),
        ("crash/rayon/2", Some("error")),
        ("gone/rayon/2", Some("error")),
        ("same/rayon/2", None),
        ("a,b|\"c\"<d>&e/rayon/2", None),
    ] {
        assert_eq!(outcomes.get(id), Some(&outcome), "{id}");
    }
    assert_eq!(named("junit").records(&records()), None);
}

#[test]
fn csv_can_be_read_by_a_parser() {
    let rows = |text: &str| -> Vec<::csv::StringRecord> {
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        reader.records().map(Result::unwrap).collect()
    };
    let found = rows(&of_records("csv"));
    // The records have six samples, one, and none.
    assert_eq!(found.len(), 7);
    assert_eq!(&found[6][0], "a,b|\"c\"\\<d>&e/fork/1");
    assert_eq!((&found[6][8], &found[6][11]), ("7000", ""));
    let found = rows(&of_comparisons("csv"));
    let slow = found.iter().find(|row| &row[0] == "slow/rayon/2").unwrap();
    assert_eq!(
        (&slow[3], &slow[4], &slow[5]),
        ("wall", "regressed", "1.052")
    );
}

/// Checks `text` against the rules of OpenMetrics 1.0 (prometheus/OpenMetrics), and counts samples by name.
fn checked_openmetrics(text: &str) -> BTreeMap<String, usize> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut current = "";
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (key, name) = (words.next().unwrap(), words.next().unwrap());
            let value = words.next().unwrap();
            match key {
                "TYPE" => {
                    assert!(
                        ["gauge", "info", "stateset", "summary"].contains(&value),
                        "{line}"
                    );
                    assert!(
                        types.insert(name, value).is_none(),
                        "a family comes once: {line}"
                    );
                    current = name;
                }
                "UNIT" => assert!(name.ends_with(&format!("_{value}")), "{line}"),
                "HELP" => {}
                other => panic!("{other} is not metadata"),
            }
            assert_eq!(name, current, "metadata stands with its family");
            continue;
        }
        let (name, labels, value) = sample(line);
        assert!(
            seen.insert((name.clone(), labels.clone())),
            "a sample comes once: {line}"
        );
        if types.get(current) == Some(&"info") {
            assert_eq!(
                name,
                format!("{current}_info"),
                "an info says so in its name"
            );
            assert_eq!(value, "1", "{line}");
            continue;
        }
        if types.get(current) == Some(&"summary") {
            let is_count = name == format!("{current}_count");
            assert!(is_count != labels.contains_key("quantile"), "{line}");
            if is_count {
                assert!(value.parse::<u64>().is_ok(), "{line}");
                *counts.entry(name).or_default() += 1;
                continue;
            }
        }
        assert_eq!(name, current, "samples stand with their family: {line}");
        assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
        if types[name.as_str()] == "stateset" {
            assert!(
                labels.contains_key(&name),
                "a state is a label of that name"
            );
            assert!(["0", "1"].contains(&value), "{line}");
        }
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Parses a sample: `name{label="value",...} number`.
fn sample(line: &str) -> (String, BTreeMap<String, String>, &str) {
    let (name, rest) = line.split_once('{').unwrap();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert!(name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit()));
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    while !rest.starts_with('}') {
        let (label, after) = rest.split_once("=\"").unwrap();
        assert!(label.chars().all(is_word), "{label}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("a label ends") {
                (end, '"') => break end,
                (_, '\\') => match chars.next().unwrap().1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    c => panic!("\\{c} is no escape"),
                },
                (_, c) => value.push(c),
            }
        };
        assert!(
            labels.insert(label.to_owned(), value).is_none(),
            "{label} twice"
        );
        rest = after[end + 1..].trim_start_matches(',');
    }
    (name.into(), labels, rest.strip_prefix("} ").unwrap())
}

#[test]
fn openmetrics_keeps_to_its_rules() {
    let text = of_records("openmetrics");
    let counts = checked_openmetrics(&text);
    assert_eq!(counts["taskdyno_wall_time_seconds"], 4);
    assert_eq!(counts["taskdyno_peak_memory_bytes"], 2);
    assert!(text.contains("bound=\"estimate\"} 0.001\n"), "{text}");
    let (_, labels, _) = sample(text.lines().find(|line| line.contains("fork")).unwrap());
    assert_eq!(labels["workload"], "a,b|\"c\"\\<d>&e");
    let counts = checked_openmetrics(&of_comparisons("openmetrics"));
    assert_eq!(
        counts["taskdyno_verdict"],
        4 * counts["taskdyno_change_ratio"] / 3
    );
    assert_eq!(checked_openmetrics("# EOF\n").len(), 0);
}

#[test]
fn the_check_of_openmetrics_can_fail() {
    for broken in [
        "",
        "# TYPE a gauge\na{} 1\n",
        "a{} 1\n# EOF\n",
        "# TYPE a gauge\na{} 1\na{} 2\n# EOF\n",
        "# TYPE a gauge\n# UNIT a seconds\n# EOF\n",
        "# TYPE a gauge\na{x=\"\\q\"} 1\n# EOF\n",
    ] {
        let check = std::panic::catch_unwind(|| checked_openmetrics(broken));
        assert!(check.is_err(), "{broken}");
    }
}

#[test]
fn markdown_has_the_worst_first_and_every_row_its_cells() {
    let text = named("markdown").comparisons(&[varied()]);
    insta::assert_snapshot!(text);
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let bare = line.replace("\\|", "");
        assert_eq!(bare.matches('|').count(), 8, "{line}");
    }
    assert!(!text.contains("<cheese>"));
    assert_eq!(of_records("markdown").lines().count(), 5);
}

#[test]
fn intervals_of_different_levels_are_not_given_that_of_the_first() {
    let mut comparison = varied();
    let all =
        |comparison: &Comparison| named("markdown").comparisons(std::slice::from_ref(comparison));
    assert!(all(&comparison).contains("Intervals are at 99%, from"));
    comparison.cases[1].wall.as_mut().unwrap().alpha = 0.002;
    assert!(all(&comparison).contains("Intervals are at 99% or more, from"));
}
