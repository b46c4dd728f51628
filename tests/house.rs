//! Tests the house rules: imports, names, sizes of files and words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The limit on the lines of a file before its tests.
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

/// The folders with sources.
const SOURCES: [&str; 1] = ["src"];

/// All source files.
fn sources() -> Vec<PathBuf> {
    let folders = SOURCES.iter().map(|folder| root().join(folder));
    folders.flat_map(|folder| files(&folder, "rs")).collect()
}

/// The module that a source file belongs to.
fn module(path: &Path) -> String {
    let below = SOURCES
        .iter()
        .find_map(|folder| path.strip_prefix(root().join(folder)).ok());
    let first = below.unwrap().iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Which module may import which: the rows of the table of modules in ARCHITECTURE.md, in order. The last column names
/// modules in backquotes.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let quoted = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(String::from)
            .collect()
    };
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [module, _, imports] = cells[..] else {
            panic!("three columns are expected in {row:?}");
        };
        (
            quoted(module).remove(0),
            quoted(imports).into_iter().collect(),
        )
    })
    .collect()
}

/// Our modules that a source text names as `crate::module`, outside comments.
fn imports(text: &str, table: &[(String, BTreeSet<String>)]) -> BTreeSet<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .filter(|name| table.iter().any(|(module, _)| module == name))
        .collect()
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let table = table();
    let mut broken = Vec::new();
    for path in sources() {
        let module = module(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = table.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} is not in the table"));
        for import in imports(&fs::read_to_string(&path).unwrap(), &table) {
            if import != module && !allowed.contains(&import) {
                broken.push(format!("{}: {module} imports {import}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_table_allows_nothing_that_is_not_used() {
    let table = table();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources() {
        let found = imports(&fs::read_to_string(&path).unwrap(), &table);
        used.entry(module(&path)).or_default().extend(found);
    }
    for (module, allowed) in &table {
        for import in allowed {
            let is_used = used.get(module).is_some_and(|all| all.contains(import));
            assert!(is_used, "{module} may import {import}, but does not");
        }
    }
}

#[test]
fn the_table_has_no_cycle() {
    // Each module may name only modules above it.
    let table = table();
    assert!(!table.is_empty(), "ARCHITECTURE.md has no table of modules");
    for (index, (module, allowed)) in table.iter().enumerate() {
        for import in allowed {
            let above = table[..index].iter().any(|(name, _)| name == import);
            assert!(above, "{module}: {import}");
        }
    }
}

/// The number of lines before the tests: before their module, or before the line that names their file.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let is_start = |pair: &[&str]| {
        pair[0].trim_end() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod test")
    };
    let start = lines.windows(2).position(is_start);
    start.unwrap_or(lines.len())
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let count = lines_before_tests(&text);
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
        // `static` is a keyword, so a module cannot have that name.
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
fn the_changelog_covers_this_version() {
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
                // The paths are built here, so that this file does not contain them.
                let paths = ["root", "home", "work"].map(|name| format!("/{name}/"));
                if paths.iter().any(|bad| line.contains(bad.as_str())) {
                    bad.push(format!("{}:{}: {line}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
