//! Tests of accepted files of backends, and of refused ones and their messages.

use super::load::externals;
use super::*;
use crate::coordinated::COORDINATED;
use crate::diagnostic::told;
use crate::kernel::KERNELS;
use crate::parameter::DefaultValue;
use crate::toml_file::{LoadError, SourceFile};

mod claims;

const EXISTING: Existing<'_> = Existing {
    names: &["serial"],
    kernels: KERNELS,
    workloads: None,
};

fn read(text: &str) -> Result<Vec<External>, LoadError> {
    let source = SourceFile {
        name: "backends.toml".into(),
        folder: Some("here".into()),
        text: text.into(),
    };
    read_beside(source, &EXISTING)
}

fn read_beside(source: SourceFile, known: &Existing<'_>) -> Result<Vec<External>, LoadError> {
    externals([Ok(source)], known, |source| {
        Files::Folder(source.folder.clone().unwrap())
    })
}

/// A file with one backend, and with this text in it.
fn file(body: &str) -> String {
    let required = [
        ("why", "\"a test\""),
        ("family", "\"threads\""),
        ("command", "[\"child\"]"),
        ("kernels", "[\"empty\"]"),
    ];
    let is_given = |key: &str| {
        body.lines()
            .any(|line| line.starts_with(&format!("{key} =")))
    };
    let rest = required.iter().filter(|(key, _)| !is_given(key));
    let rest: String = rest
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect();
    let name = if is_given("name") {
        ""
    } else {
        "name = \"x\"\n"
    };
    format!("[[backend]]\n{name}{rest}{body}\n")
}

fn only(body: &str) -> External {
    let mut read = read(&file(body)).unwrap_or_else(|error| panic!("{}", told(&error)));
    assert_eq!(read.len(), 1);
    read.remove(0)
}

/// Asserts that a file with one backend and this text is refused with these words.
fn assert_refused(body: &str, words: &[&str]) {
    assert_text_refused(&file(body), words);
}

fn assert_text_refused(text: &str, words: &[&str]) {
    let refused = match read(text) {
        Ok(_) => panic!("it is accepted: {text}"),
        Err(error) => told(&error),
    };
    for word in words {
        assert!(refused.contains(word), "{word:?} is not in {refused}");
    }
}

#[test]
fn what_is_not_said_has_a_default() {
    let one = only("");
    assert_eq!((one.name(), one.why()), ("x", "a test"));
    assert_eq!(one.family(), Family::Threads);
    assert_eq!(one.command(), ["child"]);
    assert_eq!(one.kinds, ["graph"]);
    assert_eq!(one.fixed_worker_count(), None);
    assert_eq!(one.parallelism(3, true), Some(3));
    assert_eq!(one.warmup_run_count(), 0);
    assert_eq!(one.default_workloads(), None);
    assert!(one.options().is_empty() && !one.has_payload() && !one.has_shapes());
}

#[test]
fn everything_can_be_said() {
    let one = only(
        r#"family = "async"
options = [{ name = "daemon", why = "as daemons", values = ["yes", "1"] }]
workers = 2
waits_per_worker = "unlimited"
payload = true
warmup_runs = 100
default_workloads = ["sleep", "hash-cpu"]"#,
    );
    assert_eq!(one.family(), Family::Async);
    let [option] = one.options() else {
        panic!("there is one option");
    };
    assert_eq!((option.name, option.why), ("daemon", "as daemons"));
    assert!(matches!(option.default, Some(DefaultValue::Text("yes"))));
    assert_eq!(option.expected(), "one of \"yes\", \"1\"");
    assert_eq!(one.fixed_worker_count(), Some(2));
    assert_eq!(one.parallelism(2, true), None);
    assert_eq!(one.parallelism(2, false), Some(2));
    assert!(one.has_payload());
    assert_eq!(one.warmup_run_count(), 100);
    assert_eq!(one.default_workloads().unwrap(), ["sleep", "hash-cpu"]);
    assert_eq!(only("waits_per_worker = 8").parallelism(2, true), Some(16));
}

#[test]
fn what_stands_at_the_top_holds_for_all() {
    let text = r#"
        family = "threads"
        command = ["python3", "child.py"]
        kernels = ["empty"]
        why = "one of two"
        [[backend]]
        name = "one"
        [[backend]]
        name = "two"
        family = "processes"
        why = "the other"
    "#;
    let read = read(text).unwrap();
    let families = read.iter().map(|one| (one.name(), one.family(), one.why()));
    let families: Vec<_> = families.collect();
    let expected = [
        ("one", Family::Threads, "one of two"),
        ("two", Family::Processes, "the other"),
    ];
    assert_eq!(families, expected);
    assert!(read.iter().all(|one| one.command().len() == 2));
}

#[test]
fn keys_that_are_unknown_or_missing_are_refused_with_their_place() {
    assert_refused(
        "familly = \"async\"",
        &[
            "unknown key \"familly\"",
            "backends.toml:7",
            "did you mean `family`?",
        ],
    );
    let text = "[[backend]]\nname = \"x\"\nwhy = \"y\"\ncommnd = [\"z\"]\nkernels = [\"empty\"]\n";
    let refused = read(text).map(|_| ()).map_err(|error| told(&error));
    let refused = refused.unwrap_err();
    assert!(refused.contains("did you mean `command`?"), "{refused}");
    assert!(refused.contains("`family` is missing"), "{refused}");
    // The misspelt key is reported, not that the other is missing.
    assert!(!refused.contains("`command` is missing"), "{refused}");
    assert_text_refused("", &["`backend` is missing", "add a line `[[backend]]`"]);
    assert_text_refused(
        "backend = 3",
        &["`backend` cannot be 3", "a list of tables"],
    );
    assert_text_refused(
        &format!("name = \"x\"\n{}", file("")),
        &["unknown key \"name\"", "write it below `[[backend]]`"],
    );
    assert_text_refused("[[backend]\n", &["not valid TOML", "https://toml.io"]);
}

#[test]
fn names_that_are_taken_or_ill_formed_are_refused() {
    assert_refused(
        "name = \"serial\"",
        &[
            "`serial` is already taken: this program has",
            "backends.toml:6",
        ],
    );
    let twice = file("") + &file("");
    assert_text_refused(&twice, &["`backends.toml` has a backend of this name"]);
    assert_refused("name = \"My Pool\"", &["write `name = \"my-pool\"`"]);
    for name in ["!", "2 pools"] {
        let help = "write it like `name = \"python-threads\"`";
        assert_refused(&format!("name = \"{name}\""), &[help]);
    }
    assert_refused(
        "name = 3",
        &["`name` cannot be 3", "a string in double quotes"],
    );
}

#[test]
fn words_in_braces_stand_for_workers_in_arguments_only() {
    let one = only("command = [\"run\", \"-n{ranks}\", \"{{ranks}}\"]\nshapes = true");
    assert!(one.has_shapes() && one.launches_ranks());
    assert!(!only("").launches_ranks());
    let mut case = crate::record::fixture::case("empty", "x", 6).record().case;
    case.process_threads = Some(3);
    let command = one.to_command(&case).unwrap();
    let arguments: Vec<_> = command.get_args().collect();
    assert_eq!(arguments, ["-n2", "{ranks}"]);
    assert_refused(
        "command = [\"run\", \"{thread}\"]",
        &[
            "backends.toml:6:19",
            "\"{thread}\" stands for",
            "did you mean `threads`?",
        ],
    );
    assert_refused(
        "command = [\"run-{ranks}\"]",
        &["cannot depend on \"{ranks}\""],
    );
    assert_refused("shapes = 2", &["expected true or false"]);
}

#[test]
fn a_program_that_is_needed_and_missing_is_named_with_its_remedy() {
    let one = only("command = [\"sh\"]\nneeds = { no-such-program = \"write it\" }");
    let expected = "cannot find `no-such-program`: write it";
    assert_eq!(one.obstacle().as_deref(), Some(expected));
    let case = crate::record::fixture::case("empty", "x", 1).record().case;
    let error = one.to_command(&case).unwrap_err();
    let expected = "cannot find `no-such-program`, which `x` needs: write it";
    assert_eq!(one.cannot_start(&error), expected);
    assert!(
        only("needs = { sh = \"install it\" }\ncommand = [\"sh\"]")
            .obstacle()
            .is_none()
    );
    assert_refused("needs = { sh = 3 }", &["expected a table of strings"]);
}

#[test]
fn values_that_are_not_valid_are_refused_with_what_was_expected() {
    assert_refused(
        "family = \"thread\"",
        &[
            "`family` cannot be \"thread\"",
            "one of \"serial\", \"threads\"",
            "did you mean `threads`?",
        ],
    );
    assert_refused(
        "command = []",
        &["`command` cannot be an empty list", "a list of strings"],
    );
    assert_refused(
        "command = [3]",
        &["`command` cannot be this list", "a list of strings"],
    );
    assert_refused(
        "command = \"python3 x.py\"",
        &["[\"python3\", \"child.py\"]"],
    );
    let limits = "a whole number from 1 to 4096";
    assert_refused("workers = 0", &[limits]);
    assert_refused("workers = 4097", &[limits]);
    assert_eq!(only("workers = 4096").fixed_worker_count(), Some(4096));
    assert_refused("waits_per_worker = \"many\"", &["or \"unlimited\""]);
    assert_refused("payload = 1", &["expected true or false"]);
    assert_refused("options = [\"daemon\"]", &["a list of tables"]);
    assert_refused(
        "options = [{ name = \"x\", why = \"y\" }]",
        &["`values` is missing"],
    );
    assert_refused(
        "options = [{ name = \"x\", why = \"y\", values = [\"z\"], default = \"z\" }]",
        &["not a key of an option"],
    );
}

#[test]
fn names_of_options_that_an_id_cannot_hold_are_refused_with_their_place() {
    for name in ["a b", "a=b", "a,b", "a/b", "a+b", "-a", "2", "é"] {
        let options = format!("options = [{{ name = {name:?}, why = \"y\", values = [\"z\"] }}]");
        let found = format!("`name` cannot be {name:?}");
        let expected = "expected ASCII letters, digits, `-`, `_` and `.`, beginning with a letter";
        assert_refused(&options, &["backends.toml:7:21", &found, expected]);
    }
    let options = "options = [{ name = \"Mode-2.x_y\", why = \"y\", values = [\"z\"] }]";
    assert_eq!(only(options).options()[0].name, "Mode-2.x_y");
}

#[test]
fn kernels_that_are_unknown_are_refused() {
    assert_refused(
        "kernels = [\"sleap\"]",
        &["no kernel \"sleap\"", "did you mean `sleep`?"],
    );
    assert_refused(
        "lacks = { sleap = \"it never sleeps\" }",
        &["there is no kernel \"sleap\"", "did you mean `sleep`?"],
    );
    for wrong in ["\"sleep\"", "{ sleep = 3 }", "{ sleep = \"\" }"] {
        let body = format!("lacks = {wrong}");
        assert_refused(&body, &["expected a table of strings", "lacks = { rwlock"]);
    }
    assert_refused("kernels = [\"counter/racy\"]", &["counter/variant=racy"]);
    assert_refused(
        "kernels = [\"counter/varient=racy\"]",
        &[
            "the kernel `counter` has no \"varient=racy\"",
            "did you mean `variant`?",
        ],
    );
    assert_refused(
        "kernels = [\"counter/variant=raced\"]",
        &["`variant` is one of "],
    );
}

#[test]
fn kinds_of_work_that_are_unknown_are_refused() {
    assert_refused(
        "kinds = [\"graph\", \"grahp\"]",
        &[
            "there is no kind of work \"grahp\"",
            "backends.toml:7:19: \"\\\"grahp\\\"\"",
            "did you mean `graph`?",
        ],
    );
}

#[test]
fn options_and_values_that_are_there_twice_are_refused_with_both_places() {
    assert_refused(
        "options = [{ name = \"x\", why = \"y\", values = [\"a\", \"b\", \"a\"] }]",
        &[
            "\"a\" is there twice",
            "backends.toml:7:47: \"\\\"a\\\"\" first here",
            "again here",
        ],
    );
    assert_refused(
        "options = [\n{ name = \"x\", why = \"y\", values = [\"a\"] },\n{ name = \"x\", why = \"z\", values = [\"b\"] }]",
        &[
            "\"x\" is there twice",
            "backends.toml:8:10: \"\\\"x\\\"\" first here",
            "backends.toml:9:10: \"\\\"x\\\"\" again here",
        ],
    );
}

#[test]
fn default_workloads_that_do_not_exist_are_refused_if_all_are_known() {
    let body = file("default_workloads = [\"loop-cpu\", \"lop-cpu\"]");
    assert!(read(&body).is_ok());
    let workloads = ["loop-cpu".to_owned()].into();
    let known = Existing {
        workloads: Some(&workloads),
        ..EXISTING
    };
    let source = SourceFile {
        name: "backends.toml".into(),
        folder: Some("here".into()),
        text: body,
    };
    let refused = told(&read_beside(source, &known).unwrap_err());
    for word in [
        "there is no workload \"lop-cpu\"",
        "backends.toml:7",
        "did you mean `loop-cpu`?",
    ] {
        assert!(refused.contains(word), "{word:?} is not in {refused}");
    }
}

#[test]
fn the_peers_are_valid_and_named_after_their_language() {
    let kernels: Vec<_> = KERNELS.iter().chain(COORDINATED).copied().collect();
    let existing = Existing {
        kernels: &kernels,
        ..EXISTING
    };
    let peers = peers(&existing).unwrap_or_else(|error| panic!("{}", told(&error)));
    assert!(!peers.is_empty());
    for peer in peers {
        assert!(peer.is_peer());
        assert!(peer.name().starts_with("python-"), "{}", peer.name());
        let is_second = peer.name().starts_with("python-t-");
        assert_eq!(peer.command()[0] == "python3", !is_second);
    }
}
