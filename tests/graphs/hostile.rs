//! Tests with files that try to break a reader.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use taskdyno::internal::graph_file::GraphFormat;
use taskdyno::internal::graph_file::import::parse;

use crate::invariant::check;

fn refused(format: GraphFormat, text: &str) -> String {
    parse(format, "file", text.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn no_nesting_is_too_deep() {
    const DEEP: usize = 200_000;
    let json = "[".repeat(DEEP);
    assert!(refused(GraphFormat::WfFormat, &json).contains("not "));
    let ignored = format!("{{\"x\": {}", "[".repeat(DEEP));
    assert!(refused(GraphFormat::WfFormat, &ignored).contains("not valid JSON"));
    let braces = format!("digraph {{ {} a {} }}", "{".repeat(DEEP), "}".repeat(DEEP));
    let nested = parse(GraphFormat::Dot, "file", braces.as_bytes()).unwrap();
    assert_eq!(nested.names, ["a"]);
    let html = format!("digraph {{ {}b{} }}", "<".repeat(DEEP), ">".repeat(DEEP));
    assert!(check(GraphFormat::Dot, html.as_bytes()));
}

#[test]
fn edges_between_groups_do_not_fill_memory() {
    let group: Vec<_> = (0..10_000).map(|node| format!("n{node}")).collect();
    let group = group.join(" ");
    let pairs = format!("digraph {{ {{{group}}} -> {{{group}}} }}");
    assert!(refused(GraphFormat::Dot, &pairs).contains("more than"));
}

#[test]
fn nested_groups_without_edges_are_not_traversed() {
    // Traversing all nodes of each group takes more than 10^10 steps, so the test would not end.
    const DEEP: usize = 200_000;
    let groups = |open: &str, close: &str| {
        let nodes: String = (0..DEEP).map(|node| format!("a{node}{close}")).collect();
        format!("digraph{{{}{nodes}}}", open.repeat(DEEP))
    };
    for text in [groups("{", "}->{}"), groups("{}->{", "}")] {
        let imported = parse(GraphFormat::Dot, "file", text.as_bytes()).unwrap();
        assert_eq!(imported.graph.task_count(), DEEP);
        assert_eq!(imported.graph.edge_count(), 0);
    }
}

/// The text of our own file for each format.
fn seeds() -> [(GraphFormat, Vec<u8>); 4] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graphs");
    [
        (GraphFormat::WfFormat, "small.json"),
        (GraphFormat::WfFormat, "small-1.4.json"),
        (GraphFormat::Stg, "small.stg"),
        (GraphFormat::Dot, "small.dot"),
    ]
    .map(|(format, name)| (format, fs::read(folder.join(name)).unwrap()))
}

#[test]
fn the_corpus_breaks_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graphs/corpus");
    for (format, folder) in [
        (GraphFormat::WfFormat, "wfformat"),
        (GraphFormat::Stg, "stg"),
        (GraphFormat::Dot, "dot"),
    ] {
        let mut accepted_count = 0;
        let mut count = 0;
        for entry in fs::read_dir(corpus.join(folder)).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            accepted_count += usize::from(check(format, &bytes));
            count += 1;
        }
        // Valid and invalid files are both tried.
        assert!(
            0 < accepted_count && accepted_count < count,
            "{folder}: {accepted_count} of {count}"
        );
    }
}

/// One kind of damage to a file.
#[derive(Debug, Clone)]
enum Damage {
    /// A byte is replaced.
    Byte(prop::sample::Index, u8),
    /// The file is truncated.
    End(prop::sample::Index),
    /// A part is removed.
    Cut(prop::sample::Index, usize),
    /// A part is copied to another place.
    Copy(prop::sample::Index, usize, prop::sample::Index),
    /// A word is inserted.
    Word(prop::sample::Index, &'static str),
}

/// Words that have a meaning for one of the readers.
const WORDS: &[&str] = &[
    "-1",
    "nan",
    "1e999",
    "18446744073709551615",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\\u0000",
    "null",
    "->",
    "--",
    "<",
    ">",
    "/*",
    "*/",
    "#",
    ":",
    ";",
    "+",
    "subgraph",
    "node",
    "strict",
    "\u{feff}",
    "é",
    "\n",
    "\r\n",
    "\"parents\":[",
    "\"id\":",
    "0 0 0\n",
];

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => index().prop_map(Damage::End),
        2 => (index(), 1..40usize).prop_map(|(at, len)| Damage::Cut(at, len)),
        2 => (index(), 1..40usize, index()).prop_map(|(at, len, to)| Damage::Copy(at, len, to)),
        3 => (index(), prop::sample::select(WORDS)).prop_map(|(at, word)| Damage::Word(at, word)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    let part = |at: usize, wanted: usize| at..(at + wanted).min(len);
    match damage {
        Damage::Byte(at, byte) => bytes[at.index(len)] = *byte,
        Damage::End(at) => bytes.truncate(at.index(len)),
        Damage::Cut(at, wanted) => drop(bytes.drain(part(at.index(len), *wanted))),
        Damage::Copy(at, wanted, to) => {
            let copy = bytes[part(at.index(len), *wanted)].to_vec();
            let to = to.index(len);
            bytes.splice(to..to, copy);
        }
        Damage::Word(at, word) => {
            let at = at.index(len);
            bytes.splice(at..at, word.bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn damaged_files_break_nothing(seed in 0..4usize, damages in vec(damage(), 1..6)) {
        let (format, mut bytes) = seeds()[seed].clone();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        check(format, &bytes);
    }
}
