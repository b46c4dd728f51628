//! Cycles of imports between the files and folders that make up one module.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, slice};

use super::{SOURCES, before_tests, files, root};

/// A module or an item, as the names from the root of its crate down to it.
type Place = Vec<String>;

/// What one source file names.
struct Source {
    /// The places that its code names, outside of comments and tests.
    named: Vec<Place>,
    /// The same by their last names: what `super::Name` stands for in the files below it.
    by_name: BTreeMap<String, Place>,
}

/// The source files of a crate, by their modules.
type Sources = BTreeMap<Place, Source>;

#[test]
fn files_of_a_module_do_not_import_each_other_in_a_circle() {
    let mut cycles = Vec::new();
    for folder in SOURCES {
        let sources = sources(folder);
        let modules: BTreeSet<&[String]> = sources.keys().map(|place| parent(place)).collect();
        // The tables of ARCHITECTURE.md have the root of each crate.
        for module in modules.into_iter().filter(|module| !module.is_empty()) {
            if let Some(cycle) = cycle(&imports(module, &sources)) {
                let cycle = cycle.join(" -> ");
                cycles.push(format!("{folder}/{}: {cycle}", module.join("/")));
            }
        }
    }
    assert!(
        cycles.is_empty(),
        "move what these share into a file of its own:\n{}",
        cycles.join("\n")
    );
}

#[test]
fn a_cycle_is_found() {
    let imports = |pairs: &[(&'static str, &'static str)]| {
        let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in pairs {
            imports.entry(from).or_default().insert(to);
        }
        cycle(&imports)
    };
    assert_eq!(imports(&[("a", "b"), ("a", "c"), ("b", "c")]), None);
    let found = imports(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")]);
    assert_eq!(found.unwrap(), ["b", "c", "d", "b"]);
}

#[test]
fn a_tree_of_imports_is_every_path_in_it() {
    let found = paths("use crate::a::{b::C, d::{self, E as F}};\nlet x = super::g(self::h::I);");
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    let expected = [
        "crate::a::b::C",
        "crate::a::d::self",
        "crate::a::d::E",
        "super::g",
        "self::h::I",
    ];
    assert_eq!(found, expected);
}

/// The names around the last one; none for the root of a crate.
fn parent(place: &[String]) -> &[String] {
    &place[..place.len().saturating_sub(1)]
}

fn sources(folder: &str) -> Sources {
    let mut codes = BTreeMap::new();
    for path in files(&root().join(folder), "rs") {
        let below = path.strip_prefix(root().join(folder)).unwrap();
        let below = below.with_extension("");
        let names = below.iter().map(|name| name.to_str().unwrap().to_owned());
        let mut place: Place = names.filter(|name| name != "lib").collect();
        if place.contains(&"tests".to_owned()) || place == ["main"] {
            continue;
        }
        place.pop_if(|name| name == "mod");
        let text = fs::read_to_string(&path).unwrap();
        let lines = before_tests(&text).lines();
        let code: Vec<&str> = lines
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        codes.insert(place, code.join("\n").replace("r#", ""));
    }
    let source = |place: &Place| {
        let found = paths(&codes[place]).into_iter();
        let named: Vec<Place> = found
            .filter_map(|path| absolute(place, path, |place| codes.contains_key(place)))
            .collect();
        let last = |place: &Place| Some((place.last()?.clone(), place.clone()));
        let by_name = named.iter().filter_map(last).collect();
        Source { named, by_name }
    };
    let places = codes.keys();
    places.map(|place| (place.clone(), source(place))).collect()
}

/// The paths in `code` that may lead to other files: those from `crate`, `super` and `self`, and those after `use`.
fn paths(code: &str) -> Vec<Place> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::", "use "] {
        for (at, _) in code.match_indices(start) {
            let is_inside = code[..at].ends_with(|c: char| is_word(c) || c == ':');
            let is_found_already = code[..at].ends_with("use ");
            if !is_inside && (start == "use " || !is_found_already) {
                let at = if start == "use " {
                    at + start.len()
                } else {
                    at
                };
                found.push((at, tree(&code[at..]).0));
            }
        }
    }
    found.sort();
    found.into_iter().flat_map(|(_, paths)| paths).collect()
}

/// The paths of the tree of imports at the beginning of `code`, and what comes after it.
fn tree(code: &str) -> (Vec<Place>, &str) {
    if let Some(mut rest) = code.strip_prefix('{') {
        let mut found = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if rest.is_empty() || rest.starts_with('}') {
                return (found, rest.get(1..).unwrap_or_default());
            }
            let (paths, after) = tree(rest);
            found.extend(paths);
            let end = after.find([',', '}']).unwrap_or(after.len());
            rest = &after[end..];
        }
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let end = code.find(|c| !is_word(c)).unwrap_or(code.len());
    let (name, rest) = (code[..end].to_owned(), &code[end..]);
    let below = rest
        .strip_prefix("::")
        .filter(|rest| rest.starts_with(|c| is_word(c) || c == '{'));
    let Some(below) = below else {
        return (vec![vec![name]], rest);
    };
    let (paths, rest) = tree(below);
    let with_name = |path: Place| [vec![name.clone()], path].concat();
    (paths.into_iter().map(with_name).collect(), rest)
}

/// What `path` stands for in the module at `place`; `None` if it leads to another crate.
fn absolute(place: &[String], path: Place, is_module: impl Fn(&Place) -> bool) -> Option<Place> {
    let mut base = place.to_vec();
    let mut names = path.into_iter().peekable();
    match names.peek()?.as_str() {
        "crate" => base.clear(),
        "self" | "super" => {}
        child if is_module(&[place, &[child.to_owned()]].concat()) => {}
        _ => return None,
    }
    for name in names {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            _ => base.push(name),
        }
    }
    Some(base)
}

/// The module whose file defines what is at `place`. A name that a module imports itself is followed to where it comes
/// from, a few times: a name may be imported under itself.
fn definition(place: &[String], sources: &Sources) -> Place {
    let mut place = place.to_vec();
    for _ in 0..5 {
        let count = (0..=place.len())
            .rev()
            .find(|count| sources.contains_key(&place[..*count]));
        let count = count.unwrap_or(0);
        let module = place[..count].to_vec();
        let next = place.get(count).zip(sources.get(&module));
        let Some(target) = next.and_then(|(name, source)| source.by_name.get(name)) else {
            return module;
        };
        place = [target.as_slice(), &place[count + 1..]].concat();
    }
    place
}

/// Which files and folders of `module` import which others of it. The file of the module itself does not count: it
/// declares them and holds what they share.
fn imports<'a>(module: &[String], sources: &'a Sources) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let part = |place: &[String]| {
        let name = place.strip_prefix(module)?.first()?;
        let (place, _) = sources.get_key_value(&[module, slice::from_ref(name)].concat())?;
        place.last().map(String::as_str)
    };
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (place, source) in sources {
        let Some(from) = part(place) else { continue };
        let targets = source
            .named
            .iter()
            .filter_map(|named| part(&definition(named, sources)));
        let others = targets.filter(|to| *to != from);
        imports.entry(from).or_default().extend(others);
    }
    imports
}

/// The first cycle, with its first part at both ends.
fn cycle<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Vec<&'a str>> {
    imports.keys().find_map(|start| {
        let mut way_to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut open = vec![vec![*start]];
        while let Some(way) = open.pop() {
            for next in imports.get(way[way.len() - 1]).into_iter().flatten() {
                let longer = [way.as_slice(), &[*next]].concat();
                if next == start {
                    return Some(longer);
                }
                if !way_to.contains_key(next) {
                    way_to.insert(*next, longer.clone());
                    open.push(longer);
                }
            }
        }
        None
    })
}
