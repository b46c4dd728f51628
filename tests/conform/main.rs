//! Tests `conform` from outside: a right child passes every check, and each wrong child fails the check that is about
//! its mistake.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod measured;
mod wrong;

/// The program, with the arguments of `conform` before the command of the child.
fn conform(arguments: &[&str], child: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
    command.arg("conform").args(arguments).arg("--").args(child);
    command.env("NO_COLOR", "1").output().unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conform")
}

/// `conform` on the small Python child with this mistake; none if it is empty.
fn conform_python(arguments: &[&str], wrong: &str) -> Output {
    let child = folder().join("child.py");
    let child = child.to_str().unwrap();
    match wrong {
        "" => conform(arguments, &["python3", child]),
        wrong => conform(arguments, &["python3", child, "--wrong", wrong]),
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The names of the checks whose line begins with `word`.
fn checks(output: &Output, word: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.lines().map(|line| line.split_whitespace());
    let named =
        words.filter_map(|mut words| (words.next()? == word).then(|| words.next()).flatten());
    named.map(String::from).collect()
}

/// Asserts that all of `count` checks passed. If other tests take the cores, CPU time may not tell.
fn assert_passed(output: &Output, count: usize) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(checks(output, "FAILED"), [""; 0], "{text}");
    let mut passed = checks(output, "ok");
    let doubtful = checks(output, "?");
    assert!(doubtful.iter().all(|name| name == "cpu-time"), "{text}");
    passed.extend(doubtful);
    assert_eq!(passed.len(), count, "{text}");
}

#[test]
fn a_right_child_conforms() {
    let output = conform_python(&[], "");
    assert_passed(&output, 17);
    let text = text(&output);
    assert!(text.contains("not applicable: it has no payload"), "{text}");
    assert!(text.contains("It conforms"), "{text}");
    assert!(text.contains("No check can find"), "{text}");
}

#[test]
fn a_quick_test_leaves_out_what_takes_long() {
    // Only a check of times finds this mistake.
    let output = conform_python(&["--quick", "--jobs", "1"], "half-sleep");
    assert_passed(&output, 9);
    let text = text(&output);
    assert!(text.contains("It conforms in what was tested."), "{text}");
}

#[test]
fn our_own_child_conforms() {
    let taskdyno = env!("CARGO_BIN_EXE_taskdyno");
    // Every backend would take minutes in a build without optimisation.
    let output = conform(&["--backends", "serial,static,fork"], &[taskdyno, "child"]);
    assert_passed(&output, 19);
}

#[test]
fn a_command_line_that_is_wrong_is_no_verdict() {
    let missing = conform(&[], &["/no/such/program"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing));
    assert!(text(&missing).contains("cannot run /no/such/program"));

    let no_backend = conform_python(&["--backends", "plain,fibers"], "");
    assert_eq!(no_backend.status.code(), Some(2));
    let words = "the child has no backend `fibers`; it has: plain, threads, processes";
    assert!(text(&no_backend).contains(words), "{}", text(&no_backend));

    let no_check = conform_python(&["--check", "speed"], "");
    assert_eq!(no_check.status.code(), Some(2));
    assert!(
        text(&no_check).contains("repeated-nonce"),
        "it lists the checks"
    );

    let no_command = conform(&[], &[]);
    assert_eq!(no_command.status.code(), Some(2));
}

#[test]
fn the_child_is_valid_for_the_oldest_python() {
    let check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 9))";
    let child = folder().join("child.py");
    let status = Command::new("python3")
        .args(["-c", check])
        .arg(child)
        .status();
    assert!(status.unwrap().success());
}
