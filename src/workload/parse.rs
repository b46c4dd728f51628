//! Parses the text of one file into a workload.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::kind_table::{Choice, KindTableParser};
use super::mistake::{Mistake, quoted};
use super::pattern_keys::{self, GraphChoice};
use super::pattern_or_kernel::PatternOrKernel;
use super::top_key::{
    CERTIFIED_OPTIMUM, GRAPH, GRAPH_KEYS, GRAPHS, KERNEL, NAME, ONLY_IF_NAMED, PATTERN, RETRIES,
    TASK_TIMEOUT, TIMEOUT, TOP_KEYS, TopKey, WHY, is_top_key,
};
use super::value::{describe, to_count, to_number};
use super::{CertifiedOptimum, Workload, graph_key};
use crate::kernel::KernelKind;
use crate::pattern::Pattern;
use crate::registry::{Registry, did_you_mean, nearest};

/// The text of one workload file.
pub(super) struct SourceFile {
    /// The given path, for messages.
    pub(super) name: String,
    /// The folder that contains it; `None` if it is built into the program.
    pub(super) folder: Option<PathBuf>,
    pub(super) text: String,
}

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
        table: table.get_ref(),
        folder: source.folder.as_deref(),
        registry,
        mistakes: Vec::new(),
        meant: Vec::new(),
    };
    file.refuse_unknown_keys();
    let name = file.name();
    let why = file.why();
    let timeout = file.seconds(&TIMEOUT);
    let task_timeout = file.seconds(&TASK_TIMEOUT);
    let retries = file.retries();
    let gate_threshold = file.gate_threshold();
    let only_if_named = file.only_if_named();
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
    file.mistakes.sort_by_key(Mistake::offset);

    match (name, why) {
        (Some((name, name_span)), Some(why)) if file.mistakes.is_empty() => Ok(Parsed {
            workload: Workload {
                name,
                why,
                timeout,
                task_timeout,
                retries,
                certified_optimum,
                gate_threshold,
                only_if_named,
                notes,
                variants,
            },
            name_span,
        }),
        _ => Err(file.mistakes),
    }
}

fn not_toml(text: &str, error: &toml::de::Error) -> Mistake {
    let message = format!("not valid TOML: {}", error.message());
    let Some(span) = error.span() else {
        let help =
            "tables are nested more deeply than any workload needs: is this another kind of file?";
        return Mistake::new(message, help).at(deepest_key(text), "most likely here");
    };
    let help =
        "the rules are at https://toml.io; strings need double quotes, and numbers have none";
    Mistake::new(message, help).at(span, "here")
}

/// The beginning of the line with the most dots. The parser gives no place only for a key with too many parts.
fn deepest_key(text: &str) -> Range<usize> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let place = start..start + 1;
        start += line.len();
        (line.matches('.').count(), place)
    });
    let deepest = lines.max_by_key(|(dot_count, _)| *dot_count);
    deepest.map_or(0..0, |(_, place)| place)
}

/// A file that is being parsed, and the mistakes so far.
pub(super) struct File<'a> {
    pub(super) table: &'a DeTable<'a>,
    /// The folder that contains it; `None` if it is built into the program.
    folder: Option<&'a Path>,
    pub(super) registry: &'a Registry,
    pub(super) mistakes: Vec<Mistake>,
    /// The keys that were probably meant by unknown ones. Only the unknown key is reported, not that the other is
    /// missing.
    meant: Vec<&'static str>,
}

impl<'a> File<'a> {
    fn refuse_unknown_keys(&mut self) {
        let unknown = self.table.keys().filter(|key| !is_top_key(key.get_ref()));
        for key in unknown {
            let name = key.get_ref();
            let known = TOP_KEYS.map(|top| top.name);
            let help = match self.table_that_takes(name) {
                Some(table) => {
                    format!(
                        "it belongs to the {table}: write it between the braces of `{table} = {{ .. }}`"
                    )
                }
                None => {
                    let near = nearest(name, known);
                    self.meant.extend(near);
                    format!("{}known keys: {}", did_you_mean(near), known.join(", "))
                }
            };
            let mistake = Mistake::new(format!("unknown key {}", quoted(name)), help);
            self.mistakes
                .push(mistake.at(key.span(), "not a key of a workload"));
        }
    }

    /// `pattern` or `kernel`, if any known pattern or kernel has a parameter with this name.
    fn table_that_takes(&self, key: &str) -> Option<&'static str> {
        kind_takes::<&'static dyn Pattern>(key, self.registry)
            .or_else(|| kind_takes::<&'static dyn KernelKind>(key, self.registry))
    }

    fn name(&mut self) -> Option<(String, Range<usize>)> {
        let (name, span) = self.text(&NAME)?;
        if is_kebab_case(&name) {
            return Some((name, span));
        }
        let kebab = to_kebab_case(&name);
        let help = if is_kebab_case(&kebab) {
            format!("write `name = \"{kebab}\"`")
        } else {
            format!("write it like `{}`", NAME.example)
        };
        let mistake = Mistake::new(format!("`name` cannot be {}", quoted(&name)), help);
        let expected = "expected lower case letters and digits in words joined by `-`";
        self.mistakes.push(mistake.at(span, expected));
        None
    }

    fn why(&mut self) -> Option<String> {
        let (text, span) = self.text(&WHY)?;
        // A string over several lines becomes one line.
        let why = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let problem = if why.is_empty() {
            "`why` is empty"
        } else if why.contains(char::is_control) {
            "`why` contains a control character"
        } else {
            return Some(why);
        };
        let help = format!("write it like `{}`", WHY.example);
        let mistake = Mistake::new(problem, help).at(span, "expected a line of text");
        self.mistakes.push(mistake);
        None
    }

    /// The string under a required key.
    fn text(&mut self, key: &TopKey) -> Option<(String, Range<usize>)> {
        let value = self.required(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            other => {
                let mistake = Mistake::new(
                    format!("`{}` cannot be {}", key.name, describe(other)),
                    format!("write it like `{}`", key.example),
                );
                self.mistakes
                    .push(mistake.at(value.span(), "expected a string in double quotes"));
                None
            }
        }
    }

    fn required(&mut self, key: &TopKey) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.table.get(key.name);
        if value.is_none() && !self.meant.contains(&key.name) {
            let mistake = Mistake::new(
                format!("`{}` is missing", key.name),
                format!("add a line `{}`", key.example),
            );
            self.mistakes.push(mistake.at(0..0, "in this file"));
        }
        value
    }

    fn retries(&mut self) -> Option<u32> {
        // A task that has failed a hundred times will not succeed.
        const MOST: u64 = 100;
        let value = self.table.get(RETRIES.name)?;
        let count = to_count(value.get_ref()).filter(|count| *count <= MOST);
        if count.is_none() {
            let mistake = Mistake::new(
                format!("`retries` cannot be {}", describe(value.get_ref())),
                format!(
                    "write it like `{}`, or leave it out for the default",
                    RETRIES.example
                ),
            );
            let expected = format!("expected a whole number from 0 to {MOST}");
            self.mistakes.push(mistake.at(value.span(), expected));
        }
        count.map(|count| count as u32)
    }

    fn only_if_named(&mut self) -> bool {
        let Some(value) = self.table.get(ONLY_IF_NAMED.name) else {
            return false;
        };
        if let DeValue::Boolean(is_so) = value.get_ref() {
            return *is_so;
        }
        let mistake = Mistake::new(
            format!("`only_if_named` cannot be {}", describe(value.get_ref())),
            format!("write it like `{}`, or leave it out", ONLY_IF_NAMED.example),
        );
        self.mistakes
            .push(mistake.at(value.span(), "expected true or false"));
        false
    }

    fn seconds(&mut self, key: &TopKey) -> Option<Duration> {
        // A timeout under a millisecond is too short to be useful, and one over a year is practically none.
        const SECONDS: std::ops::RangeInclusive<f64> = 0.001..=365.0 * 24.0 * 3600.0;
        let value = self.table.get(key.name)?;
        match to_number(value.get_ref()) {
            Some(seconds) if SECONDS.contains(&seconds) => Some(Duration::from_secs_f64(seconds)),
            _ => {
                let mistake = Mistake::new(
                    format!("`{}` cannot be {}", key.name, describe(value.get_ref())),
                    format!(
                        "write it like `{}`, or leave it out for the default",
                        key.example
                    ),
                );
                let expected = "expected a number of seconds, at least 0.001 and at most a year";
                self.mistakes.push(mistake.at(value.span(), expected));
                None
            }
        }
    }

    /// All graphs of the file; empty if there is a mistake.
    fn graphs(&mut self) -> Vec<GraphChoice> {
        let table = self.table;
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
            self.mistakes.push(mistake);
            return Vec::new();
        }
        match first {
            Some((name, value)) if name == GRAPHS.name => {
                let several = pattern_keys::several(value, self.registry, &mut self.mistakes);
                several.into_iter().collect()
            }
            Some((name, value)) if name == GRAPH.name => {
                graph_key::files(value, self.folder, &mut self.mistakes)
            }
            Some((_, value)) => pattern_keys::pattern(value, self.registry, &mut self.mistakes),
            None => {
                // A misspelt key has already been reported.
                if !GRAPH_KEYS.iter().any(|key| self.meant.contains(&key.name)) {
                    self.required(&PATTERN);
                }
                Vec::new()
            }
        }
    }

    fn certified_optimum(&mut self) -> Option<CertifiedOptimum> {
        let value = self.table.get(CERTIFIED_OPTIMUM.name)?;
        let read = CertifiedOptimum::read(value);
        read.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// All kernels of the file; empty if there is a mistake.
    fn kernels(&mut self) -> Vec<Choice<&'static dyn KernelKind>> {
        let Some(value) = self.required(&KERNEL) else {
            return Vec::new();
        };
        let mut parser = KindTableParser::new(self.registry, KERNEL.example);
        let choices = parser.read(value);
        self.mistakes.append(&mut parser.mistakes);
        choices
    }
}

fn kind_takes<K: PatternOrKernel>(key: &str, registry: &Registry) -> Option<&'static str> {
    let mut known = K::known(registry).iter();
    let takes = |kind: &K| kind.declared().iter().any(|declared| declared.name == key);
    (key == "kind" || known.any(takes)).then_some(K::KEY)
}

/// Whether a name consists of words of lower case letters and digits, joined by single hyphens, and begins with a
/// letter.
fn is_kebab_case(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(is_word)
}

fn to_kebab_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}
