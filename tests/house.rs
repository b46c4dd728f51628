//! The rules of the house, as tests: who imports whom, names, sizes, words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which module of the library may import which. The same table stands in ARCHITECTURE.md.
const IMPORTS: &[(&str, &[&str])] = &[
    ("memory", &[]),
    ("graph", &["memory"]),
    ("parameter", &[]),
    ("random", &[]),
    ("stats", &["random"]),
    ("record", &[]),
    ("sync", &["memory"]),
    ("pattern", &["graph", "parameter", "random"]),
    (
        "kernel",
        &["graph", "memory", "parameter", "random", "sync"],
    ),
    ("execute", &["graph", "kernel", "memory"]),
    (
        "backend",
        &["execute", "graph", "kernel", "memory", "parameter"],
    ),
    ("registry", &["backend", "kernel", "parameter", "pattern"]),
    (
        "workload",
        &[
            "execute",
            "graph",
            "kernel",
            "memory",
            "parameter",
            "pattern",
            "registry",
        ],
    ),
    (
        "measure",
        &["backend", "execute", "graph", "kernel", "record"],
    ),
    ("matrix", &["backend", "parameter", "record", "workload"]),
    (
        "case",
        &[
            "backend",
            "execute",
            "graph",
            "kernel",
            "measure",
            "parameter",
            "record",
            "registry",
            "workload",
        ],
    ),
    ("compare", &["random", "record", "stats"]),
    (
        "gate",
        &[
            "case", "compare", "matrix", "measure", "random", "record", "stats",
        ],
    ),
    (
        "metg",
        &[
            "case",
            "kernel",
            "matrix",
            "measure",
            "parameter",
            "random",
            "record",
            "registry",
            "workload",
        ],
    ),
    ("report", &["compare", "record", "stats"]),
    (
        "harness",
        &["backend", "cmd", "kernel", "pattern", "registry"],
    ),
    (
        "cmd",
        &[
            "backend",
            "case",
            "compare",
            "gate",
            "graph",
            "kernel",
            "matrix",
            "measure",
            "metg",
            "parameter",
            "random",
            "record",
            "registry",
            "report",
            "stats",
            "workload",
        ],
    ),
];

/// Lines a file may have before its tests.
const MOST_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|one| one == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The library module that a source file belongs to.
fn module(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of ours that a source text names as `crate::module`, outside comments.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .filter(|name| IMPORTS.iter().any(|(module, _)| module == name))
        .collect()
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut broken = Vec::new();
    for path in files(&root().join("src"), "rs") {
        let module = module(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = IMPORTS.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} is not in the table"));
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            if import != module && !allowed.contains(&import.as_str()) {
                broken.push(format!("{}: {module} imports {import}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_allows_nothing_that_is_not_used() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(&root().join("src"), "rs") {
        let found = imports(&fs::read_to_string(&path).unwrap());
        used.entry(module(&path)).or_default().extend(found);
    }
    for (module, allowed) in IMPORTS {
        for import in *allowed {
            let is_used = used.get(*module).is_some_and(|all| all.contains(*import));
            assert!(is_used, "{module} may import {import}, but does not");
        }
    }
}

#[test]
fn the_table_has_no_circle() {
    // Each module may name only those above it, but for the harness, which hands over to `cmd`.
    for (index, (module, allowed)) in IMPORTS.iter().enumerate() {
        for import in *allowed {
            let above = IMPORTS[..index].iter().any(|(name, _)| name == import);
            assert!(
                above || (*module, *import) == ("harness", "cmd"),
                "{module}: {import}"
            );
        }
    }
}

#[test]
fn no_file_outgrows_a_head() {
    let mut long = Vec::new();
    for path in files(&root().join("src"), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        let before_tests = text.split("#[cfg(test)]").next().unwrap();
        let count = before_tests.lines().count();
        if count > MOST_LINES {
            long.push(format!("{}: {count} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn a_backend_is_named_like_its_file() {
    for backend in taskdyno::backend::BACKENDS {
        let stem = backend.name().replace('-', "_");
        let folder = root().join("src/backend");
        // `static` is a word of the language, so its file cannot be called that.
        let candidates = [
            folder.join(format!("{stem}.rs")),
            folder.join(format!("{stem}_partition.rs")),
            folder.join(format!("{stem}/mod.rs")),
        ];
        assert!(
            candidates.iter().any(|path| path.exists()),
            "no file for the backend {}",
            backend.name()
        );
    }
}

#[test]
fn names_are_unique() {
    let registry = taskdyno::registry::Registry::default();
    let mut seen = BTreeSet::new();
    for backend in &registry.backends {
        assert!(seen.insert(("backend", backend.name())));
    }
    for kernel in &registry.kernels {
        assert!(seen.insert(("kernel", kernel.name())));
    }
    for pattern in &registry.patterns {
        assert!(seen.insert(("pattern", pattern.name())));
    }
}

#[test]
fn the_changelog_speaks_of_this_version() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(text.lines().any(|line| line.starts_with(&heading)));
}

#[test]
fn no_text_names_a_path_of_one_machine() {
    let mut bad = Vec::new();
    for (folder, extension) in [
        ("src", "rs"),
        ("tests", "rs"),
        ("benches", "rs"),
        ("examples", "rs"),
        ("workloads", "toml"),
        ("", "md"),
    ] {
        let found = match folder {
            "" => fs::read_dir(root())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|one| one == extension))
                .collect(),
            folder => files(&root().join(folder), extension),
        };
        for path in found {
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                // Put together, so that this file does not name them itself.
                let paths = ["root", "home", "work"].map(|name| format!("/{name}/"));
                if paths.iter().any(|bad| line.contains(bad.as_str())) {
                    bad.push(format!("{}:{}: {line}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
