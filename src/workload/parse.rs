//! The text of one file to a workload.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Mistake, did_you_mean, quoted};
use super::graph_side::{self, GraphChoice};
use super::key::{
    GRAPH_KEYS, GRAPHS, KERNEL, NAME, PATTERN, RETRIES, TASK_TIMEOUT, TIMEOUT, TOP_KEYS, TopKey,
    WHY, is_top_key,
};
use super::kind::Kind;
use super::side::{Choice, Side};
use super::size;
use super::value::describe;
use super::{Definition, Variant, Workload};
use crate::kernel::KernelKind;
use crate::pattern::Pattern;
use crate::registry::{Registry, nearest};

/// A workload, and where its name stands.
pub(super) struct Parsed {
    pub(super) workload: Workload,
    pub(super) name_span: Range<usize>,
}

/// The most cases that one workload may stand for. A sweep beyond it would run for hours, and is most
/// likely one list too many.
pub(super) const VARIANTS_MAX: usize = 1000;

/// Reads `text`, on a machine with this much memory.
///
/// # Errors
///
/// All mistakes that do not follow from one another; at least one.
pub(super) fn parse(
    text: &str,
    registry: &Registry,
    memory_bytes: u64,
) -> Result<Parsed, Vec<Mistake>> {
    let table = DeTable::parse(text).map_err(|error| vec![not_toml(&error)])?;
    let mut file = File {
        table: table.get_ref(),
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
    let graphs = file.graphs();
    let kernels = file.kernels();
    file.refuse_what_does_not_fit(&graphs, memory_bytes);
    let variants = file.variants(&graphs, &kernels);
    file.mistakes.sort_by_key(Mistake::offset);

    match (name, why) {
        (Some((name, name_span)), Some(why)) if file.mistakes.is_empty() => Ok(Parsed {
            workload: Workload {
                name,
                why,
                timeout,
                task_timeout,
                retries,
                gate_threshold,
                variants,
            },
            name_span,
        }),
        _ => Err(file.mistakes),
    }
}

fn not_toml(error: &toml::de::Error) -> Mistake {
    let mistake = Mistake::new(
        format!("not valid TOML: {}", error.message()),
        "the rules are at https://toml.io; strings stand in double quotes, numbers do not",
    );
    match error.span() {
        Some(span) => mistake.at(span, "here"),
        None => mistake,
    }
}

/// A file that is being read, and what was found wrong so far.
pub(super) struct File<'a> {
    pub(super) table: &'a DeTable<'a>,
    registry: &'a Registry,
    pub(super) mistakes: Vec<Mistake>,
    /// The keys that were meant by unknown ones. They are reported once, as unknown.
    meant: Vec<&'static str>,
}

impl<'a> File<'a> {
    fn refuse_unknown_keys(&mut self) {
        let unknown = self.table.keys().filter(|key| !is_top_key(key.get_ref()));
        for key in unknown {
            let name = key.get_ref();
            let known = TOP_KEYS.map(|top| top.name);
            let help = match self.side_that_takes(name) {
                Some(side) => {
                    format!("a {side} takes it: write it between the braces of `{side} = {{ .. }}`")
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

    /// The side of which some kind has a parameter of this name.
    fn side_that_takes(&self, key: &str) -> Option<&'static str> {
        side_takes::<&'static dyn Pattern>(key, self.registry)
            .or_else(|| side_takes::<&'static dyn KernelKind>(key, self.registry))
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
        // Written over several lines it is still one line.
        let why = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let problem = if why.is_empty() {
            "`why` is empty"
        } else if why.contains(char::is_control) {
            "`why` holds a control character"
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
        // A task that failed a hundred times over is not going to succeed.
        const MOST: i64 = 100;
        let value = self.table.get(RETRIES.name)?;
        let count = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let count = count.filter(|count| (0..=MOST).contains(count));
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

    fn seconds(&mut self, key: &TopKey) -> Option<Duration> {
        // A millisecond is no time-out that anybody wants; a year is as good as none.
        const SECONDS: std::ops::RangeInclusive<f64> = 0.001..=365.0 * 24.0 * 3600.0;
        let value = self.table.get(key.name)?;
        let seconds = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|seconds| seconds as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        match seconds {
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

    /// All graphs that the file asks for; empty if a mistake was found there.
    fn graphs(&mut self) -> Vec<GraphChoice> {
        let table = self.table;
        let mut given = GRAPH_KEYS.iter().filter_map(|key| {
            let value = table.get(key.name)?;
            Some((key.name, value))
        });
        let (first, second) = (given.next(), given.next());
        if let (Some((first, one)), Some((second, other))) = (first, second) {
            let mistake = Mistake::new(
                format!("`{first}` and `{second}` both say what the graph is"),
                "keep one of the two; for both at once, write both into `graphs = [..]`",
            );
            let mistake = mistake
                .at(one.span(), "one here")
                .at(other.span(), "another here");
            self.mistakes.push(mistake);
            return Vec::new();
        }
        match first {
            Some((name, value)) if name == GRAPHS.name => {
                let several = graph_side::several(value, self.registry, &mut self.mistakes);
                several.into_iter().collect()
            }
            Some((_, value)) => graph_side::pattern(value, self.registry, &mut self.mistakes),
            None => {
                // A misspelt key was reported already.
                if !GRAPH_KEYS.iter().any(|key| self.meant.contains(&key.name)) {
                    self.required(&PATTERN);
                }
                Vec::new()
            }
        }
    }

    /// All kernels that the file asks for; empty if a mistake was found there.
    fn kernels(&mut self) -> Vec<Choice<&'static dyn KernelKind>> {
        let Some(value) = self.required(&KERNEL) else {
            return Vec::new();
        };
        let mut side = Side::new(self.registry, KERNEL.example);
        let choices = side.read(value);
        self.mistakes.append(&mut side.mistakes);
        choices
    }

    fn refuse_what_does_not_fit(&mut self, graphs: &[GraphChoice], memory_bytes: u64) {
        for choice in graphs {
            if let Err(error) = size::check(choice.graph.size(), memory_bytes) {
                self.mistakes.push(choice.too_large(&error));
            }
        }
    }

    /// Every graph with every kernel.
    fn variants(
        &mut self,
        graphs: &[GraphChoice],
        kernels: &[Choice<&'static dyn KernelKind>],
    ) -> Vec<Variant> {
        if graphs.len() * kernels.len() > VARIANTS_MAX {
            let sides = [&PATTERN, &KERNEL].map(|key| self.table.get(key.name));
            let counts = [graphs.len(), kernels.len()];
            let mut mistake = too_many_variants();
            for (value, count) in sides.into_iter().zip(counts) {
                let span = value.map(Spanned::span).unwrap_or_default();
                mistake = mistake.at(span, format!("{count} entries"));
            }
            self.mistakes.push(mistake);
            return Vec::new();
        }
        let pairs = graphs
            .iter()
            .flat_map(|graph| kernels.iter().map(move |kernel| (graph, kernel)));
        pairs
            .map(|(graph, kernel)| Variant {
                label: [&*graph.labels, &*kernel.labels].concat().join(","),
                definition: Definition {
                    graph: graph.graph.clone(),
                    kernel: kernel.kind,
                    kernel_parameters: kernel.parameters.clone(),
                },
            })
            .collect()
    }
}

pub(super) fn too_many_variants() -> Mistake {
    Mistake::new(
        format!("the lists multiply to more than {VARIANTS_MAX} cases"),
        "shorten the lists, or split the workload into several files",
    )
}

fn side_takes<K: Kind>(key: &str, registry: &Registry) -> Option<&'static str> {
    let mut known = K::known(registry).iter();
    let takes = |kind: &K| kind.declared().iter().any(|declared| declared.name == key);
    (key == "kind" || known.any(takes)).then_some(K::SIDE)
}

/// Lower case letters and digits in words joined by single hyphens, a letter first.
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
