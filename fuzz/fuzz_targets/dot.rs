//! Any bytes at all, read as Dot.

#![no_main]

#[path = "../../tests/graphs/invariant.rs"]
mod invariant;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    invariant::check(taskdyno::graph_file::import::Format::Dot, bytes);
});
