//! The rules of the house, as tests: who imports whom, names, sizes, words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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

/// The folders with the sources of the crates, in the order in which ARCHITECTURE.md has their tables: the core, and
/// the program, which re-exports the modules of the core.
const SOURCES: [&str; 2] = ["core/src", "src"];

/// The source files of both crates.
fn sources() -> Vec<PathBuf> {
    let folders = SOURCES.iter().map(|folder| root().join(folder));
    folders.flat_map(|folder| files(&folder, "rs")).collect()
}

/// A row of ARCHITECTURE.md's tables: a module, and the modules that it may import.
struct Row {
    module: String,
    allowed: BTreeSet<String>,
}

/// The tables of modules in ARCHITECTURE.md, one per crate.
fn tables() -> Vec<Vec<Row>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let tables: Vec<Vec<Row>> = text
        .split("\n| module |")
        .skip(1)
        .map(|table| {
            let rows = table.lines().skip(2);
            rows.take_while(|line| line.starts_with('|'))
                .map(row)
                .collect()
        })
        .collect();
    assert_eq!(tables.len(), SOURCES.len(), "one table per crate");
    tables
}

/// One line of a table. Modules are in backquotes, in the first column and in the last.
fn row(line: &str) -> Row {
    let quoted = |cell: &str| -> Vec<String> {
        let parts = cell.split('`').skip(1).step_by(2);
        parts.map(String::from).collect()
    };
    let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
    let [module, _, imports] = cells[..] else {
        panic!("three columns are expected in {line:?}");
    };
    Row {
        module: quoted(module).remove(0),
        allowed: quoted(imports).into_iter().collect(),
    }
}

/// The module of a crate that a source file belongs to, and the modules that the file imports from others, named as
/// `crate::module` outside comments.
fn imports(folder: &str, path: &Path) -> (String, BTreeSet<String>) {
    let below = path.strip_prefix(root().join(folder)).unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    let module = first.trim_end_matches(".rs").to_owned();
    let text = fs::read_to_string(path).unwrap();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let named = code
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
    let names: Vec<String> = tables()
        .into_iter()
        .flatten()
        .map(|row| row.module)
        .collect();
    let found = named
        .filter(|name| *name != module && names.contains(name))
        .collect();
    (module, found)
}

#[test]
fn modules_import_what_the_tables_say_and_nothing_else() {
    let mut wrong = Vec::new();
    for (folder, table) in SOURCES.iter().zip(tables()) {
        let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in files(&root().join(folder), "rs") {
            let (module, found) = imports(folder, &path);
            used.entry(module).or_default().extend(found);
        }
        used.retain(|module, _| module != "lib" && module != "main");
        let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        said.extend(table.into_iter().map(|row| (row.module, row.allowed)));
        for module in used.keys().chain(said.keys()).collect::<BTreeSet<_>>() {
            let (used, said) = (used.get(module), said.get(module));
            if used != said {
                wrong.push(format!(
                    "{folder}, {module}: imports {used:?}, ARCHITECTURE.md says {said:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_import_only_modules_above_them() {
    let mut above = BTreeSet::new();
    for row in tables().into_iter().flatten() {
        let below: Vec<_> = row.allowed.difference(&above).collect();
        assert!(below.is_empty(), "{} imports {below:?}", row.module);
        above.insert(row.module);
    }
}

/// How many lines stand before the tests: before the module of them, or before their file is named.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let is_start = |pair: &[&str]| {
        pair[0].trim_end() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod test")
    };
    let start = lines.windows(2).position(is_start);
    start.unwrap_or(lines.len())
}

#[test]
fn no_file_outgrows_a_head() {
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
        ("core", "rs"),
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
