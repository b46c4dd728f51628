//! What a gate compares if the command line does not say it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::repository::{MAIN, Repository, built, flat, git, script};

/// The file `src/main.rs` in the copy of the working tree.
fn copied(repository: &Repository) -> String {
    let tree = repository.kept("working-tree").join("tree");
    fs::read_to_string(tree.join("above/repository/src/main.rs")).unwrap()
}

/// What a gate says that ends with this code.
fn says(gate: &mut Command, code: i32) -> String {
    let output = gate.output().unwrap();
    let said = flat(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

#[test]
fn the_working_tree_is_compared_with_the_commit_where_it_left_the_main_branch() {
    let repository = Repository::new();
    let left = repository.git(&["rev-parse", "HEAD"]);
    repository.write("later", "on the main branch");
    repository.commit();
    repository.git(&["checkout", "--quiet", "-b", "work", &left]);
    repository.write("own", "on this branch");
    let head = repository.commit();
    repository.write("src/main.rs", &MAIN.replace("slow=", "edited="));
    repository.write("src/new.rs", "");
    repository.write("target/ignored", "");
    let before = repository.git(&["status", "--porcelain"]);

    let said = built(&mut repository.bare_gate());
    let base = format!("building `merge base with main` ({})", &left[..10]);
    assert!(said.contains(&base), "{said}");
    let tree = format!("building `working tree` ({})", &head[..10]);
    assert!(said.contains(&tree), "{said}");
    let changes = "with its uncommitted changes: src/main.rs and src/new.rs";
    assert!(said.contains(changes), "{said}");
    assert!(copied(&repository).contains("edited="));
    // The repository is as before.
    assert_eq!(repository.git(&["status", "--porcelain"]), before);
    let inside = fs::read_dir(repository.top.join(".git")).unwrap();
    let names = inside.map(|entry| entry.unwrap().file_name());
    let mut names = names.map(|name| name.into_string().unwrap());
    assert!(!names.any(|name| name.contains("taskdyno")));

    // Cargo builds only what was edited since, here nothing.
    let again = built(&mut repository.bare_gate());
    assert!(!again.contains("Compiling"), "{again}");
    // A revision as the head has a base of its own: here the same, without the changes.
    let mut gate = repository.bare_gate();
    let said = built(gate.args(["--head", "work"]));
    assert!(said.contains(&base), "{said}");
    assert!(said.contains("leave out --head"), "{said}");
}

#[test]
fn edits_during_a_build_do_not_enter() {
    let repository = Repository::new();
    repository.write("src/main.rs", &MAIN.replace("slow=", "copied="));
    let cargo = repository.path("cargo");
    let file = repository.top.join("src/main.rs");
    let edit = format!("echo edited > '{}'; exec cargo \"$@\"", file.display());
    script(&cargo, &edit);
    built(repository.bare_gate().env("CARGO", &cargo));
    assert_eq!(fs::read_to_string(&file).unwrap(), "edited\n");
    assert!(copied(&repository).contains("copied="));
}

#[test]
fn equal_sides_are_nothing_to_compare() {
    let repository = Repository::new();
    // The folder that the gate writes to is not part of the working tree.
    repository.write("reports/gate/gate.json", "{}");
    let mut gate = repository.bare_gate();
    let said = says(gate.args(["--out", "reports/gate"]), 2);
    let words = "nothing to compare: `merge base with main` and `working tree` have the same files";
    assert!(said.contains(words), "{said}");
    assert!(!said.contains("building"), "{said}");

    repository.git(&["commit", "--quiet", "--allow-empty", "--message", "empty"]);
    let said = says(&mut repository.gate_of("HEAD~", "HEAD"), 2);
    assert!(said.contains("`HEAD~` and `HEAD` have"), "{said}");
    // Other flags make other programs.
    let mut gate = repository.gate_of("HEAD", "HEAD");
    built(gate.args(["--head-rustflags", "--cfg slow"]));
}

#[test]
fn the_main_branch_is_that_of_origin_or_main_or_master() {
    let repository = Repository::new();
    let cargo = repository.path("cargo");
    script(&cargo, "exit 1");
    let mut seen = Vec::new();
    let mut base = |repository: &Repository| {
        let said = says(repository.bare_gate().env("CARGO", &cargo), 5);
        let name = said.split("building `merge base with ").nth(1);
        seen.push(name.unwrap_or(&said).split('`').next().unwrap().to_owned());
    };
    repository.write("src/main.rs", "");
    repository.git(&["branch", "master"]);
    repository.git(&["update-ref", "refs/remotes/origin/trunk", "HEAD"]);
    let head = "refs/remotes/origin/HEAD";
    repository.git(&["symbolic-ref", head, "refs/remotes/origin/trunk"]);
    base(&repository);
    // It may name a branch that no longer exists.
    repository.git(&["update-ref", "-d", "refs/remotes/origin/trunk"]);
    base(&repository);
    repository.git(&["checkout", "--quiet", "--detach"]);
    repository.git(&["branch", "--delete", "main"]);
    base(&repository);
    assert_eq!(seen, ["origin/trunk", "main", "master"]);

    repository.git(&["branch", "--delete", "--force", "master"]);
    let said = says(&mut repository.bare_gate(), 5);
    assert!(said.contains("neither `origin/HEAD` nor `main` nor `master`"));
    assert!(said.contains("git remote set-head origin --auto"), "{said}");
}

/// Clones the last commit of each branch.
fn shallow(repository: &Repository, name: &str) {
    let from = format!("file://{}", repository.top.display());
    let clone = ["clone", "--quiet", "--depth", "1", "--no-single-branch"];
    git(
        repository.bench.path(),
        &[&clone[..], &[&from, name]].concat(),
    );
}

#[test]
fn a_shallow_clone_is_told_how_to_fetch_the_rest() {
    let repository = Repository::new();
    repository.git(&["checkout", "--quiet", "-b", "work"]);
    repository.write("own", "");
    repository.commit();
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("other", "");
    repository.commit();
    shallow(&repository, "clone");
    let clone = repository.path("clone");
    git(&clone, &["checkout", "--quiet", "work"]);
    let check = || {
        let said = says(repository.bare_gate().current_dir(&clone), 5);
        assert!(said.contains("this clone is shallow"), "{said}");
        assert!(said.contains("`fetch-depth: 0`"), "{said}");
    };
    check();
    // A checkout in CI has no main branch.
    git(&clone, &["remote", "remove", "origin"]);
    git(&clone, &["branch", "--delete", "--force", "main"]);
    check();
    // The whole history has an answer, here that there is none.
    repository.git(&["checkout", "--quiet", "--orphan", "unrelated"]);
    repository.commit();
    let said = says(&mut repository.bare_gate(), 5);
    assert!(said.contains("no common commit with `main`"), "{said}");
}

#[test]
fn changes_in_a_submodule_are_named_as_left_out() {
    let repository = Repository::new();
    repository.add_submodule("parts");
    repository.commit();
    repository.write("parts/word", "second");
    let said = says(&mut repository.bare_gate(), 2);
    assert!(said.contains("changes in the submodule `parts` are not judged"));
}

#[test]
fn outside_a_repository_the_sides_have_to_be_named() {
    let repository = Repository::new();
    let outside = |arguments: &[&str], code| {
        let mut gate = repository.bare_gate();
        says(gate.args(arguments).current_dir(Path::new("/")), code)
    };
    let said = outside(&[], 2);
    assert!(said.contains("there is no --head"), "{said}");
    let program = env!("CARGO_BIN_EXE_taskdyno");
    let said = outside(&["--head", program], 5);
    assert!(said.contains("there is no --base"), "{said}");
    assert!(said.contains("is not in a git checkout"), "{said}");
}
