//! The backends that come with the program: when they run, and what is said if they cannot.

use std::path::Path;
use std::process::Output;

use super::Place;
use crate::program::{assert_complains, assert_says, stderr, stdout, taskdyno};

/// Runs a command with only the programs of `place` in `PATH`, and no folder for a cache but this.
fn alone(place: &Place, cache: &str, arguments: &[&str]) -> Output {
    let mut command = taskdyno();
    command.env("PATH", place.path("")).args(arguments);
    let command = command.env("XDG_CACHE_HOME", cache);
    command.env("HOME", "/dev/null").output().unwrap()
}

#[test]
fn peers_run_by_default_only_if_their_interpreter_is_there() {
    let with_path = |path: &Path, arguments: &[&str]| {
        let mut command = taskdyno();
        command.env("PATH", path).args(arguments);
        stdout(&command.output().unwrap())
    };
    let place = Place::new(&[]);
    let none = place.path("");
    assert!(with_path(&none, &["list"]).contains("not available: cannot find `python3`"));
    assert!(!with_path(&none, &["run", "--dry-run"]).contains("python-"));
    let named = ["run", "--dry-run", "--backends", "python-serial"];
    assert!(with_path(&none, &named).contains("/python-serial/1"));

    place.script("python3", "exit 1");
    assert!(!with_path(&none, &["list"]).contains("not available"));
    let ids = with_path(&none, &["run", "--dry-run"]);
    assert!(ids.contains("loop-cpu/python-serial/1"), "{ids}");
    assert!(!ids.contains("python-mixed"), "{ids}");
}

#[test]
fn without_a_cache_the_peers_are_left_out_and_the_reason_is_said() {
    let place = Place::new(&[]);
    place.script("python3", "exit 1");
    let without = |arguments: &[&str]| alone(&place, "/dev/null/cache", arguments);
    let words = ["note: the backends of CPython", "set XDG_CACHE_HOME"];
    let run = without(&["run", "--dry-run"]);
    assert_complains(&run, 0, &words);
    assert!(!stdout(&run).contains("python-"), "{}", stdout(&run));
    assert_says(&without(&["list"]), 0, &["not available: no cache folder"]);

    let cache = place.path("cache");
    let run = alone(&place, cache.to_str().unwrap(), &["run", "--dry-run"]);
    assert!(stdout(&run).contains("python-serial"), "{}", stderr(&run));
    assert!(!stderr(&run).contains("CPython"), "{}", stderr(&run));
}

#[test]
fn a_free_threaded_interpreter_is_found_by_its_name() {
    let place = Place::new(&[]);
    let cache = place.path("cache");
    let run = |arguments: &[&str]| stdout(&alone(&place, cache.to_str().unwrap(), arguments));
    assert!(!run(&["list"]).contains("python-t-"));
    place.script("python3.13t", "exit 1");
    let ids = run(&["run", "--dry-run"]);
    assert!(ids.contains("loop-cpu/python-t-thread-pool/1"), "{ids}");
    assert!(!ids.contains("python-t-serial"), "{ids}");
    let listed = run(&["list"]);
    let line = listed.lines().find(|line| line.contains("python-t-serial"));
    assert!(
        line.is_some_and(|line| line.contains("CPython without a global lock, a plain loop")),
        "{listed}"
    );
    let named = run(&["run", "--dry-run", "--backends", "python-t-mixed"]);
    assert!(named.contains("loop-cpu/python-t-mixed/1"), "{named}");
}
