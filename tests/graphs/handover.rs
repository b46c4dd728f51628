//! Tests of the file in which a child gets its graph.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;
use taskdyno::internal::handover::{FileFault, GraphFile, HandedOver, parse, read};
use taskdyno_core::graph::{TaskGraph, TaskGraphBuilder, TaskId};
use taskdyno_core::parameter::{Parameter, ParameterKind, Parameters, Value};
use taskdyno_core::pattern::PATTERNS;

use crate::handover_invariant::{check, encoded};

/// The graph in FORMAT.md, and the number of bytes that its tasks hand on.
fn example() -> HandedOver {
    let rows: [&[u32]; 5] = [&[], &[0], &[0], &[2, 1], &[3, 0]];
    let mut builder = TaskGraphBuilder::default();
    for row in rows {
        builder.push(row.iter().copied().map(TaskId)).unwrap();
    }
    let durations = [1_000, 2_000, 3_000, 4_000, 5_000];
    HandedOver {
        graph: builder.finish().with_durations(durations.into()),
        output_bytes: 64,
    }
}

fn example_bytes() -> Vec<u8> {
    let HandedOver {
        graph,
        output_bytes,
    } = example();
    encoded(&graph, output_bytes)
}

/// The section of FORMAT.md about the file.
fn section() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FORMAT.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("## The graph file of a child\n").unwrap();
    section.split("\n## ").next().unwrap().to_owned()
}

/// The bytes of a hex dump in which each line starts with its offset and may end with a comment after a semicolon.
fn undumped(dump: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in dump.lines() {
        let (numbers, _) = line.split_once(';').unwrap_or((line, ""));
        let mut numbers = numbers.split_whitespace();
        let offset = usize::from_str_radix(numbers.next().unwrap(), 16).unwrap();
        assert_eq!(offset, bytes.len(), "{line}");
        bytes.extend(numbers.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

#[test]
fn the_dump_in_format_md_is_the_file_of_its_graph() {
    let section = section();
    let dump = section.split("```text\n").nth(1).unwrap();
    let dumped = undumped(dump.split("```").next().unwrap());
    assert_eq!(dumped, example_bytes());
    let crc32 = crc32fast::hash(&dumped);
    assert!(section.contains(&format!("Its checksum is `{crc32:08x}`")));
    let read = parse(&dumped[..], dumped.len() as u64, crc32).unwrap();
    assert_eq!(read, example());
}

#[test]
fn another_process_reads_the_file_and_nobody_changes_it() {
    let expected = example();
    let file = GraphFile::write(&expected.graph, expected.output_bytes).unwrap();
    assert_eq!((file.task_count(), file.edge_count()), (5, 6));
    assert_eq!(read(&file.path(), file.crc32()).unwrap(), expected);

    let other = Command::new("cat").arg(file.path()).output().unwrap();
    assert_eq!(other.stdout, example_bytes());
    assert_eq!(file.byte_len(), other.stdout.len() as u64);
    let inherited = Path::new("/proc/self/fd").join(file.path().file_name().unwrap());
    let other = Command::new("readlink").arg(inherited).output().unwrap();
    assert!(!other.status.success(), "a child inherits the file");

    let mut writable = fs::File::options().write(true).open(file.path()).unwrap();
    writable.write_all(b"x").unwrap_err();
    writable.set_len(0).unwrap_err();
    drop(writable);
    let path = file.path();
    drop(file);
    let error = read(&path, 0).unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
    assert!(error.contains("exists only as long as"), "{error}");
}

#[test]
fn what_has_no_length_is_not_read() {
    let error = read(Path::new("/dev/zero"), 0).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

/// What is wrong with the example after the word at this offset was replaced, and the checksum fixed.
fn fault(offset: usize, word: u32) -> FileFault {
    let mut bytes = example_bytes();
    bytes[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    parse(&bytes[..], bytes.len() as u64, crc32fast::hash(&bytes)).unwrap_err()
}

#[test]
fn a_refusal_says_what_was_expected() {
    let expected = [
        (
            0,
            0x6b63_6172,
            "begins with \"rackdyno\" and not with \"taskdyno\"",
        ),
        (
            8,
            2,
            "its version is 2, and this program reads only version 1",
        ),
        (12, 3, "its flags are 0x3, and version 1 has only 0x1"),
        (
            12,
            0,
            "it has 168 bytes, and with 5 tasks and 6 edges it must have 128",
        ),
        (
            16,
            u32::MAX,
            "with 4294967295 tasks and 6 edges it must have 68719476808",
        ),
        (
            20,
            u32::MAX,
            "with 5 tasks and 4294967295 edges it must have 34359738480",
        ),
        (28, 1, "the last word of its header is 0x1, and must be 0"),
        (
            32,
            1,
            "predecessors: the offsets of rows go from 0 up to the number of ids, 6; offset 0 is 1",
        ),
        (
            40,
            9,
            "predecessors: the offsets of rows go from 0 up to the number of ids, 6; offset 3 is 2",
        ),
        (
            52,
            7,
            "predecessors: the offsets of rows go from 0 up to the number of ids, 6; offset 5 is 7",
        ),
        (
            56,
            1,
            "task 1 depends on task 1, which does not come before it",
        ),
        (68, 2, "task 3 depends on task 2 twice"),
        (
            84,
            9,
            "successors: the offsets of rows go from 0 up to the number of ids, 6; offset 2 is 4",
        ),
        (
            104,
            3,
            "the successors of task 0 are not the tasks that depend on it",
        ),
    ];
    for (offset, word, words) in expected {
        let text = fault(offset, word).to_string();
        assert!(text.contains(words), "{offset}: {text}");
    }
}

#[test]
fn the_first_thing_that_is_wrong_is_said() {
    let mut bytes = example_bytes();
    let said = |bytes: &[u8]| {
        let fault = parse(bytes, bytes.len() as u64, 0).unwrap_err();
        fault.to_string()
    };
    let expected = "it has 31 bytes, and its header alone must have 32";
    assert_eq!(said(&bytes[..31]), expected);
    // A later version may have more flags.
    bytes[8] = 2;
    bytes[12] = 2;
    assert!(said(&bytes).starts_with("its version is 2"));
}

#[test]
fn lists_longer_than_a_chunk_are_handed_over_unchanged() {
    const TASK_COUNT: u32 = 100_001;
    let mut builder = TaskGraphBuilder::default();
    for task in 0..TASK_COUNT {
        builder.push(task.checked_sub(1).map(TaskId)).unwrap();
    }
    let durations = (0..u64::from(TASK_COUNT)).collect();
    let graph = builder.finish().with_durations(durations);
    let file = GraphFile::write(&graph, 0).unwrap();
    let read = read(&file.path(), file.crc32()).unwrap();
    assert!(read.graph == graph, "it was changed");
}

#[test]
fn a_file_of_another_length_is_refused() {
    let bytes = example_bytes();
    assert!(check(&bytes));
    for len in 0..bytes.len() {
        assert!(!check(&bytes[..len]), "{len}");
    }
    assert!(!check(&[&bytes[..], &[0]].concat()));
}

#[test]
fn no_changed_byte_passes_the_checksum_and_a_forged_checksum_passes_only_a_graph() {
    let bytes = example_bytes();
    let crc32 = crc32fast::hash(&bytes);
    let mut passed_count = 0;
    for place in 0..bytes.len() {
        for flipped in 1..=u8::MAX {
            let mut bytes = bytes.clone();
            bytes[place] ^= flipped;
            assert!(parse(&bytes[..], bytes.len() as u64, crc32).is_err());
            passed_count += usize::from(check(&bytes));
        }
    }
    // Only what has no rule can be changed: the number of bytes that tasks hand on, and durations.
    assert_eq!(passed_count, (4 + 5 * 8) * usize::from(u8::MAX));
}

/// A small value of this parameter.
fn small(parameter: &Parameter, draw: u64) -> Value {
    match parameter.kind {
        ParameterKind::Count { min, max } => Value::Count((min + draw % 6).min(max)),
        ParameterKind::Ratio => Value::Number((draw % 5) as f64 / 4.0),
        _ => panic!("{} is no parameter of a pattern", parameter.name),
    }
}

/// Small graphs of all patterns, with and without durations.
fn graphs() -> impl Strategy<Value = TaskGraph> {
    let pattern = 0..PATTERNS.len();
    let drawn = (pattern, vec(any::<u64>(), 8), any::<Option<u64>>());
    drawn.prop_map(|(pattern, draws, duration)| {
        let pattern = PATTERNS[pattern];
        let declared = pattern.parameters();
        let given = declared.iter().zip(draws);
        let given = given.map(|(one, draw)| (one.name.to_owned(), small(one, draw)));
        let parameters = Parameters::check(declared, &given.collect()).unwrap();
        let graph = pattern.build(&parameters).unwrap();
        let task_count = graph.task_count() as u64;
        match duration {
            Some(first) => graph.with_durations(
                (0..task_count)
                    .map(|task| first.rotate_left(task as u32))
                    .collect(),
            ),
            None => graph,
        }
    })
}

proptest! {
    #[test]
    fn every_graph_is_handed_over_unchanged(graph in graphs(), output_bytes: u32) {
        let file = GraphFile::write(&graph, output_bytes).unwrap();
        let read = read(&file.path(), file.crc32()).unwrap();
        prop_assert_eq!(&read, &HandedOver { graph, output_bytes });
        let bytes = fs::read(file.path()).unwrap();
        prop_assert_eq!(crc32fast::hash(&bytes), file.crc32());
        prop_assert!(check(&bytes));
    }

    #[test]
    fn any_rows_are_refused_or_a_graph(
        (task_count, edge_count, words) in (1..5u32, 0..4u32).prop_flat_map(|(tasks, edges)| {
            let word_count = 2 * (tasks + 1 + edges);
            (Just(tasks), Just(edges), vec(0..5u32, word_count as usize))
        }),
    ) {
        let header = [1, 0, task_count, edge_count, 0, 0];
        let words = header.iter().chain(&words).flat_map(|word| word.to_le_bytes());
        let bytes: Vec<u8> = b"taskdyno".iter().copied().chain(words).collect();
        check(&bytes);
    }
}
