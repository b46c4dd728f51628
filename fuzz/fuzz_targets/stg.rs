//! Any bytes at all, read as Stg.

#![no_main]

#[path = "../../tests/graphs/invariant.rs"]
mod invariant;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    invariant::check(taskdyno::graph_file::import::Format::Stg, bytes);
});
