//! Tests of the direction of edges.

use taskdyno::internal::graph_file::import::Imported;

use crate::{dot, edges, stg};

#[test]
fn reversing_keeps_the_graph_and_reverses_its_edges() {
    let imported = dot(
        "digraph { a -> b -> d; a -> c -> d; e; a [duration=1] b, c [duration=2] d, e [duration=3] }",
    );
    let reversed = imported.clone().reversed();
    assert_eq!(edges(&reversed), "d>c d>b c>a b>a");
    assert_eq!(reversed.names, ["d", "c", "b", "e", "a"]);
    let of = |imported: &Imported, name: &str| {
        let index = imported.names.iter().position(|one| one == name).unwrap();
        imported.durations.as_ref().unwrap()[index]
    };
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(of(&reversed, name), of(&imported, name));
    }
    assert_eq!(reversed.reversed(), imported);
}

#[test]
fn an_empty_graph_can_be_reversed() {
    let empty = dot("digraph {}");
    assert_eq!(empty.clone().reversed(), empty);
}

#[test]
fn some_files_suggest_that_their_edges_are_reversed() {
    for (what, text, sign) in [
        (
            "a name",
            "digraph \"Dependency-Graph\" { a -> b }",
            "is named \"Dependency-Graph\"",
        ),
        (
            "systemd",
            "digraph systemd { a -> b }",
            "is named \"systemd\"",
        ),
        (
            "an old terraform",
            "digraph { \"[root] a\" -> \"[root] b\" }",
            "terraform",
        ),
        (
            "a new terraform",
            "digraph G { rankdir = \"RL\"; a -> b }",
            "rankdir",
        ),
        (
            "ranks upward",
            "digraph { graph [rankdir=BT]; a -> b }",
            "rankdir",
        ),
        (
            "bazel",
            "digraph mygraph { \"//a:a\" -> \"@b//c:d\\n//e:e\" }",
            "bazel",
        ),
        (
            "cargo-depgraph",
            "digraph { 0 [ label = \"a\" shape = box] 1 [ label = \"b\" ] 2 [ label = \"c\" ] 0 -> 1 [ ] 0 -> 2 [ ] }",
            "cargo-depgraph",
        ),
    ] {
        let found = dot(text).depends_on_sign;
        assert!(
            found.as_deref().is_some_and(|found| found.contains(sign)),
            "{what}: {found:?}"
        );
    }
}

#[test]
fn other_files_suggest_nothing() {
    for text in [
        "digraph { a -> b }",
        "digraph ninja { rankdir=\"LR\" \"0x1\" [label=\"a\"] \"0x2\" [label=\"b\"] \"0x1\" -> \"0x2\" }",
        "digraph dependencies { a; b }",
        "digraph { \"//a\" -> b }",
        // The form of an exported pattern: numbers without labels.
        "digraph { \"0\"; \"1\"; \"2\"; \"0\" -> \"1\"; \"0\" -> \"2\"; }",
        "digraph { 0 [label=a] 1 [label=b] 2 [label=c] 0 -> 2; 1 -> 2 }",
    ] {
        assert_eq!(dot(text).depends_on_sign, None, "{text}");
    }
    assert_eq!(stg("0\n0 0 0\n1 0 1 0\n").depends_on_sign, None);
}
