//! Tests that `gate` builds a revision from its commit and from files above the repository, and from nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::repository::{MAIN, MANIFEST, Repository, SLOW, built, commit, flat, git, script};

#[path = "revisions/defaults.rs"]
mod defaults;
#[path = "revisions/flags.rs"]
mod flags;
#[path = "revisions/repository.rs"]
mod repository;

#[test]
fn a_revision_is_built_once_and_outside_the_repository() {
    let repository = Repository::new();
    let head = repository.git(&["rev-parse", "HEAD"]);
    let first = repository.says("HEAD");
    assert!(first.contains("slow=false"), "{first}");
    assert_eq!(first.matches("Compiling tiny").count(), 1, "{first}");
    // The output says where it was built.
    let kept = repository.kept(&head);
    assert!(first.contains(&format!("in {}", kept.display())), "{first}");
    assert!(kept.join("tree/above/repository/src/main.rs").exists());
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    let second = repository.says(&head[..12]);
    assert!(!second.contains("Compiling"), "{second}");

    // An interrupted checkout does not count as complete.
    fs::remove_file(kept.join("complete")).unwrap();
    fs::remove_file(kept.join("tree/above/repository/.git")).unwrap();
    fs::write(kept.join("tree/above/repository/src/main.rs"), "").unwrap();
    assert!(repository.says("HEAD").contains("slow=false"));
}

#[test]
fn a_head_that_does_not_build_has_failed_and_a_base_is_missing() {
    let repository = Repository::new();
    let hash = repository.git(&["rev-parse", "HEAD"]);
    repository.write("src/main.rs", "fn main() { none() }\n");
    let broken = repository.commit();
    for (base, head, code) in [(&hash, &broken, 1), (&broken, &hash, 5)] {
        let output = repository.gate_of(base, head).output().unwrap();
        let said = flat(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("cannot find function `none`"), "{said}");
        assert!(said.contains("could not build"), "{said}");
    }
}

#[test]
fn each_revision_has_its_own_configuration_and_not_that_of_the_working_tree() {
    let repository = Repository::new();
    repository.write(".cargo/config.toml", SLOW);
    let head = repository.commit();
    let base = repository.says(&format!("{head}~"));
    assert!(base.contains("slow=false"), "{base}");
    let head = repository.says(&head);
    assert!(head.contains("slow=true"), "{head}");
}

#[test]
fn a_base_from_before_the_workspace_is_built() {
    let repository = Repository::new();
    repository.git(&["rm", "--quiet", "-r", "Cargo.toml", "src"]);
    repository.write("tool/Cargo.toml", MANIFEST);
    repository.write("tool/src/main.rs", MAIN);
    let base = repository.commit();
    repository.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"tool\"]\nresolver = \"3\"\n",
    );
    let head = repository.commit();
    for revision in [base, head] {
        let mut gate = repository.gate(&revision);
        let said = built(gate.current_dir(repository.top.join("tool")));
        assert!(said.contains("slow=false"), "{said}");
    }
    let mut gate = repository.gate("HEAD~2");
    let output = gate
        .current_dir(repository.top.join("tool"))
        .output()
        .unwrap();
    let said = flat(&output);
    assert!(
        said.contains("`HEAD~2` does not contain the folder `tool`"),
        "{said}"
    );
}

#[test]
fn each_revision_has_its_own_toolchain() {
    let repository = Repository::new();
    // A script replaces cargo and prints the requested toolchain.
    let programs = repository.path("programs");
    fs::create_dir(&programs).unwrap();
    let fake = "echo \"cargo of ${RUSTUP_TOOLCHAIN:-the commit}\" >&2; exit 1";
    script(&programs.join("cargo"), fake);
    repository.write("rust-toolchain.toml", "[toolchain]\nchannel = \"none\"\n");
    repository.commit();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    // As below `cargo run`, the toolchain of the working tree is set.
    let said = |revision: &str| {
        let mut gate = repository.gate(revision);
        gate.env("RUST_RECURSION_COUNT", "1")
            .env("RUSTUP_TOOLCHAIN", "the tree");
        flat(&gate.env("PATH", &path).output().unwrap())
    };
    assert!(
        said("HEAD").contains("cargo of the commit"),
        "{}",
        said("HEAD")
    );
    assert!(
        said("HEAD~").contains("cargo of the tree"),
        "{}",
        said("HEAD~")
    );
}

#[test]
fn submodules_and_other_packages_of_the_repository_are_available() {
    let repository = Repository::new();
    let other = repository.add_submodule("parts/words");
    let word = "pub const WORD: &str = include_str!(\"../../parts/words/word\");\n";
    repository.write("library/src/lib.rs", word);
    let library = MANIFEST.replace("tiny", "library");
    repository.write("library/Cargo.toml", &library);
    let main = "fn main() { println!(\"word={}\", library::WORD) }\n";
    repository.write("src/main.rs", main);
    let manifest = format!("{MANIFEST}[dependencies]\nlibrary = {{ path = \"library\" }}\n");
    repository.write("Cargo.toml", &manifest);
    let first = repository.commit();

    fs::write(other.join("word"), "second").unwrap();
    commit(&other);
    git(&repository.top.join("parts/words"), &["pull", "--quiet"]);
    let second = repository.commit();
    // The submodule comes from the local clone.
    fs::remove_dir_all(&other).unwrap();
    let said = |revision: &str, word: &str| {
        let said = repository.says(revision);
        assert!(said.contains(&format!("word={word}")), "{said}");
    };
    said(&first, "first");
    said(&second, "second");
    // Again, with the checkout of the last time.
    said(&first, "first");

    // It also works if the working tree no longer has the submodule,
    fs::remove_dir_all(repository.kept(&first)).unwrap();
    repository.git(&["rm", "--quiet", "parts/words"]);
    repository.write("library/src/lib.rs", "pub const WORD: &str = \"none\";\n");
    repository.commit();
    said(&first, "first");

    // and if no repository of it exists, the output says so.
    fs::remove_dir_all(repository.kept(&first)).unwrap();
    fs::remove_dir_all(repository.top.join(".git/modules")).unwrap();
    let said = flat(&repository.gate(&first).output().unwrap());
    assert!(
        said.contains("the submodule `parts/words` is missing in the build"),
        "{said}"
    );
    assert!(
        said.contains("git submodule update --init --recursive"),
        "{said}"
    );
}

#[test]
fn files_above_the_repository_apply_to_the_checkout() {
    let repository = Repository::new();
    let outer = "[build]\nrustflags = [\"--cfg\", \"slow\"]\n[env]\nFIRST = \"outer\"\nSECOND = \"outer\"\n\
                 PLACE = { value = \"neighbour/word\", relative = true }\n";
    repository.write("../.cargo/config.toml", outer);
    repository.write("../neighbour/word", "from beside");
    repository.write(
        "../neighbour/src/lib.rs",
        "pub const WORD: &str = include_str!(env!(\"PLACE\"));\n",
    );
    repository.write(
        "../neighbour/Cargo.toml",
        &MANIFEST.replace("tiny", "neighbour"),
    );
    // The commit's own configuration has precedence.
    repository.write(".cargo/config.toml", "[env]\nSECOND = \"own\"\n");
    let manifest = format!("{MANIFEST}[dependencies]\nneighbour = {{ path = \"../neighbour\" }}\n");
    repository.write("Cargo.toml", &manifest);
    let main = "#![allow(unexpected_cfgs)]\nfn main() {\n    println!(\"{} {} {} {}\", cfg!(slow), env!(\"FIRST\"), \
                env!(\"SECOND\"), neighbour::WORD);\n}\n";
    repository.write("src/main.rs", main);
    repository.commit();
    let said = repository.says("HEAD");
    assert!(said.contains("true outer own from beside"), "{said}");
    let file = repository.path("above/.cargo/config.toml");
    let words = format!(
        "above the repository apply to `HEAD` too: {}",
        file.display()
    );
    assert!(said.contains(&words), "{said}");
}

#[test]
fn a_program_is_never_reused_for_other_settings() {
    let repository = Repository::new();
    let wrapper = repository.path("wrapper");
    script(&wrapper, "exec \"$@\" --cfg slow");
    let wrapper = wrapper.display().to_string();
    for (variable, value, word) in [
        (
            "CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS",
            "true",
            "checked=true",
        ),
        ("CARGO_BUILD_RUSTFLAGS", "--cfg slow", "slow=true"),
        ("RUSTFLAGS", "--cfg slow", "slow=true"),
        ("RUSTC_WRAPPER", &wrapper, "slow=true"),
        ("CARGO_BUILD_RUSTC_WRAPPER", &wrapper, "slow=true"),
    ] {
        let plain = repository.says("HEAD");
        assert!(
            plain.contains("slow=false checked=false"),
            "{variable}: {plain}"
        );
        let set = built(repository.gate("HEAD").env(variable, value));
        assert!(set.contains(word), "{variable}: {set}");
    }
    for (text, word) in [
        (SLOW.to_owned(), "slow=true"),
        (
            "[profile.release]\ndebug-assertions = true\n".to_owned(),
            "checked=true",
        ),
        (
            format!("[build]\nrustc-wrapper = \"{wrapper}\"\n"),
            "slow=true",
        ),
        (String::new(), "slow=false checked=false"),
    ] {
        repository.write("../.cargo/config.toml", &text);
        let said = repository.says("HEAD");
        assert!(said.contains(word), "{text}: {said}");
    }
}

#[test]
fn a_cache_within_the_repository_is_refused() {
    let repository = Repository::new();
    let cache = repository.top.join("target/cache");
    let mut gate = repository.gate("HEAD");
    gate.env("XDG_CACHE_HOME", &cache)
        .env("HOME", &repository.top);
    let said = flat(&gate.output().unwrap());
    assert!(
        said.contains("set XDG_CACHE_HOME to a folder elsewhere"),
        "{said}"
    );
    assert!(!cache.exists());
}

#[test]
fn ctrl_c_ends_a_build() {
    let repository = Repository::new();
    let (cargo, started) = (repository.path("cargo"), repository.path("started"));
    script(
        &cargo,
        &format!(": > '{}'; exec tail -f /dev/null", started.display()),
    );
    let mut gate = repository
        .gate("HEAD")
        .env("CARGO", &cargo)
        .spawn()
        .unwrap();
    while !started.exists() {
        assert!(gate.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&gate), Signal::INT).unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(130));
}

/// Runs a command with only these programs in PATH, in a folder with or without `.git`.
fn without_git(programs: &Path, is_checkout: bool, command: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    if is_checkout {
        fs::create_dir(folder.path().join(".git")).unwrap();
    }
    let mut taskdyno = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
    taskdyno.current_dir(folder.path()).env("PATH", programs);
    taskdyno.args(command).output().unwrap()
}

#[test]
fn one_message_says_that_git_is_missing_or_fails_and_what_to_do() {
    let (nothing, refusing) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let words = "fatal: detected dubious ownership in repository at '/x'\nTo add an exception for this directory, \
                 call:\n\n\tgit config --global --add safe.directory /x";
    let refuse = format!("echo \"{words}\" >&2; exit 128");
    script(&refusing.path().join("git"), &refuse);
    let run = [
        "run",
        "empty/pattern=chain/serial/1",
        "--runs",
        "1",
        "--quiet",
    ];
    let gate = ["gate", "--base", "main", "--head", "main"];
    for (programs, words) in [
        (
            &nothing,
            "there is no `git` program on the PATH; install git",
        ),
        (
            &refusing,
            "git says: fatal: detected dubious ownership in repository at '/x'",
        ),
    ] {
        let output = without_git(programs.path(), true, &run);
        let said = flat(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.matches("no commit is recorded").count(), 1, "{said}");
        assert!(said.contains(words), "{said}");
    }
    let said = flat(&without_git(refusing.path(), true, &run));
    assert!(
        said.contains("git config --global --add safe.directory"),
        "{said}"
    );
    for programs in [&nothing, &refusing] {
        let output = without_git(programs.path(), true, &gate);
        let said = flat(&output);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(
            said.contains("git cannot check whether it is a revision"),
            "{said}"
        );
        assert!(!said.contains("neither a file nor a revision"), "{said}");
    }
    // Outside a checkout there is no commit to record.
    let said = flat(&without_git(nothing.path(), false, &run));
    assert!(!said.contains("no commit"), "{said}");
    let said = flat(&without_git(nothing.path(), false, &gate));
    assert!(said.contains("neither a file nor a revision"), "{said}");
}
