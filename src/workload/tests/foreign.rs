//! Tests of files that are not workload files.

use super::*;
use crate::toml_file::Mistake;

#[test]
fn what_is_nested_too_deeply_is_refused_with_its_file_and_line() {
    let deep = vec!["a"; 90].join(".");
    for text in [
        format!("name = \"x\"\n{deep} = 1\n"),
        format!("name = \"x\"\n[{deep}]\n"),
        format!("name = \"x\"\nx = {}1{}\n", "[".repeat(90), "]".repeat(90)),
        format!(
            "name = \"x\"\nx = {}1{}\n",
            "{a=".repeat(90),
            "}".repeat(90)
        ),
    ] {
        let said = refusal::refusal(&[("deep.toml", &text)]);
        assert!(
            said.contains("recur") && said.contains("deep.toml:2:"),
            "{said}"
        );
    }
}

#[test]
fn a_device_that_never_ends() {
    let report = load(&["/dev/zero".into()], &Registry::default()).err();
    assert_eq!(
        report.expect("it is refused").to_string(),
        "cannot read `/dev/zero`: it is a device, not a file"
    );
}

#[test]
fn a_mistake_at_no_place_names_its_file() {
    let mistake = Mistake::new("it is wrong", "mend it").in_file("x.toml", "");
    assert_eq!(mistake.to_string(), "`x.toml`: it is wrong");
}
