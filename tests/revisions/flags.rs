//! How each side is built.

use crate::repository::{Repository, flat, script};

#[test]
fn each_side_has_its_features_profile_and_flags() {
    let repository = Repository::new();
    let cargo = repository.path("cargo");
    script(&cargo, "echo \"cargo $* with <$RUSTFLAGS>\" >&2; exit 1");
    let program = env!("CARGO_BIN_EXE_taskdyno");
    let said = |base: &str, head: &str, flags: &[&str]| {
        let mut gate = repository.gate_of(base, head);
        gate.args(flags).env("CARGO", &cargo);
        flat(&gate.env("RUSTFLAGS", "of-all").output().unwrap())
    };
    let both: [&str; 4] = ["--features", "a,b", "--profile", "fast"];
    let one = |side: &str| {
        let pairs = [
            ("features", "c"),
            ("profile", "slow"),
            ("rustflags", "-C x"),
        ];
        let pairs = pairs.map(|(flag, value)| format!("--{side}-{flag}={value}"));
        pairs.to_vec()
    };
    let (base, head) = (one("base"), one("head"));
    let (plain, common) = (
        said("HEAD", program, &[]),
        ["--features a,b", "--profile fast", "<of-all>"],
    );
    assert!(plain.contains("--profile release"), "{plain}");
    assert!(!plain.contains("--features"), "{plain}");
    for (base_name, head_name, own, other) in [
        ("HEAD", program, &base, &head),
        (program, "HEAD", &head, &base),
    ] {
        let shared = said(base_name, head_name, &[&both[..], &words(other)].concat());
        for words in common {
            assert!(shared.contains(words), "{words}: {shared}");
        }
        let special = said(base_name, head_name, &[&both[..], &words(own)].concat());
        for words in ["--features c", "--profile slow", "<-C x>"] {
            assert!(special.contains(words), "{words}: {special}");
        }
    }
}

#[test]
fn a_side_with_flags_says_so_in_its_name() {
    let repository = Repository::new();
    let mut gate = repository.gate("HEAD");
    gate.args(["--base-rustflags", "--cfg slow", "--base-profile", "dev"]);
    let said = flat(&gate.output().unwrap());
    let name = "cannot list the cases of `HEAD with profile dev, rustflags --cfg slow`";
    assert!(said.contains(name), "{said}");
    assert!(said.contains("slow=true checked=true"), "{said}");
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
