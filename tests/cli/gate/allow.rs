//! Cases that only one side has.

use std::path::Path;

use super::Bench;
use crate::program::{assert_says, scripted};

const CASE: &str = "empty/pattern=chain/serial/1";

#[test]
fn cases_of_one_side_are_reported_even_if_they_are_allowed_and_it_is_quiet() {
    let bench = Bench::new();
    // Always lists the cases of one backend only.
    let lines = "if [ \"$1\" = cases ]; then shift; set -- cases --backends static \"$@\"; fi";
    let poor = bench.build("poor", lines);
    let check = |base: &Path, head: &Path, flags: &[&str], code: i32, words: &str| {
        for quiet in [&[][..], &["--quiet"]] {
            let mut gate = bench.gate(base, head);
            let output = gate.args(flags).args(quiet).output().unwrap();
            assert_says(&output, code, &[words, CASE]);
        }
    };
    let (rich, poor) = (scripted(), poor.as_path());
    check(&rich, poor, &[], 1, "missing");
    check(&rich, poor, &["--allow-missing"], 0, "missing");
    check(&rich, poor, &["--allow-missing=false"], 1, "missing");
    check(poor, &rich, &[], 0, "new");
    check(poor, &rich, &["--allow-new"], 0, "new");
    check(poor, &rich, &["--allow-new=false"], 1, "new");
}
