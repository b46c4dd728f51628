//! Reads arbitrary bytes as STG.

#![no_main]

#[path = "../../tests/graphs/invariant.rs"]
mod invariant;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    invariant::check(taskdyno::internal::graph_file::GraphFormat::Stg, bytes);
});
