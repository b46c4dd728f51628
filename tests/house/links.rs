//! The links between the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// All documents of the repository, without what builds and runs leave in it.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let is_ours = !name.starts_with('.') && name != "target";
            // Of the results that runs leave here, only the sample belongs to the repository.
            let is_result = folder == root().join("reports") && name != "sample";
            if is_ours && !is_result {
                documents(&path, found);
            }
        } else if path.extension().is_some_and(|one| one == "md") {
            found.push(path);
        }
    }
}

/// The lines of a document that are not in a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The name that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let mut name = String::new();
    for character in heading.trim().chars().flat_map(char::to_lowercase) {
        match character {
            ' ' => name.push('-'),
            other if other.is_alphanumeric() || "-_".contains(other) => name.push(other),
            _ => {}
        }
    }
    name
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for line in prose(text) {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let name = anchor(heading);
        let before = counts.entry(name.clone()).or_default();
        names.insert(match *before {
            0 => name,
            count => format!("{name}-{count}"),
        });
        *before += 1;
    }
    names
}

/// The targets of the links of a document: what is between `](` and `)`.
fn targets(text: &str) -> Vec<String> {
    let text: Vec<&str> = prose(text).collect();
    let text = text.join("\n");
    let parts = text.split("](").skip(1);
    parts
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut all = Vec::new();
    documents(root(), &mut all);
    assert!(all.len() > 10, "{all:?}");
    let mut dead = Vec::new();
    for document in &all {
        let text = fs::read_to_string(document).unwrap();
        for target in targets(&text) {
            if target.contains("://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
            let path = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            let has_heading = || {
                let other = fs::read_to_string(&path).unwrap_or_default();
                heading.is_empty() || anchors(&other).contains(heading)
            };
            if !path.exists() || !has_heading() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn a_heading_has_the_name_that_links_use() {
    let text =
        "# What `run` prints: a table\n```\n# no heading\n```\n## A b\n## A b\n#no heading\n";
    let expected = ["a-b", "a-b-1", "what-run-prints-a-table"];
    assert_eq!(anchors(text).iter().collect::<Vec<_>>(), expected);
    assert_eq!(
        targets("[a](b.md#c), [`d`](e)\n```\n[f](g)\n```\n"),
        ["b.md#c", "e"]
    );
}
