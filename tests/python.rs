//! Runs the tests of the child in `peers/python` and of the example in `docs/child.py`, which are written in Python.
//! They have a parent and an implementation of all formulas of their own.

use std::path::Path;
use std::process::Command;

/// Runs the tests of this name, a module in `tests/python` or a part of it, with the interpreter that the child uses.
fn run(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let output = Command::new("python3")
        .args(["-m", "unittest", name])
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("these tests need `python3`, version 3.9 or later, on the path");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}:\n{errors}");
}

#[test]
fn every_backend_computes_every_graph() {
    run("test_backends.EveryBackend.test_every_graph");
}

#[test]
fn every_backend_computes_every_kernel() {
    run("test_backends.EveryBackend.test_every_kernel");
}

#[test]
fn every_backend_computes_with_every_option() {
    run("test_backends.EveryBackend.test_every_option");
}

#[test]
fn every_backend_computes_chained_slices() {
    run("test_backends.EveryBackend.test_chained_slices");
}

#[test]
fn failures_are_told_and_leave_nothing_behind() {
    run("test_failures");
}

#[test]
fn the_example_in_the_documentation_works() {
    run("test_example");
}

#[test]
fn the_sources_are_valid_in_every_supported_version() {
    run("test_source");
}
