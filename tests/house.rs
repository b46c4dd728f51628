//! Tests the house rules: imports, names, sizes of files and words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "house/cycle.rs"]
mod cycle;
#[path = "house/links.rs"]
mod links;

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

/// The folders with the sources of the crates, in the order in which ARCHITECTURE.md has their tables. A crate imports
/// the modules of the crates before it under their own names.
const SOURCES: [&str; 3] = ["core/src", "backends/src", "src"];

/// The folders with tests, benchmarks and examples.
const TRIALS: [&str; 3] = ["tests", "benches", "examples"];

/// All files with Rust code in `folders`.
fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    let folders = folders.iter();
    folders
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .collect()
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

/// The text of a source file before the module of its tests.
fn before_tests(text: &str) -> &str {
    let is_start = |at: &usize| {
        let next = text[*at..].lines().nth(1).unwrap_or_default();
        next.starts_with("mod tests") || next.ends_with(" mod tests;")
    };
    let mut marks = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at);
    marks.find(is_start).map_or(text, |at| &text[..at])
}

/// Whether a source file contains only tests.
fn is_of_tests(path: &Path) -> bool {
    path.with_extension("").iter().any(|name| name == "tests")
}

/// The first lines of the items in a source text, without their visibility.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let item = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
            Some(rest) => rest.trim_start(),
            None => line,
        };
        let word = item.split(' ').next()?;
        let is_item = [
            "fn", "struct", "enum", "trait", "type", "impl", "use", "mod",
        ];
        is_item.contains(&word).then_some(item)
    })
}

#[test]
fn unit_tests_are_the_module_tests_at_the_end_of_a_file() {
    let mut wrong = Vec::new();
    for path in rust_files(&SOURCES) {
        let text = fs::read_to_string(&path).unwrap();
        let before = before_tests(&text);
        let after = &text[before.len()..];
        let mut rule = |is_kept: bool, rule: &str| {
            if !is_kept {
                wrong.push(format!("{}: {rule}", path.display()));
            }
        };
        let has_name = |name: &str| path.with_extension("").iter().any(|part| part == name);
        rule(!has_name("test"), "is called `tests`");
        rule(
            is_of_tests(&path) || !before.contains("#[test]"),
            "tests are in a module `tests` under `#[cfg(test)]`, in the file or in a file `tests.rs`",
        );
        let following = items(after).filter(|item| !item.starts_with("mod tests"));
        rule(following.count() == 0, "nothing follows the module `tests`");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_is_one_type() {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in rust_files(&SOURCES) {
        if is_of_tests(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for item in items(before_tests(&text)) {
            let Some((word, rest)) = item.split_once(' ') else {
                continue;
            };
            if ["struct", "enum", "trait", "type"].contains(&word) {
                let end = rest.find(|c: char| !c.is_alphanumeric());
                let name = rest[..end.unwrap_or(rest.len())].to_owned();
                types
                    .entry(name)
                    .or_default()
                    .push(path.display().to_string());
            }
        }
    }
    types.retain(|_, paths| paths.len() > 1);
    assert!(types.is_empty(), "{types:#?}");
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for path in rust_files(&SOURCES).into_iter().chain(rust_files(&TRIALS)) {
        let text = fs::read_to_string(&path).unwrap();
        let count = before_tests(&text).lines().count();
        if count > MOST_LINES {
            long.push(format!("{}: {count} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The files and folders in `folder` that must be named after something: all but those of the module itself, of its
/// tests, and of what its files share.
fn named_files(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let stems = entries.map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    let others = ["mod", "tests", "support", "snapshots"];
    stems
        .filter(|stem| !others.contains(&stem.as_str()))
        .collect()
}

#[test]
fn backends_kernels_patterns_and_exporters_have_a_file_of_their_name() {
    let registry = taskdyno::internal::registry::Registry::default();
    let backends = registry.backends.iter().map(|one| one.name()).collect();
    let coordinated: Vec<_> = taskdyno::internal::coordinated::COORDINATED
        .iter()
        .map(|one| one.name())
        .collect();
    let loads: Vec<_> = taskdyno::internal::loads::LOADS
        .iter()
        .map(|one| one.name())
        .collect();
    let kernels = registry.kernels.iter().map(|one| one.name());
    let kernels = kernels
        .filter(|name| !coordinated.contains(name) && !loads.contains(name))
        .collect();
    let patterns = registry.patterns.iter().map(|one| one.name()).collect();
    let exporters = taskdyno::internal::report::exporter_names();
    let folders: [(&str, Vec<&str>); 6] = [
        ("backends/src/backend", backends),
        ("backends/src/coordinated", coordinated),
        ("backends/src/loads", loads),
        ("core/src/kernel", kernels),
        ("core/src/pattern", patterns),
        ("src/report/exporter", exporters.collect()),
    ];
    for (folder, names) in folders {
        let expected = names.iter().map(|name| name.replace('-', "_")).collect();
        assert_eq!(
            named_files(folder),
            expected,
            "{folder}: helpers belong in `support`"
        );
    }
}

#[test]
fn names_are_unique() {
    let registry = taskdyno::internal::registry::Registry::default();
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
