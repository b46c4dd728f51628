//! Tests of accepted files and of their variants, and that no file makes the parser panic. `refusal` tests refused
//! files and their messages.

use proptest::prelude::*;

use super::load::workloads_within;
use super::*;
use crate::diagnostic::told;
use crate::toml_file::SourceFile;

mod foreign;
mod gate;
mod outside;
mod refusal;
mod workers;

/// The memory of the machine that the tests pretend to run on.
const MEMORY_BYTES: u64 = 8_000_000_000;

fn read(files: &[(&str, &str)]) -> Result<Vec<Workload>, LoadError> {
    let sources = files.iter().map(|(name, text)| {
        Ok(SourceFile {
            name: name.to_string(),
            folder: Some("examples/workloads".into()),
            text: text.to_string(),
        })
    });
    workloads_within(sources.collect(), &Registry::default(), MEMORY_BYTES)
}

/// The labels of the variants of a workload with this pattern and kernel.
fn labels(body: &str) -> Vec<String> {
    let text = format!("name = \"test\"\nwhy = \"a test\"\n{body}");
    let workloads = read(&[("test.toml", &text)]).unwrap();
    let variants = workloads[0].variants.iter();
    variants.map(|variant| variant.label.clone()).collect()
}

#[test]
fn a_plain_file_is_one_unlabelled_variant() {
    let text = r#"
        name = "stencil-fine"
        why = "fine-grained halo exchange: shows what a task costs"
        pattern = { kind = "stencil-1d", width = 64, steps = 1000 }
        kernel = { kind = "empty" }
    "#;
    let workloads = read(&[("test.toml", text)]).unwrap();
    let [workload] = &workloads[..] else {
        panic!("one file is one workload");
    };
    assert_eq!(workload.name, "stencil-fine");
    assert_eq!(workload.timeout, None);
    let [variant] = &workload.variants[..] else {
        panic!("nothing is swept");
    };
    assert_eq!(variant.label, "");
    let expected = serde_json::json!({
        "pattern": {"kind": "stencil-1d", "width": 64, "steps": 1000},
        "kernel": {"kind": "empty"},
    });
    assert_eq!(variant.definition.to_json(), expected);
    assert_eq!(variant.definition.graph_size().task_count, 64_000);
}

#[test]
fn tables_may_be_written_under_headers() {
    let body = r#"
        timeout = 2.5
        [gate]
        threshold = 0.03
        [pattern]
        kind = "chain"
        steps = 3
        [kernel]
        kind = "sleep"
        duration_ms = 0.5
    "#;
    let text = format!("name = \"test\"\nwhy = \"a\\n  test\"\n{body}");
    let workload = &read(&[("test.toml", &text)]).unwrap()[0];
    assert_eq!(workload.timeout, Some(Duration::from_millis(2500)));
    assert_eq!(workload.gate_threshold, Some(0.03));
    assert_eq!(workload.why, "a test");
    let expected = serde_json::json!({
        "pattern": {"kind": "chain", "steps": 3},
        "kernel": {"kind": "sleep", "duration_ms": 0.5},
    });
    assert_eq!(workload.variants[0].definition.to_json(), expected);
}

#[test]
fn lists_multiply_and_the_last_varies_fastest() {
    let body = r#"
        pattern = { kind = "stencil-1d", width = [2, 64], steps = [10, 20] }
        kernel = { kind = "counter", variant = ["racy", "atomic"] }
    "#;
    let expected = [
        "width=2,steps=10,variant=racy",
        "width=2,steps=10,variant=atomic",
        "width=2,steps=20,variant=racy",
        "width=2,steps=20,variant=atomic",
        "width=64,steps=10,variant=racy",
        "width=64,steps=10,variant=atomic",
        "width=64,steps=20,variant=racy",
        "width=64,steps=20,variant=atomic",
    ];
    assert_eq!(labels(body), expected);
}

#[test]
fn a_list_of_kinds_is_labelled_by_kind() {
    let body = r#"
        pattern = { kind = ["no-comm", "stencil-1d"], width = 2, steps = 3 }
        kernel = { kind = "empty" }
    "#;
    assert_eq!(labels(body), ["pattern=no-comm", "pattern=stencil-1d"]);
}

#[test]
fn tables_of_one_kind_are_labelled_by_what_differs() {
    let body = r#"
        pattern = [
          { kind = "chain", steps = 5 },
          { kind = "stencil-1d", width = 2, steps = 5 },
          { kind = "stencil-1d", width = 4, steps = 5 },
        ]
        kernel = [{ kind = "empty" }]
    "#;
    let expected = [
        "pattern=chain,kernel=empty",
        "pattern=stencil-1d,width=2,kernel=empty",
        "pattern=stencil-1d,width=4,kernel=empty",
    ];
    assert_eq!(labels(body), expected);
}

#[test]
fn several_graphs_are_one_variant() {
    let body = r#"
        graphs = [
          { kind = "chain", steps = 5 },
          { kind = "trivial", width = 3 },
          { kind = "chain", steps = 5 },
        ]
        kernel = { kind = "counter", variant = ["racy", "atomic"] }
    "#;
    assert_eq!(labels(body), ["variant=racy", "variant=atomic"]);
    let text = format!("name = \"test\"\nwhy = \"a test\"\n{body}");
    let workloads = read(&[("test.toml", &text)]).unwrap();
    assert_round_trip(&workloads);
    let definition = &workloads[0].variants[0].definition;
    let expected = serde_json::json!({
        "graphs": [
            {"kind": "chain", "steps": 5},
            {"kind": "trivial", "width": 3, "steps": 1},
            {"kind": "chain", "steps": 5},
        ],
        "kernel": {"kind": "counter", "variant": "racy", "increments": 1000},
    });
    assert_eq!(definition.to_json(), expected);
    let graph = definition.build_graph().unwrap();
    assert_eq!((graph.task_count(), graph.edge_count()), (13, 8));
    let size = definition.graph_size();
    assert_eq!((size.task_count, size.edge_count), (13, 8));
}

#[test]
fn a_list_of_one_keeps_its_label() {
    let body = r#"
        pattern = { kind = "chain", steps = [5] }
        kernel = { kind = "sleep", duration_ms = [1.0] }
    "#;
    assert_eq!(labels(body), ["steps=5,duration_ms=1"]);
}

#[test]
fn numbers_may_be_written_as_toml_allows() {
    let body = r#"
        pattern = { kind = "stencil-1d", width = [0x10, 0b11], steps = [1_000, +7] }
        kernel = { kind = "empty" }
    "#;
    let expected = [
        "width=16,steps=1000",
        "width=16,steps=7",
        "width=3,steps=1000",
        "width=3,steps=7",
    ];
    assert_eq!(labels(body), expected);
}

#[test]
fn a_file_may_come_from_windows() {
    let text = "\u{feff}name = \"test\"\r\nwhy = \"a test\"\r\npattern = { kind = \"chain\", \
                steps = 2 }\r\nkernel = { kind = \"empty\" }\r\n";
    assert_eq!(read(&[("test.toml", text)]).unwrap().len(), 1);
}

#[test]
fn built_in_workloads_are_sorted_and_named_after_their_files() {
    let workloads = builtin(&Registry::default()).unwrap();
    let names: Vec<_> = workloads.iter().map(|workload| &*workload.name).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads");
    let files = std::fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let is_workload = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    };
    let stems = paths.filter(is_workload);
    let mut stems: Vec<String> = stems
        .map(|path| path.file_stem().unwrap().to_str().unwrap().into())
        .collect();
    stems.sort();
    assert_eq!(names, stems);
}

#[test]
fn built_in_workloads_build() {
    for workload in builtin(&Registry::default()).unwrap() {
        for variant in workload.variants {
            let definition = &variant.definition;
            let size = definition.graph_size();
            let graph = definition.build_graph().unwrap();
            assert_eq!(graph.task_count() as u128, size.task_count);
            assert_eq!(graph.edge_count() as u128, size.edge_count);
        }
    }
}

#[test]
fn a_folder_stands_for_its_files_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let chain = |name: &str| {
        format!(
            "name = \"{name}\"\nwhy = \"a test\"\npattern = {{ kind = \"chain\", steps = 2 }}\n\
             kernel = {{ kind = \"empty\" }}\n"
        )
    };
    write("b.toml", &chain("first"));
    write("a.toml", &chain("second"));
    write(".#a.toml", "not TOML");
    write("notes.md", "not TOML");
    std::fs::create_dir(folder.path().join("below")).unwrap();
    write("below/c.toml", &chain("third"));

    let names = |paths: &[PathBuf]| -> Vec<String> {
        let workloads = load(paths, &Registry::default()).unwrap();
        workloads
            .into_iter()
            .map(|workload| workload.name)
            .collect()
    };
    let path = folder.path().to_path_buf();
    assert_eq!(names(std::slice::from_ref(&path)), ["second", "first"]);
    // A file that is also in the folder is read once.
    let below = path.join("below");
    assert_eq!(
        names(&[path.join("b.toml"), path, below]),
        ["first", "second", "third"]
    );
    assert!(names(&[]).is_empty());
}

/// Checks that every variant survives a round trip through JSON.
fn assert_round_trip(workloads: &[Workload]) {
    let registry = Registry::default();
    for variant in workloads.iter().flat_map(|workload| &workload.variants) {
        let json = variant.definition.to_json();
        let text = json.to_string();
        let read = serde_json::from_str(&text).unwrap();
        // The text was checked for the memory of the tests; this checks it for the memory of this machine.
        match Definition::from_json(&read, &registry) {
            Ok(back) => {
                assert_eq!(back.to_json(), json);
                let given = &variant.definition;
                assert_eq!(back.graph_size(), given.graph_size());
                assert_eq!(back.kernel_parameters, given.kernel_parameters);
            }
            Err(DefinitionError::TooLarge(_)) => {}
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

/// Renders the error, which must not panic either.
fn read_anything(text: &str) {
    match read(&[("test.toml", text)]) {
        Ok(workloads) => assert_round_trip(&workloads),
        Err(report) => assert!(!told(&report).is_empty()),
    }
}

const GOOD: &str = r#"name = "good"
why = "a file to make mistakes in"
timeout = 10
pattern = [
  { kind = "stencil-1d", width = [2, 64], steps = 1000 },
  { kind = "chain", steps = 5 },
]
kernel = { kind = ["sleep"], duration_ms = [0.1, 3] }
"#;

/// Pieces that turn a valid file into another valid or nearly valid one.
const PIECES: [&str; 25] = [
    "name",
    "why",
    "pattern",
    "graphs",
    "kernel",
    "kind",
    "width",
    "steps",
    "timeout",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "0",
    "-1",
    "1e9",
    "inf",
    "1979-05-27",
    "[[pattern]]",
    "\u{1b}",
    "é",
];

#[test]
fn the_file_that_is_mutated_is_good() {
    let workloads = read(&[("good.toml", GOOD)]).unwrap();
    assert_eq!(workloads[0].variants.len(), 6);
    assert_round_trip(&workloads);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.toml");
        std::fs::write(&path, &bytes).unwrap();
        if let Err(report) = load(&[path], &Registry::default()) {
            prop_assert!(!told(&report).is_empty());
        }
    }

    #[test]
    fn no_pieces_make_reading_panic(pieces in proptest::collection::vec(proptest::sample::select(&PIECES), 0..30)) {
        read_anything(&pieces.concat());
    }

    #[test]
    fn no_slip_in_a_good_file_makes_reading_panic(
        slips in proptest::collection::vec(
            (any::<proptest::sample::Index>(), 0..4usize, proptest::sample::select(&PIECES)),
            1..4,
        )
    ) {
        let mut characters: Vec<char> = GOOD.chars().collect();
        for (place, removed, piece) in slips {
            let start = place.index(characters.len() + 1);
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, piece.chars());
        }
        read_anything(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn any_values_within_bounds_round_trip(
        width in 1..=1000u32,
        steps in 1..=1000u32,
        duration_ms in 0.0..1e10f64,
    ) {
        let text = format!(
            "name = \"good\"\nwhy = \"a test\"\n\
             pattern = {{ kind = \"stencil-1d\", width = {width}, steps = {steps} }}\n\
             kernel = {{ kind = \"sleep\", duration_ms = {duration_ms:?} }}\n"
        );
        assert_round_trip(&read(&[("test.toml", &text)]).unwrap());
    }
}
