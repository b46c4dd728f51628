//! Which workers a gate binds to cores.

use serde_json::Value;

use super::{Bench, gate_program};
use crate::program::{assert_says, said, scripted};

#[test]
fn workers_are_bound_as_requested_and_a_resumed_gate_keeps_it() {
    let bench = Bench::new();
    let build = bench.build("build", "");
    let is_pinned = || bench.comparison()["pin"].clone();
    let unbound = bench.gate(&build, &build).output().unwrap();
    assert_says(&unbound, 0, &["workers were not bound to cores"]);
    assert_eq!(is_pinned(), false);
    // The programs that list their cases must not apply the variable to themselves.
    let mut bound = bench.gate(&build, &build);
    let bound = bound.env("TASKDYNO_PIN", "always").output().unwrap();
    assert_says(&bound, 0, &["each worker was bound to a core"]);
    assert_eq!(is_pinned(), true);
    // The name of a case does not depend on it.
    assert_eq!(bench.comparison()["cases"][0]["case"]["pin"], false);
    for pin in [&["--resume"][..], &["--resume", "--pin=auto"]] {
        let mut resumed = bench.gate(&build, &build);
        let resumed = resumed.env_remove("TASKDYNO_PIN").args(pin);
        assert_says(
            &resumed.output().unwrap(),
            0,
            &["measured before: 20 pairs"],
        );
        assert_eq!(is_pinned(), true);
    }
    let mut unbound = bench.gate(&build, &build);
    let unbound = unbound.arg("--resume").output().unwrap();
    assert_says(&unbound, 2, &["its plan changed"]);
}

#[test]
fn a_backend_that_cannot_pin_unbinds_a_gate_or_fails_it() {
    let bench = Bench::new();
    // A foreign backend that does not support binding.
    let misnamed = scripted().with_file_name("misnamed");
    let gate = |pin: &str| {
        let mut gate = gate_program(&misnamed);
        gate.env("MISNAMED", "own").env_remove("TASKDYNO_PIN");
        gate.args(["gate", "empty/pattern=chain/own/1", "--exact", pin, "--out"])
            .arg(bench.path("out"))
            .args(["--seed", "5", "--pairs", "10", "--base"])
            .arg(&misnamed)
            .arg("--head")
            .arg(&misnamed);
        gate.output().unwrap()
    };
    let offered = gate("--pin=auto");
    assert!(
        said(&offered).contains("the backend `own` does not support it"),
        "{}",
        said(&offered)
    );
    assert_eq!(bench.comparison()["pin"], false);
    assert_eq!(bench.comparison()["cases"][0]["error"], Value::Null);
    let demanded = gate("--pin");
    assert!(said(&demanded).contains("not-bound"), "{}", said(&demanded));
    assert_eq!(demanded.status.code(), Some(1));
}
