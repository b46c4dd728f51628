//! Parses the text of one file into a workload.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use super::kind_table::{Choice, KindTableParser};
use super::pattern_keys::{self, GraphChoice};
use super::pattern_or_kernel::PatternOrKernel;
use super::top_key::{
    CERTIFIED_OPTIMUM, GRAPH, GRAPH_KEYS, GRAPHS, KERNEL, MOST_RETRIES, NAME, ONLY_IF_NAMED,
    PATTERN, RETRIES, TASK_TIMEOUT, TIMEOUT, TOP_KEYS, WHY,
};
use super::{CertifiedOptimum, Workload, graph_key};
use crate::kernel::KernelKind;
use crate::pattern::Pattern;
use crate::registry::Registry;
use crate::toml_file::{Key, Keys, Mistake, SourceFile, not_toml, to_number};

/// A workload, and the place of its name in the file.
pub(super) struct Parsed {
    pub(super) workload: Workload,
    pub(super) name_span: Range<usize>,
}

/// Parses the text of `source`, on a machine with this much memory.
///
/// # Errors
///
/// All independent mistakes; at least one.
pub(super) fn parse(
    source: &SourceFile,
    registry: &Registry,
    memory_bytes: u64,
) -> Result<Parsed, Vec<Mistake>> {
    let table =
        DeTable::parse(&source.text).map_err(|error| vec![not_toml(&source.text, &error)])?;
    let mut file = File {
        keys: Keys::new(table.get_ref(), 0..0, "in this file"),
        folder: source.folder.as_deref(),
        registry,
    };
    let place_of = |key: &str| place_of(key, registry);
    file.keys.refuse_unknown(&TOP_KEYS, "a workload", place_of);
    let name = file.keys.name(&NAME);
    let why = file.keys.line(&WHY);
    let timeout = file.seconds(&TIMEOUT);
    let task_timeout = file.seconds(&TASK_TIMEOUT);
    let retries = file.keys.count(&RETRIES, 0..=MOST_RETRIES);
    let gate_threshold = file.gate_threshold();
    let only_if_named = file.keys.boolean(&ONLY_IF_NAMED);
    let worker_counts = file.worker_counts();
    let graphs = file.graphs();
    let kernels = file.kernels();
    let outputs = file.outputs();
    let certified_optimum = file.certified_optimum();
    file.refuse_what_does_not_fit(&graphs, &kernels, &outputs, memory_bytes);
    file.refuse_kernels_that_do_not_fit(&kernels, memory_bytes);
    file.refuse_missing_durations(&graphs, &kernels);
    if certified_optimum.is_some() {
        file.refuse_an_optimum_of_unknown_durations(&kernels);
        file.refuse_one_optimum_of_several(&graphs, &kernels);
    }
    let notes = graphs.iter().flat_map(|graph| graph.notes.iter().cloned());
    let notes = notes.collect();
    let variants = file.variants(&graphs, &kernels, &outputs);
    file.keys.mistakes.sort_by_key(Mistake::offset);

    match (name, why) {
        (Some((name, name_span)), Some(why)) if file.keys.mistakes.is_empty() => Ok(Parsed {
            workload: Workload {
                name,
                why,
                timeout,
                task_timeout,
                retries: retries.map(|count| count as u32),
                certified_optimum,
                gate_threshold,
                only_if_named: only_if_named.unwrap_or(false),
                worker_counts,
                notes,
                variants,
            },
            name_span,
        }),
        _ => Err(file.keys.mistakes),
    }
}

/// A file that is being parsed, and the mistakes so far.
pub(super) struct File<'a> {
    pub(super) keys: Keys<'a>,
    /// The folder that contains it; `None` if it is built into the program.
    folder: Option<&'a Path>,
    pub(super) registry: &'a Registry,
}

impl<'a> File<'a> {
    fn seconds(&mut self, key: &Key) -> Option<Duration> {
        // A timeout under a millisecond is too short to be useful, and one over a year is practically none.
        const SECONDS: std::ops::RangeInclusive<f64> = 0.001..=365.0 * 24.0 * 3600.0;
        let value = self.keys.table.get(key.name)?;
        match to_number(value.get_ref()) {
            Some(seconds) if SECONDS.contains(&seconds) => Some(Duration::from_secs_f64(seconds)),
            _ => {
                let expected = "expected a number of seconds, at least 0.001 and at most a year";
                let help = format!(
                    "write it like `{}`, or leave it out for the default",
                    key.example
                );
                self.keys.refuse(key, value, expected, help);
                None
            }
        }
    }

    /// All graphs of the file; empty if there is a mistake.
    fn graphs(&mut self) -> Vec<GraphChoice> {
        let table = self.keys.table;
        let mut given = GRAPH_KEYS.iter().filter_map(|key| {
            let value = table.get(key.name)?;
            Some((key.name, value))
        });
        let (first, second) = (given.next(), given.next());
        if let (Some((first, one)), Some((second, other))) = (first, second) {
            let mistake = Mistake::new(
                format!("`{first}` and `{second}` both define the graph"),
                "remove one of the two; to run both at the same time, put both into `graphs = [..]`",
            );
            let mistake = mistake
                .at(one.span(), "one here")
                .at(other.span(), "another here");
            self.keys.mistakes.push(mistake);
            return Vec::new();
        }
        match first {
            Some((name, value)) if name == GRAPHS.name => {
                let several = pattern_keys::several(value, self.registry, &mut self.keys.mistakes);
                several.into_iter().collect()
            }
            Some((name, value)) if name == GRAPH.name => {
                graph_key::files(value, self.folder, &mut self.keys.mistakes)
            }
            Some((_, value)) => {
                pattern_keys::pattern(value, self.registry, &mut self.keys.mistakes)
            }
            None => {
                // A misspelt key has already been reported.
                if !GRAPH_KEYS.iter().any(|key| self.keys.is_meant(key)) {
                    self.keys.required(&PATTERN);
                }
                Vec::new()
            }
        }
    }

    fn certified_optimum(&mut self) -> Option<CertifiedOptimum> {
        let value = self.keys.table.get(CERTIFIED_OPTIMUM.name)?;
        let read = CertifiedOptimum::read(value);
        read.map_err(|mistake| self.keys.mistakes.push(mistake))
            .ok()
    }

    /// All kernels of the file; empty if there is a mistake.
    fn kernels(&mut self) -> Vec<Choice<&'static dyn KernelKind>> {
        let Some(value) = self.keys.required(&KERNEL) else {
            return Vec::new();
        };
        let mut parser = KindTableParser::new(self.registry, KERNEL.example);
        let choices = parser.read(value);
        self.keys.mistakes.append(&mut parser.mistakes);
        choices
    }
}

/// What to do with an unknown key that belongs to `pattern` or `kernel`, because any known pattern or kernel has a
/// parameter with this name; `None` if it belongs to neither.
fn place_of(key: &str, registry: &Registry) -> Option<String> {
    let table = kind_takes::<&'static dyn Pattern>(key, registry)
        .or_else(|| kind_takes::<&'static dyn KernelKind>(key, registry))?;
    Some(format!(
        "it belongs to the {table}: write it between the braces of `{table} = {{ .. }}`"
    ))
}

fn kind_takes<K: PatternOrKernel>(key: &str, registry: &Registry) -> Option<&'static str> {
    let mut known = K::known(registry).iter();
    let takes = |kind: &K| kind.declared().iter().any(|declared| declared.name == key);
    (key == "kind" || known.any(takes)).then_some(K::KEY)
}
