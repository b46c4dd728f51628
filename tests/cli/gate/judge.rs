//! What a gate compares the results of its children with: a process of the same build, or what version 1 says itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::{Bench, gate_program};
use crate::program::{assert_says, example};

/// A shell script that stands for a build.
fn build(bench: &Bench, name: &str, lines: &str) -> PathBuf {
    let path = bench.path(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A build of `examples/constant.rs` whose kernel has this constant.
fn with_constant(bench: &Bench, constant: u64) -> PathBuf {
    let program = example("constant").display().to_string();
    let lines = format!("export CONSTANT={constant}\nexec '{program}' \"$@\"");
    build(bench, &format!("constant-{constant}"), &lines)
}

/// A build of this program that speaks only version 1: it does not know `hello`, nor the command `expected`.
fn version_1(bench: &Bench) -> PathBuf {
    let program = env!("CARGO_BIN_EXE_taskdyno");
    let lines = format!(
        r#"case "$1" in
  child)
    read -r line
    case "$line" in *hello*)
      echo '{{"error":{{"kind":"protocol","message":"unknown variant `hello`","task":null,"death":null}}}}'
      exit 1;;
    esac
    {{ printf '%s\n' "$line"; cat; }} | '{program}' child;;
  expected) exit 2;;
  *) exec '{program}' "$@";;
esac"#
    );
    build(bench, "version-1", &lines)
}

/// A gate that calls no difference below a factor of 2 a change, because these tests judge results and not times.
fn gate(bench: &Bench, base: &Path, head: &Path, more: &[&str]) -> Output {
    let mut command = gate_program(Path::new(env!("CARGO_BIN_EXE_taskdyno")));
    command
        .args(["gate", "--seed", "5", "--pairs", "10"])
        .args(["--threshold", "1", "--workers", "1", "--backends", "serial"])
        .args(more)
        .arg("--out")
        .arg(bench.path("out"))
        .arg("--base")
        .arg(base)
        .arg("--head")
        .arg(head);
    command.output().unwrap()
}

fn constant_workload() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/constant.toml");
    path.display().to_string()
}

#[test]
fn a_kernel_that_only_the_builds_have_is_judged_by_them() {
    let bench = Bench::new();
    let build = with_constant(&bench, 3);
    let workload = constant_workload();
    let output = gate(
        &bench,
        &build,
        &build,
        &["--workloads", &workload, "constant"],
    );
    // The times of ten pairs may also be inconclusive.
    assert_says(&output, 0, &["constant/serial/1"]);
    assert!(bench.comparison()["cases"][0]["error"].is_null());
}

#[test]
fn a_kernel_with_another_constant_is_different_work() {
    let bench = Bench::new();
    let (base, head) = (with_constant(&bench, 3), with_constant(&bench, 5));
    let workload = constant_workload();
    let output = gate(
        &bench,
        &base,
        &head,
        &["--workloads", &workload, "constant"],
    );
    assert_says(&output, 1, &["the two sides do different work"]);
    let error = &bench.comparison()["cases"][0]["error"];
    assert_eq!(error["error"]["kind"], "work-differs", "{error}");
}

#[test]
fn a_build_of_version_1_is_compared_with_one_of_version_2() {
    let bench = Bench::new();
    let old = version_1(&bench);
    let new = Path::new(env!("CARGO_BIN_EXE_taskdyno"));
    let case = ["empty/pattern=chain/serial/1", "--exact"];
    let output = gate(&bench, &old, new, &case);
    assert_says(&output, 0, &["empty/pattern=chain/serial/1"]);
    assert!(bench.comparison()["cases"][0]["error"].is_null());
    let digest = |text: &str| {
        let pair: serde_json::Value = serde_json::from_str(text).unwrap();
        pair["pair"]["digest"].as_str().unwrap().to_owned()
    };
    let pairs = bench.pairs();
    let digests: Vec<_> = pairs.lines().skip(1).map(digest).collect();
    assert!(!digests.is_empty());
    assert!(digests.iter().all(|one| *one == digests[0]), "{digests:?}");
}
