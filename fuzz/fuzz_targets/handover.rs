//! Reads arbitrary bytes as the graph file of a child.

#![no_main]

#[path = "../../tests/graphs/handover_invariant.rs"]
mod handover_invariant;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    handover_invariant::check(bytes);
});
