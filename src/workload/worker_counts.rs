//! The key `workers` of a file: the numbers of workers to run with.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::kind_table::KindTableParser;
use super::parse::File;
use super::top_key::WORKERS;
use crate::backend::{Family, MOST_WORKERS};
use crate::diagnostic::{did_you_mean, nearest};
use crate::toml_file::{Entry, Mistake, describe, quoted, to_count};

/// The word for the number of usable cores.
const CORES: &str = "cores";

/// The numbers of workers that a workload file gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerCounts {
    /// The same for all backends.
    Any(Vec<WorkerCount>),
    /// One list per family of backends, by its name. The file does not say what other families run with.
    ByFamily(BTreeMap<&'static str, Vec<WorkerCount>>),
}

/// A number of workers in a workload file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerCount {
    /// The number of usable cores.
    Cores,
    /// This number.
    Number(u32),
}

impl WorkerCounts {
    /// The numbers for backends of `family` on a machine with this many usable cores, sorted and without duplicates;
    /// `None` if the file does not say.
    pub(crate) fn of(&self, family: Family, core_count: u32) -> Option<Vec<u32>> {
        let counts = match self {
            Self::Any(counts) => counts,
            Self::ByFamily(families) => families.get(family.name())?,
        };
        let numbers = counts.iter().map(|count| match count {
            WorkerCount::Cores => core_count,
            WorkerCount::Number(number) => *number,
        });
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }
}

/// As in a workload file: `[1, "cores", 8]`.
impl std::fmt::Display for WorkerCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |counts: &[WorkerCount]| {
            let words: Vec<String> = counts.iter().map(WorkerCount::to_string).collect();
            format!("[{}]", words.join(", "))
        };
        match self {
            Self::Any(counts) => f.write_str(&list(counts)),
            Self::ByFamily(families) => {
                let families = families.iter();
                let lists: Vec<String> = families
                    .map(|(family, counts)| format!("{family} = {}", list(counts)))
                    .collect();
                write!(f, "{{ {} }}", lists.join(", "))
            }
        }
    }
}

impl std::fmt::Display for WorkerCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cores => write!(f, "\"{CORES}\""),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl File<'_> {
    /// The numbers of workers; `None` if the file has none, or if there is a mistake.
    pub(super) fn worker_counts(&mut self) -> Option<WorkerCounts> {
        let value = self.keys.table.get(WORKERS.name)?;
        let mut parser = KindTableParser::new(self.registry, WORKERS.example);
        let counts = match value.get_ref() {
            DeValue::Table(table) => by_family(&mut parser, table, value.span()),
            _ => WorkerCounts::Any(list(&mut parser, WORKERS.name, value)),
        };
        let is_valid = parser.mistakes.is_empty();
        self.keys.mistakes.append(&mut parser.mistakes);
        is_valid.then_some(counts)
    }
}

/// The numbers in a table with one list per family.
fn by_family(
    parser: &mut KindTableParser<'_>,
    table: &DeTable<'_>,
    span: Range<usize>,
) -> WorkerCounts {
    let mut families = BTreeMap::new();
    if table.is_empty() {
        let mistake = Mistake::new("`workers` is an empty table", help());
        let expected = "expected at least one family of backends";
        parser.mistakes.push(mistake.at(span, expected));
    }
    for (key, counts) in table {
        match Family::named(key.get_ref()) {
            Some(family) => {
                let counts = list(parser, family.name(), counts);
                families.insert(family.name(), counts);
            }
            None => parser.mistakes.push(no_family(key.get_ref(), key.span())),
        }
    }
    WorkerCounts::ByFamily(families)
}

/// The mistake that no family has this name.
fn no_family(name: &str, span: Range<usize>) -> Mistake {
    let families = Family::ALL.map(Family::name);
    let near = nearest(name, families);
    let help = format!(
        "{}known families: {}",
        did_you_mean(near),
        families.join(", ")
    );
    let message = format!("unknown key {}", quoted(name));
    Mistake::new(message, help).at(span, "not a family of backends")
}

/// The numbers in `value`, which is one number or a list. Entries with a mistake are reported and omitted.
fn list(parser: &mut KindTableParser<'_>, key: &str, value: &Entry<'_>) -> Vec<WorkerCount> {
    let (entries, _) = parser.entries(key, value);
    let mut counts: Vec<(WorkerCount, Range<usize>)> = Vec::new();
    for entry in entries {
        match count(entry.get_ref()) {
            Some(count) if parser.is_repeated(&counts, &count, entry.span()) => {}
            Some(count) => counts.push((count, entry.span())),
            None => {
                let message = format!("`{key}` cannot be {}", describe(entry.get_ref()));
                let expected =
                    format!("expected a number from 1 to {MOST_WORKERS}, or \"{CORES}\"");
                let mistake = Mistake::new(message, help()).at(entry.span(), expected);
                parser.mistakes.push(mistake);
            }
        }
    }
    counts.into_iter().map(|(count, _)| count).collect()
}

fn count(value: &DeValue<'_>) -> Option<WorkerCount> {
    if let DeValue::String(word) = value {
        return (word == CORES).then_some(WorkerCount::Cores);
    }
    let number = u32::try_from(to_count(value)?).ok()?;
    let is_valid = (1..=MOST_WORKERS).contains(&number);
    is_valid.then_some(WorkerCount::Number(number))
}

fn help() -> String {
    format!(
        "write it like `{}` or `{} = {{ threads = [100] }}`, or leave it out for 1 and the number of usable cores",
        WORKERS.example, WORKERS.name
    )
}
