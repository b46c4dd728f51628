//! Tests a child with foreign requests, and the parent with a foreign child.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use taskdyno::internal::case::protocol::{Prepare, Reply};
use taskdyno::internal::case::{ChildPlan, ChildProgram, Patience, Session, Works};

/// Requests for one sample of a case that takes no time.
fn requests() -> [Value; 3] {
    let case = json!({
        "workload": "x", "backend": "thread-pool", "workers": 1,
        "parameters": {"pattern": {"kind": "chain", "steps": 3}, "kernel": {"kind": "empty"}},
    });
    let prepare = json!({
        "case": case, "graph": null, "warmup_ns": 0, "warmup_run_count": 0, "min_sample_ns": 0, "retry_limit": 0, "task_timeout_ns": null,
        "certified_optimum_ns": null, "chaos": {"kill_ratio": 0, "seed": 1}, "stretch_ratio": 0,
    });
    let slice = json!({
        "min_time_ns": 0, "max_time_ns": 0, "min_sample_count": 1, "max_sample_count": 1, "run_count": 1,
    });
    [
        json!({ "prepare": prepare }),
        json!({ "slice": slice }),
        json!({ "finish": {} }),
    ]
}

/// The numbers of those requests.
const NUMBERS: [&str; 17] = [
    "/0/prepare/case/workers",
    "/0/prepare/case/parameters/pattern/steps",
    "/0/prepare/warmup_ns",
    "/0/prepare/warmup_run_count",
    "/0/prepare/min_sample_ns",
    "/0/prepare/retry_limit",
    "/0/prepare/task_timeout_ns",
    "/0/prepare/certified_optimum_ns",
    "/0/prepare/chaos/kill_ratio",
    "/0/prepare/chaos/seed",
    "/0/prepare/stretch_ratio",
    "/1/slice/min_time_ns",
    "/1/slice/max_time_ns",
    "/1/slice/min_sample_count",
    "/1/slice/max_sample_count",
    "/1/slice/run_count",
    "/1/slice",
];

/// Returns the requests with other values at some places.
fn requests_with(changes: &[(&str, Value)]) -> Vec<String> {
    let mut all = Value::Array(requests().to_vec());
    for (place, value) in changes {
        // An earlier change may have removed the place.
        if let Some(there) = all.pointer_mut(place) {
            *there = value.clone();
        }
    }
    let lines = all.as_array().unwrap().iter();
    lines.map(Value::to_string).collect()
}

/// Returns the replies of a child to these lines. It must end by itself, with an exit code that matches the last reply.
fn answers(lines: &[String]) -> Vec<Reply> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .arg("child")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A child that refused the first line does not read the second.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all((lines.join("\n") + "\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).unwrap();
    let replies: Vec<Reply> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = match replies.last() {
        Some(Reply::Finished(_)) => 0,
        Some(Reply::Error(_)) => 1,
        other => panic!("{lines:?}: the last answer is {other:?}; {said}"),
    };
    assert_eq!(output.status.code(), Some(expected), "{lines:?}: {said}");
    replies
}

#[test]
fn numbers_out_of_range_are_refused_and_named() {
    assert!(matches!(
        answers(&requests_with(&[])).last(),
        Some(Reply::Finished(_))
    ));
    for (place, value) in [
        ("/0/prepare/case/workers", json!(4_294_967_295u32)),
        ("/0/prepare/case/workers", json!(0)),
        ("/0/prepare/stretch_ratio", json!(1e300)),
        ("/0/prepare/stretch_ratio", json!(-5)),
        ("/0/prepare/chaos/kill_ratio", json!(1.5)),
        ("/0/prepare/warmup_ns", json!(u64::MAX)),
        ("/0/prepare/warmup_run_count", json!(u64::MAX)),
        ("/0/prepare/min_sample_ns", json!(u64::MAX)),
        ("/0/prepare/task_timeout_ns", json!(u64::MAX)),
        ("/0/prepare/certified_optimum_ns", json!(u64::MAX)),
        ("/0/prepare/retry_limit", json!(u32::MAX)),
        ("/1/slice/run_count", json!(0)),
    ] {
        let replies = answers(&requests_with(&[(place, value.clone())]));
        let Some(Reply::Error(error)) = replies.last() else {
            panic!("{place} = {value} is accepted");
        };
        let name = place.rsplit('/').next().unwrap();
        let expected = format!("`{name}` cannot be ");
        assert_eq!(error.kind.name(), "protocol");
        assert!(error.message.starts_with(&expected), "{}", error.message);
    }
}

#[test]
fn a_checksum_that_is_no_number_is_refused() {
    let graph = json!({"path": "/dev/null", "crc32": "xyz", "task_count": 3, "edge_count": 2});
    let replies = answers(&requests_with(&[("/0/prepare/graph", graph)]));
    let Some(Reply::Error(error)) = replies.last() else {
        panic!("{replies:?}");
    };
    let expected = "`crc32` is \"xyz\": expected 8 hexadecimal digits";
    assert_eq!(error.message, expected);
}

#[test]
fn an_endless_request_is_refused() {
    let replies = answers(&["x".repeat(1 << 20)]);
    let [Reply::Error(error)] = &replies[..] else {
        panic!("{replies:?}");
    };
    assert!(error.message.contains("longer than"), "{}", error.message);
}

/// Values at and beyond the limits. None makes a run take long.
fn value() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(0),
        json!(1),
        json!(2),
        json!(0.5),
        json!(-1),
        json!(-5.5),
        json!(1e300),
        json!(-1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("1"),
        json!([]),
        json!({}),
        json!(true),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_numbers_get_a_reply(
        places in subsequence(NUMBERS.to_vec(), 1..4),
        values in prop::collection::vec(value(), 3),
    ) {
        let changes: Vec<_> = places.into_iter().zip(values).collect();
        answers(&requests_with(&changes));
    }

    #[test]
    fn any_line_gets_a_reply(line in "[^\n]{0,60}") {
        let replies = answers(&[line]);
        prop_assert!(matches!(replies[..], [Reply::Error(_)]));
    }
}

#[test]
fn a_banner_is_quoted_with_what_to_do() {
    let prepare: Prepare = serde_json::from_value(requests()[0]["prepare"].clone()).unwrap();
    // The program prints its argument, which is one word.
    let program = Path::new("/bin/echo");
    let child_plan = ChildPlan {
        program: ChildProgram::of_build(program),
        works: Some(&Works::new(program, 1)),
        backend: None,
    };
    let started = Session::start(&child_plan, prepare, Duration::from_secs(60), &mut Patience);
    let error = started.err().expect("it does not reply as a child");
    assert_eq!(error.kind.name(), "protocol");
    let expected = "the case's process wrote a line that is not a reply: \"child\" (";
    assert!(error.message.starts_with(expected), "{}", error.message);
    assert!(
        error.message.contains("to standard error"),
        "{}",
        error.message
    );
}
