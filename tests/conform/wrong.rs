//! Every way of being wrong that a check is about.

use crate::{checks, conform_python, text};

/// Asserts that a child with the mistake `wrong` fails the check `check`, with these words in its report. The other
/// checks are left out, which saves many seconds per mistake.
fn assert_fails(wrong: &str, check: &str, words: &str) {
    // A mistake that ends in silence takes as long as the limit. All others get the long default limit.
    let limit: &[&str] = match wrong {
        "ignores-no-json" | "ignores-end-of-input" => &["--timeout", "3"],
        _ => &[],
    };
    let arguments = [&["--check", check, "--backends", backend(wrong)], limit].concat();
    let output = conform_python(&arguments, wrong);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{wrong}: {text}");
    assert_eq!(checks(&output, "FAILED"), [check], "{wrong}: {text}");
    assert!(
        text.contains(words),
        "{wrong}: {words:?} is not in:\n{text}"
    );
    assert!(text.contains("to do: "), "{wrong}: {text}");
    assert!(
        text.contains("> {\"hello\""),
        "{wrong}: the exchange is missing:\n{text}"
    );
}

/// The backend that has the mistake.
fn backend(wrong: &str) -> &'static str {
    match wrong {
        "uneven" | "option" => "threads",
        "left-behind" => "processes",
        _ => "plain",
    }
}

/// One test per mistake, so that they run side by side.
macro_rules! mistakes {
    ($($name:ident: $wrong:literal fails $check:literal with $words:literal;)+) => {
        $(
            #[test]
            fn $name() {
                assert_fails($wrong, $check, $words);
            }
        )+
    };
}

mistakes! {
    banner: "banner" fails "greeting" with "Welcome to the runtime!";
    another_version: "version-3" fails "greeting" with "`version` is 3";
    missing_field: "no-language" fails "greeting" with "missing field `language`";
    version_that_nobody_knows: "any-version" fails "unknown-version" with "something else than an error";
    unknown_fields: "unknown-field" fails "unknown-fields" with "field_of_a_later_version";
    wrong_value: "digest" fails "digests" with "independent-1";
    sorted_predecessors: "order" fails "digests" with "dense-3x3";
    broken_option: "option" fails "digests" with "the mode is not finished";
    remainder_left_out: "uneven" fails "sizes" with "independent-7";
    no_task: "no-tasks" fails "sizes" with "list index out of range";
    claimed_payload: "payload" fails "payload" with "there is no room for bytes";
    remembered_value: "remembers" fails "nonces" with "a sample has the digest";
    replay_within_a_slice: "replays-within-slice" fails "chained-slices" with "a sample has the digest";
    miscounted_runs: "miscounts-runs" fails "chained-slices" with "a sample has the digest";
    sample_too_many: "one-sample-more" fails "slices" with "the slice has 4 samples instead of 3";
    other_run_count: "wrong-run-count" fails "slices" with "a sample has 3 runs instead of 2";
    minimum_of_time_ignored: "ignores-min-time" fails "slices" with "`min_time_ns` is";
    maximum_of_time_ignored: "ignores-max-time" fails "slices" with "the slice has 5 samples instead of 1";
    another_unit: "picoseconds" fails "slices" with "but its replies came after";
    half_the_wait: "half-sleep" fails "bound" with "its tasks must wait";
    skipped_wait: "skipped-sleep" fails "bound" with "its tasks must wait";
    half_the_time: "half-wall" fails "cpu-time" with "of CPU time";
    buckets_out_of_order: "unsorted-buckets" fails "latencies" with "expected ascending buckets";
    number_that_is_no_bucket: "no-bucket" fails "latencies" with "no bucket of a histogram begins at";
    bucket_without_latencies: "empty-bucket" fails "latencies" with "has the count 0";
    maximum_below_the_last_bucket: "low-maximum" fails "latencies" with "`max_ns` is";
    latencies_nobody_asked_for: "unasked-latencies" fails "latencies" with "that nobody asked for";
    claimed_latencies: "no-latencies" fails "latencies" with "the latencies `fsync` are missing";
    no_field_of_latencies: "no-field-of-latencies" fails "latencies" with "`slice_done` has no `latencies`";
    another_latency: "other-latency" fails "latencies" with "`flush`, but the kernel has only `fsync`";
    latencies_of_earlier_slices: "keeps-latencies" fails "latencies" with "latencies in a slice of 8 samples, and";
    latencies_of_the_last_run: "last-latency" fails "latencies" with "latencies in a slice of 8 samples, and";
    latencies_in_another_unit: "latencies-in-femtoseconds" fails "latencies" with "but the whole slice took";
    any_kernel: "any-kernel" fails "errors" with "no-such-kernel";
    any_backend: "any-backend" fails "errors" with "no-such-backend";
    missing_graph: "no-graph" fails "errors" with "/no/such/graph";
    unchecked_graph: "checksum" fails "errors" with "a wrong checksum";
    line_that_is_no_json: "ignores-no-json" fails "errors" with "it sent nothing within 3 s";
    end_of_input: "ignores-end-of-input" fails "end-of-input" with "within 3 s";
    no_reply_to_finish: "no-finished" fails "finish" with "where `finished` was expected";
    wrong_exit_code: "exit-code" fails "finish" with "its exit code is not 0";
    line_between_slices: "chatters" fails "silence" with "still here";
    busy_between_slices: "busy-between-slices" fails "silence" with "% of one core between two slices";
    short_processes_between_slices: "polls-by-processes" fails "silence" with "of one core between two slices";
    kept_results: "keeps-results" fails "repeated-nonce" with "it remembers results";
    last_result_kept: "keeps-last-result" fails "repeated-nonce" with "it remembers results";
}

/// All its digests are right, and all its times are true.
#[test]
fn only_repeated_work_shows_that_results_are_kept() {
    let output = conform_python(&["--backends", "plain"], "keeps-results");
    assert_eq!(output.status.code(), Some(1));
    let failed = checks(&output, "FAILED");
    assert_eq!(failed, ["repeated-nonce"], "{}", text(&output));
}

/// Six processes each waited for another one, whose CPU times are all known to two ticks only.
#[test]
fn silence_that_cannot_be_told_is_not_passed() {
    let arguments = ["--check", "silence", "--backends", "plain"];
    let output = conform_python(&arguments, "hidden-helpers");
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(checks(&output, "?"), ["silence"], "{text}");
    assert!(
        text.contains("cannot tell: plain: processes came"),
        "{text}"
    );
    assert!(text.contains("It conforms, except that"), "{text}");
}

#[test]
fn exit_code_of_errors() {
    let failed = ["unknown-version", "errors"];
    let arguments = ["--backends", "plain", "--check", &failed.join(",")];
    let output = conform_python(&arguments, "error-exit-code");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(checks(&output, "FAILED"), failed, "{}", text(&output));
}

/// A worker that nobody ends is left at every kind of end.
#[test]
fn worker_that_is_left_behind() {
    let failed = ["end-of-input", "finish", "death"];
    let arguments = ["--backends", "processes", "--check", &failed.join(",")];
    let output = conform_python(&arguments, "left-behind");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(checks(&output, "FAILED"), failed, "{}", text(&output));
    assert!(text(&output).contains("(sleep)"), "{}", text(&output));
}
