//! Measures reading large graphs: `taskdyno graph info` on files of 100 MB and on a pattern of 10 million tasks, and
//! handing over graphs of 10 million tasks to a child. `cargo bench --bench graph_file [FILTER]` prints one line per
//! figure.
//!
//! Each run of `graph info` is a separate process, timed from its start to its end, with its own peak of memory.

use std::fmt::Write as _;
use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use taskdyno::internal::handover::{GraphFile, read};
use taskdyno_core::graph::TaskGraph;
use taskdyno_core::parameter::{Parameters, Value};
use taskdyno_core::pattern::{CHAIN, Pattern, STENCIL_1D};
use tempfile::TempDir;

use arguments::Request;

#[path = "overhead/arguments.rs"]
mod arguments;

/// A figure: its name, and how to measure it at this scale.
type Figure = (&'static str, fn(FileScale));

const FIGURES: &[Figure] = &[
    ("wfformat-published", published),
    ("wfformat-bare", bare),
    ("pattern", pattern),
    ("handover-stencil", handover_stencil),
    ("handover-chain", handover_chain),
];

/// How much to measure.
#[derive(Clone, Copy)]
struct FileScale {
    file_bytes: usize,
    steps: usize,
    run_count: usize,
}

const MEASURE: FileScale = FileScale {
    file_bytes: 100_000_000,
    steps: 10_000,
    run_count: 5,
};

const TEST: FileScale = FileScale {
    file_bytes: 100_000,
    steps: 10,
    run_count: 1,
};

fn main() {
    let (filter, scale) = match arguments::parse(std::env::args().skip(1)) {
        Request::Nothing => return,
        Request::List(filter) => {
            for (name, _) in FIGURES.iter().filter(|(name, _)| filter.matches(name)) {
                println!("{name}: benchmark");
            }
            return;
        }
        Request::Test(filter) => (filter, TEST),
        Request::Measure(filter) => (filter, MEASURE),
    };
    for (_, measure) in FIGURES.iter().filter(|(name, _)| filter.matches(name)) {
        measure(scale);
    }
}

/// A file like those from workflow systems: indented tasks with commands and files.
fn published(scale: FileScale) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("published.json");
    // Divided by the approximate size of one task. The printed line says how large the file is.
    let text = workflow(scale.file_bytes / 1_036, "            ", true);
    fs::write(&path, &text).expect("a file in a temporary folder");
    report("WfFormat with commands and files", &path, text.len(), scale);
}

/// A file with only the graph: the most tasks that a file of this size can hold with names of this length.
fn bare(scale: FileScale) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("bare.json");
    let text = workflow(scale.file_bytes / 320, "", false);
    fs::write(&path, &text).expect("a file in a temporary folder");
    report(
        "WfFormat with nothing but the graph",
        &path,
        text.len(),
        scale,
    );
}

fn report(what: &str, path: &Path, byte_len: usize, scale: FileScale) {
    let path = path.to_str().expect("temporary folders have plain names");
    let what = format!("{what}, {:.0} MB", byte_len as f64 / 1e6);
    print(&what, &["graph", "info", path], scale);
}

/// `taskdyno graph info` on a stencil.
fn pattern(scale: FileScale) {
    let steps = format!("steps={}", scale.steps);
    let arguments = [
        "graph",
        "info",
        "--pattern",
        "stencil-1d",
        "--set",
        "width=1000",
        "--set",
        &steps,
    ];
    let what = format!("a stencil of {} tasks", 1000 * scale.steps);
    print(&what, &arguments, scale);
}

/// Handing over a stencil.
fn handover_stencil(scale: FileScale) {
    let graph = build(&STENCIL_1D, &[("width", 1000), ("steps", scale.steps)]);
    handover("stencil", &graph, scale);
}

/// Handing over a chain with as many tasks.
fn handover_chain(scale: FileScale) {
    let graph = build(&CHAIN, &[("steps", 1000 * scale.steps)]);
    handover("chain", &graph, scale);
}

fn build(pattern: &dyn Pattern, parameters: &[(&str, usize)]) -> TaskGraph {
    let given = parameters.iter();
    let given = given.map(|(name, count)| ((*name).to_owned(), Value::Count(*count as u64)));
    let parameters = Parameters::check(pattern.parameters(), &given.collect());
    let graph = pattern.build(&parameters.expect("parameters of this pattern"));
    graph.expect("a graph that ids can number")
}

/// Writes and reads the file of a child, in one process. Prints both times.
fn handover(what: &str, graph: &TaskGraph, scale: FileScale) {
    let mut writing = Vec::new();
    let mut reading = Vec::new();
    let mut both = Vec::new();
    let mut byte_len = 0;
    for _ in 0..scale.run_count {
        let begin = Instant::now();
        let file = GraphFile::write(graph, 0).expect("a file in memory");
        let written = begin.elapsed();
        let read = read(&file.path(), file.crc32()).expect("the file just written");
        let wall = begin.elapsed();
        assert_eq!(read.graph, *graph);
        byte_len = file.byte_len();
        writing.push(written);
        reading.push(wall - written);
        both.push(wall);
    }
    println!(
        "handing over a {what} of {} tasks and {} edges, {:.0} MB: {} ms, of which {} to write and {} to read",
        graph.task_count(),
        graph.edge_count(),
        byte_len as f64 / 1e6,
        range(&mut both),
        range(&mut writing),
        range(&mut reading),
    );
}

/// The shortest and the longest time in milliseconds.
fn range(times: &mut [Duration]) -> String {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (shortest, longest) = (times[0], times[times.len() - 1]);
    format!("{:.0} – {:.0}", ms(shortest), ms(longest))
}

fn print(what: &str, arguments: &[&str], scale: FileScale) {
    let mut runs: Vec<_> = (0..scale.run_count).map(|_| run(arguments)).collect();
    runs.sort();
    let (fastest, slowest) = (runs[0].0, runs[runs.len() - 1].0);
    let peak_bytes = runs.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
    println!(
        "{what:<48} {:>7.0} – {:.0} ms, {} MB at most",
        fastest.as_secs_f64() * 1e3,
        slowest.as_secs_f64() * 1e3,
        peak_bytes / 1_000_000
    );
}

/// Runs the program. Returns how long it took, and its peak memory in bytes.
fn run(arguments: &[&str]) -> (Duration, u64) {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_taskdyno"))
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to writable memory of the right type. The child is ours and no other code waits for
    // it.
    let ended = unsafe {
        libc::wait4(
            child.id() as libc::pid_t,
            &raw mut status,
            0,
            usage.as_mut_ptr(),
        )
    };
    let wall = begin.elapsed();
    // Already reaped; this only informs the standard library.
    let _ = child.wait();
    assert!(ended > 0 && status == 0, "the program failed: {status}");
    // SAFETY: all zero is a valid `rusage`, and the kernel writes a valid one.
    let usage = unsafe { usage.assume_init() };
    // The kernel counts in units of 1024 bytes.
    (wall, usage.ru_maxrss as u64 * 1024)
}

/// A WfFormat 1.5 file: steps of 500 tasks, each with three neighbours of the previous step as its parents.
fn workflow(task_count: usize, indent: &str, with_details: bool) -> String {
    const WIDTH: usize = 500;
    let name = |task: usize| format!("individuals_chr{:02}_ID{task:07}", task % 22);
    let list = |tasks: &mut dyn Iterator<Item = usize>| {
        let names: Vec<_> = tasks
            .filter(|task| *task < task_count)
            .map(|task| format!("{indent}    \"{}\"", name(task)))
            .collect();
        format!("[\n{}\n{indent}]", names.join(",\n"))
    };
    let mut text =
        "{\"name\":\"made\",\"schemaVersion\":\"1.5\",\"workflow\":{\"specification\":{\"tasks\":["
            .to_owned();
    for task in 0..task_count {
        let around = |middle: usize| {
            (-1..=1isize)
                .map(move |shift| ((middle % WIDTH) as isize + shift, shift))
                .filter(|(place, _)| (0..WIDTH as isize).contains(place))
                .map(move |(_, shift)| middle.wrapping_add_signed(shift))
        };
        let parents = task.checked_sub(WIDTH).map(around);
        let comma = if task == 0 { "" } else { "," };
        write!(
            text,
            "{comma}\n{indent}{{\"name\": \"{0}\", \"id\": \"{0}\",\n{indent}\"parents\": {1},\n{indent}\"children\": {2}",
            name(task),
            list(&mut parents.into_iter().flatten()),
            list(&mut around(task + WIDTH)),
        )
        .expect("writing to a string does not fail");
        if with_details {
            write!(
                text,
                ",\n{indent}\"inputFiles\": [\n{indent}    \"ALL.chr{0}.250000.vcf\",\n{indent}    \"columns.txt\"\n{indent}],\n\
                 {indent}\"outputFiles\": [\n{indent}    \"chr{0}n-{task}.tar.gz\"\n{indent}]",
                task % 22
            )
            .expect("writing to a string does not fail");
        }
        text.push('}');
    }
    text.push_str("\n]}");
    if with_details {
        text.push_str(
            ",\"execution\":{\"makespanInSeconds\":1.0,\"executedAt\":\"2026-01-01\",\"tasks\":[",
        );
        for task in 0..task_count {
            let comma = if task == 0 { "" } else { "," };
            write!(
                text,
                "{comma}\n{indent}{{\"id\": \"{}\",\n{indent}\"runtimeInSeconds\": {}.{:03},\n{indent}\"command\": {{\n{indent}    \
                 \"program\": \"individuals\",\n{indent}    \"arguments\": [\n{indent}        \"ALL.chr{}.250000.vcf\",\n{indent}        \
                 \"{task}\",\n{indent}        \"3000\"\n{indent}    ]\n{indent}}},\n{indent}\"avgCPU\": 97.5812,\n{indent}\"memoryInBytes\": \
                 87824}}",
                name(task),
                task % 1000,
                task % 997,
                task % 22
            )
            .expect("writing to a string does not fail");
        }
        text.push_str("\n]}");
    }
    text.push_str("}}\n");
    text
}
