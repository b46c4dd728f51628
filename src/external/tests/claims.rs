//! Tests of what a backend can run.

use serde_json::{Value as Json, json};

use super::only;
use crate::external::{COORDINATION, GRAPH};
use crate::record::Case;

fn case(kernel: Json) -> Case {
    let parameters = json!({"pattern": {"kind": "chain", "steps": 3}, "kernel": kernel});
    let case = json!({"workload": "w", "backend": "x", "workers": 1, "parameters": parameters});
    serde_json::from_value(case).unwrap()
}

#[test]
fn a_backend_runs_what_it_claims_and_says_why_not() {
    let one = only("kernels = [\"empty\", \"counter/variant=racy\", \"hash/times=3\"]");
    let why_not = |kernel| one.why_not(&case(kernel), GRAPH).unwrap_or_default();
    assert_eq!(why_not(json!({"kind": "empty"})), "");
    assert_eq!(why_not(json!({"kind": "counter", "variant": "racy"})), "");
    assert_eq!(
        why_not(json!({"kind": "hash", "times": 3, "block_bytes": 64})),
        ""
    );
    assert_eq!(
        why_not(json!({"kind": "sleep"})),
        "`x` has no kernel `sleep`"
    );
    let other = why_not(json!({"kind": "counter", "variant": "atomic"}));
    assert_eq!(other, "`x` has the kernel `counter` only with variant=racy");

    let both = only("kernels = [\"counter/variant=racy/increments=5\"]");
    let why_not = |increments: u64| {
        let kernel = json!({"kind": "counter", "variant": "racy", "increments": increments});
        both.why_not(&case(kernel), GRAPH)
    };
    assert_eq!(why_not(5), None);
    let expected = "`x` has the kernel `counter` only with variant=racy and increments=5";
    assert_eq!(why_not(6).unwrap(), expected);

    let lacking = only(
        "kernels = [\"counter/variant=racy\"]\n\
         lacks = { sleep = \"it never sleeps\", \"counter/variant=mutex\" = \"it has no lock\" }",
    );
    let why_not = |kernel| lacking.why_not(&case(kernel), GRAPH).unwrap();
    let expected = "`x` has no kernel `sleep`: it never sleeps";
    assert_eq!(why_not(json!({"kind": "sleep"})), expected);
    let mutex = why_not(json!({"kind": "counter", "variant": "mutex"}));
    assert_eq!(mutex, format!("{other}: it has no lock"));
    let atomic = why_not(json!({"kind": "counter", "variant": "atomic"}));
    assert_eq!(atomic, other);

    let mut bytes = case(json!({"kind": "empty"}));
    bytes.parameters["output_bytes"] = json!(64);
    assert_eq!(
        one.why_not(&bytes, GRAPH).unwrap(),
        "the tasks of `x` hand on no bytes"
    );
    assert_eq!(only("payload = true").why_not(&bytes, GRAPH), None);

    let mut bound = case(json!({"kind": "empty"}));
    bound.pin = true;
    assert!(
        one.why_not(&bound, GRAPH)
            .unwrap()
            .contains("does not bind")
    );

    let recursion = only("kinds = [\"recursion\"]");
    let why_not = recursion.why_not(&case(json!({"kind": "empty"})), COORDINATION);
    assert!(why_not.unwrap().contains("kind of work `coordination`"));
    let why_not = recursion.why_not(&case(json!({"kind": "empty"})), GRAPH);
    assert!(why_not.unwrap().contains("kind of work `graph`"));
}
