//! A backend outside the repository needs the core crate and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn a_backend_in_a_crate_of_its_own_builds_against_the_core_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("tests/outside");
    // A copy, so that nothing is written into the sources. It uses the dependency versions of the workspace.
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside");
    fs::create_dir_all(copy.join("src")).unwrap();
    let manifest = fs::read_to_string(own.join("Cargo.toml")).unwrap();
    let core = root.join("core").display().to_string();
    let manifest = manifest.replace("../../core", &core);
    assert!(manifest.contains(&core), "{manifest}");
    fs::write(copy.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock")).unwrap();
    fs::copy(own.join("src/main.rs"), copy.join("src/main.rs")).unwrap();

    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(copy.join("target"))
        .current_dir(&copy)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(output.stdout, b"waves: verified\n", "{errors}");
}
