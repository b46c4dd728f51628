//! Tests of the keys `gate` and `only_if_named`.

use super::*;

/// A file with this line.
pub(super) fn file(line: &str) -> String {
    format!(
        "name = \"test\"\nwhy = \"a test\"\npattern = {{ kind = \"chain\", steps = 5 }}\n\
         kernel = {{ kind = \"empty\" }}\n{line}\n"
    )
}

/// The messages about a file with this line.
pub(super) fn refusal_of(line: &str) -> String {
    match read(&[("test.toml", &file(line))]) {
        Ok(_) => panic!("the file is accepted"),
        Err(report) => told(&report),
    }
}

#[test]
fn gates_without_a_sound_threshold() {
    let gates = [
        "0.03",
        "{}",
        "{ treshold = 0.03 }",
        "{ threshold = 0 }",
        "{ threshold = \"3%\" }",
    ];
    insta::assert_snapshot!(
        gates
            .map(|gate| refusal_of(&format!("gate = {gate}")))
            .join("\n")
    );
}

#[test]
fn a_workload_can_ask_to_be_named() {
    let asks = |line: &str| read(&[("test.toml", &file(line))]).unwrap()[0].only_if_named;
    assert!(asks("only_if_named = true"));
    assert!(!asks("only_if_named = false"));
    assert!(!asks(""));
    insta::assert_snapshot!(refusal_of("only_if_named = \"yes\""));
}
