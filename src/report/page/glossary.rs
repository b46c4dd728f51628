//! The words that the page uses, and their meanings.

use super::model::{GlossaryEntry, Page};

/// A word, the views that use it, and its meaning.
type Term = (&'static str, &'static [&'static str], &'static str);

/// The views about workloads.
const ABOUT_CASES: &[&str] = &[
    "families", "backends", "scaling", "overhead", "lost", "tail", "cost", "trust",
];

/// All words that a page may use, sorted.
const WORDS: &[Term] = &[
    (
        "backend",
        ABOUT_CASES,
        "a way to run tasks: a runtime, or a scheme of our own",
    ),
    (
        "bound",
        &["lost"],
        "the shortest possible time: the larger of work ÷ number of concurrent tasks, and the longest path of tasks by duration",
    ),
    (
        "case",
        ABOUT_CASES,
        "a workload on a backend with a number of workers",
    ),
    (
        "change",
        &["worse"],
        "a place in a series of sessions from which on the times are different",
    ),
    (
        "claim",
        &["claims"],
        "a statement of textbooks, as inequalities of two medians. It holds here if the whole interval of each median ratio is above its limit",
    ),
    (
        "closeness",
        &["lost"],
        "the best possible time ÷ the median: 100% is optimal",
    ),
    (
        "context switch",
        &["cost"],
        "a worker leaves its core: voluntarily if it waits, involuntarily if the system lets another thread run",
    ),
    (
        "contention (σ)",
        &["scaling"],
        "the share of the work that only one worker at a time can do, in the Universal Scalability Law",
    ),
    (
        "crosstalk (κ)",
        &["scaling"],
        "what each pair of workers costs, as a share of the work of one, in the Universal Scalability Law",
    ),
    (
        "digest",
        &["trust"],
        "a number computed from the outputs of all tasks. Every sample must have the digest of a serial run",
    ),
    (
        "efficiency",
        &["scaling"],
        "speed-up ÷ number of workers: 100% is ideal",
    ),
    (
        "family",
        &["families"],
        "what the workers of a backend are: one thread, threads, an event loop (async), or processes",
    ),
    (
        "foreign load",
        &["lost", "trust"],
        "CPU time used by everything else on the machine ÷ (wall time × cores). From 5% on, a case counts as disturbed",
    ),
    (
        "idle CPU time",
        &["cost"],
        "CPU time of a run beyond what a plain loop of the same language needs for the same tasks: spinning, waking and scheduling",
    ),
    (
        "interval",
        ABOUT_CASES,
        "the 95% confidence interval of a median or a ratio. It is exact, makes no assumption about the distribution, and needs at least six samples",
    ),
    (
        "limit",
        &["families"],
        "the backend `static`: tasks are assigned to workers before the clock starts, and workers spin. It shows what the machine can do, is no choice, and never wins",
    ),
    (
        "median",
        ABOUT_CASES,
        "the middle time of one run of the whole graph, over all samples. The time to start the workers is not included",
    ),
    (
        "METG",
        &["metg"],
        "minimum effective task granularity: the smallest task size at which a backend reaches the target efficiency",
    ),
    (
        "overhead per task",
        &["overhead"],
        "(median × workers − the median of the plain loop) ÷ tasks: the worker time that a task costs in addition to its work. It is negative if waits overlap",
    ),
    (
        "p99",
        &["tail"],
        "the 99th percentile: 99% of all times do not exceed it. A percentile with fewer than ten times above it is not shown",
    ),
    (
        "pair",
        &["worse", "claims"],
        "a measurement of each side, one right after the other",
    ),
    (
        "rank",
        &["backends"],
        "the place of a case among all of its workload, from the fastest. All cases that are tied with the fastest have rank 1",
    ),
    (
        "run",
        ABOUT_CASES,
        "one execution of the whole graph of tasks",
    ),
    (
        "sample",
        ABOUT_CASES,
        "one measurement: one run, or several in a row if one is too short for the clock",
    ),
    (
        "schedule loss",
        &["lost"],
        "how much longer than the bound a simulated greedy schedule takes with the measured durations of the tasks",
    ),
    (
        "slow-down",
        &["families"],
        "the median as a multiple of the best median of the same workload, apart from the limit",
    ),
    (
        "speed-up",
        &["scaling"],
        "the median of the plain loop of the same language ÷ this median",
    ),
    (
        "task",
        ABOUT_CASES,
        "the smallest unit that is scheduled: it is executed once per run, on one worker",
    ),
    (
        "tied",
        &["families", "backends"],
        "the intervals overlap, so these samples cannot tell the cases apart",
    ),
    (
        "utilisation",
        &["cost"],
        "CPU time ÷ (wall time × workers). Spinning counts as busy",
    ),
    (
        "worker",
        ABOUT_CASES,
        "a thread or process that runs tasks. A backend with two workers runs at most two tasks at once",
    ),
    (
        "workload",
        ABOUT_CASES,
        "a graph of tasks and what each task does, and the question that they answer",
    ),
];

/// The words of the views that the page has.
pub(super) fn glossary(page: &Page) -> Vec<GlossaryEntry> {
    let has = |view: &str| match view {
        "metg" => !page.sweeps.is_empty(),
        view => page.questions.contains_key(view),
    };
    let used = WORDS
        .iter()
        .filter(|(_, views, _)| views.iter().any(|view| has(view)));
    let entries = used.map(|(term, _, text)| GlossaryEntry {
        term: (*term).into(),
        text: (*text).into(),
    });
    entries.collect()
}
