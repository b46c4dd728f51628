//! What `gate` builds of a revision: its commit, what lies outside the repository, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const MANIFEST: &str = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
/// Says how it was built, which is the answer to no question of a gate.
const MAIN: &str = "#![allow(unexpected_cfgs)]\nfn main() {\n    println!(\"slow={} checked={}\", cfg!(slow), \
                    cfg!(debug_assertions));\n}\n";
const SLOW: &str = "[build]\nrustflags = [\"--cfg\", \"slow\"]\n";

/// A repository with a package, and the cache that its revisions are built in.
struct Repository {
    bench: TempDir,
    top: PathBuf,
}

impl Repository {
    /// With one commit.
    fn new() -> Self {
        let bench = TempDir::new().unwrap();
        // A folder above that is not above the cache.
        let top = bench.path().join("above/repository");
        let repository = Self { bench, top };
        fs::create_dir_all(&repository.top).unwrap();
        repository.git(&["init", "--quiet"]);
        repository.write("Cargo.toml", MANIFEST);
        repository.write("src/main.rs", MAIN);
        repository.write(".gitignore", "target\nCargo.lock\n");
        repository.commit();
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bench.path().join(name)
    }

    /// Writes a file, at a path from the top.
    fn write(&self, name: &str, text: &str) {
        let path = self.top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.top, arguments)
    }

    /// Commits all there is, and returns the hash.
    fn commit(&self) -> String {
        commit(&self.top)
    }

    /// A gate of a revision against itself.
    fn gate(&self, revision: &str) -> Command {
        self.gate_of(revision, revision)
    }

    fn gate_of(&self, base: &str, head: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskdyno"));
        command.current_dir(&self.top);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            // Those of the cargo that runs the tests are not for the one that the gate runs.
            let foreign = ["TASKDYNO_", "CARGO", "RUST"];
            let kept = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_AUTO_INSTALL"];
            if foreign.iter().any(|start| name.starts_with(start)) && !kept.contains(&&*name) {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.env("CARGO_NET_OFFLINE", "true");
        command.args(["gate", "--base", base, "--head", head, "--out"]);
        command.arg(self.path("out"));
        command
    }

    /// What a gate says of a revision that was built, and so what the program says.
    fn says(&self, revision: &str) -> String {
        built(&mut self.gate(revision))
    }

    /// What is kept of a commit.
    fn kept(&self, commit: &str) -> PathBuf {
        let cache = self.path("cache/taskdyno/gate");
        let mut stores = fs::read_dir(cache).unwrap();
        let store = stores.next().unwrap().unwrap().path();
        store.join("commits").join(commit)
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=a", "-c", "user.email=a@b.c"])
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", flat(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path) -> String {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "change"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// All that was said, in one line.
fn flat(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a gate says whose base was built, and had no cases.
fn built(gate: &mut Command) -> String {
    let output = gate.output().unwrap();
    let said = flat(&output);
    assert!(said.contains("does not say which cases it has"), "{said}");
    assert_eq!(output.status.code(), Some(5), "{said}");
    said
}

fn script(path: &Path, lines: &str) {
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_revision_is_built_once_and_outside_the_repository() {
    let repository = Repository::new();
    let head = repository.git(&["rev-parse", "HEAD"]);
    let first = repository.says("HEAD");
    assert!(first.contains("slow=false"), "{first}");
    assert_eq!(first.matches("Compiling tiny").count(), 1, "{first}");
    // Where, for those who want to look or to make room.
    let kept = repository.kept(&head);
    assert!(first.contains(&format!("in {}", kept.display())), "{first}");
    assert!(kept.join("tree/above/repository/src/main.rs").exists());
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    let second = repository.says(&head[..12]);
    assert!(!second.contains("Compiling"), "{second}");

    // One that was interrupted in the middle is not taken for whole.
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
    assert!(said.contains("`HEAD~2` has no folder `tool`"), "{said}");
}

#[test]
fn each_revision_has_its_own_toolchain() {
    let repository = Repository::new();
    // What stands for cargo says which toolchain it was asked for.
    let programs = repository.path("programs");
    fs::create_dir(&programs).unwrap();
    let fake = "echo \"cargo of ${RUSTUP_TOOLCHAIN:-the commit}\" >&2; exit 1";
    script(&programs.join("cargo"), fake);
    repository.write("rust-toolchain.toml", "[toolchain]\nchannel = \"none\"\n");
    repository.commit();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    // As below `cargo run`, with the toolchain of the working tree.
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
fn submodules_and_packages_elsewhere_in_the_repository_are_there() {
    let repository = Repository::new();
    let other = repository.path("other");
    fs::create_dir(&other).unwrap();
    git(&other, &["init", "--quiet"]);
    fs::write(other.join("word"), "first").unwrap();
    commit(&other);
    let other_path = other.display().to_string();
    repository.git(&["submodule", "--quiet", "add", &other_path, "parts/words"]);
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
    // What is there is taken from the clone.
    fs::remove_dir_all(&other).unwrap();
    let said = |revision: &str, word: &str| {
        let said = repository.says(revision);
        assert!(said.contains(&format!("word={word}")), "{said}");
    };
    said(&first, "first");
    said(&second, "second");
    // Again, from the checkout of the last time.
    said(&first, "first");

    // Also when the working tree has it no longer,
    fs::remove_dir_all(repository.kept(&first)).unwrap();
    repository.git(&["rm", "--quiet", "parts/words"]);
    repository.write("library/src/lib.rs", "pub const WORD: &str = \"none\";\n");
    repository.commit();
    said(&first, "first");

    // and where it is nowhere, that is told.
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
fn what_lies_above_the_repository_applies_as_it_does_there() {
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
    // The commit's own goes before it.
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
        "above the repository applies to `HEAD` too: {}",
        file.display()
    );
    assert!(said.contains(&words), "{said}");
}

#[test]
fn a_program_is_never_that_of_other_settings() {
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
        assert!(gate.try_wait().unwrap().is_none(), "it has ended too early");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&gate), Signal::INT).unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(130));
}

/// A gate, and a run, with these programs alone on the PATH, in a folder that has a `.git` or none.
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
fn that_git_is_missing_or_refuses_is_told_once_and_with_what_to_do() {
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
            said.contains("whether it is a revision cannot be told"),
            "{said}"
        );
        assert!(!said.contains("neither a file nor a revision"), "{said}");
    }
    // Outside a checkout there is no commit to be missed.
    let said = flat(&without_git(nothing.path(), false, &run));
    assert!(!said.contains("no commit"), "{said}");
    let said = flat(&without_git(nothing.path(), false, &gate));
    assert!(said.contains("neither a file nor a revision"), "{said}");
}
