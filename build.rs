//! Hands the version of the compiler on to the program, which writes it into every record.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // These folders are embedded in the binary.
    println!("cargo:rerun-if-changed=workloads");
    println!("cargo:rerun-if-changed=peers");
    println!("cargo:rerun-if-env-changed=RUSTC");
    println!("cargo:rustc-env=TASKDYNO_TOOLCHAIN={}", toolchain());
}

/// What the compiler says of itself: "rustc 1.95.0 (59807616e 2026-04-14)". Cargo runs this again when
/// the compiler changes.
fn toolchain() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-V").output();
    let text = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown rustc".into())
}
