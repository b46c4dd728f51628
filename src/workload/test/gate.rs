//! What counts as a change, and what is refused as such.

use super::refusal::rendered;
use super::*;

/// What is said about a file with this `gate`.
fn refusal_of(gate: &str) -> String {
    let text = format!(
        "name = \"test\"\nwhy = \"a test\"\npattern = {{ kind = \"chain\", steps = 5 }}\n\
         kernel = {{ kind = \"empty\" }}\ngate = {gate}\n"
    );
    match read(&[("test.toml", &text)]) {
        Ok(_) => panic!("the file is accepted"),
        Err(report) => rendered(&report),
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
    insta::assert_snapshot!(gates.map(refusal_of).join("\n"));
}
