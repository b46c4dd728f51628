//! Tests of the key `workers`.

use super::gate::{file, refusal_of};
use super::*;
use crate::backend::Family;

/// The numbers of workers that a file with this value of `workers` gives a family, on a machine with two cores.
fn counts(value: &str, family: Family) -> Option<Vec<u32>> {
    let text = file(&format!("workers = {value}"));
    let workloads = read(&[("test.toml", &text)]).unwrap();
    let counts = workloads[0].worker_counts.as_ref();
    counts.and_then(|counts| counts.of(family, 2))
}

#[test]
fn a_list_counts_for_every_family() {
    for family in Family::ALL {
        assert_eq!(counts("[8, 1, \"cores\"]", family), Some(vec![1, 2, 8]));
        assert_eq!(counts("[2, \"cores\"]", family), Some(vec![2]));
        assert_eq!(counts("\"cores\"", family), Some(vec![2]));
        assert_eq!(counts("100", family), Some(vec![100]));
    }
}

#[test]
fn a_table_counts_for_the_families_that_it_names() {
    let counts = |family| counts("{ threads = [100, \"cores\"], processes = 4 }", family);
    assert_eq!(counts(Family::Threads), Some(vec![2, 100]));
    assert_eq!(counts(Family::Processes), Some(vec![4]));
    assert_eq!(counts(Family::Async), None);
}

#[test]
fn a_file_without_the_key_has_no_numbers_of_workers() {
    let workloads = read(&[("test.toml", &file(""))]).unwrap();
    assert_eq!(workloads[0].worker_counts, None);
}

#[test]
fn numbers_of_workers_that_nothing_can_run_with() {
    let values = [
        "0",
        "[1, 4097]",
        "[1.5]",
        "\"core\"",
        "true",
        "[]",
        "[1, 2, 1]",
        "{}",
        "{ thread = [1] }",
        "{ threads = [], async = [\"all\"] }",
    ];
    let refusals = values.map(|value| refusal_of(&format!("workers = {value}")));
    insta::assert_snapshot!(refusals.join("\n"));
}
