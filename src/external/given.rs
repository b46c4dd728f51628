//! The values that a file gives for one backend, or for all of its backends.

use super::claim::{ALL_KINDS, ClaimedKernel, Lack};
use super::existing::Existing;
use super::key::{
    COMMAND, DEFAULT_WORKLOADS, FAMILY, KERNELS, KINDS, LACKS, NEEDS, OPTION_KEYS, OPTION_NAME,
    OPTION_VALUES, OPTION_WHY, OPTIONS, PAYLOAD, SHAPES, WAITS_PER_WORKER, WARMUP_RUNS, WHY,
    WORKERS,
};
use super::lists::{Least, Word, known_words, named_texts, refuse_repeated, tables, texts, words};
use super::need::NeededProgram;
use super::places;
use super::{External, Files, kept};
use crate::backend::{Family, MOST_WORKERS};
use crate::diagnostic::{did_you_mean, nearest};
use crate::kernel::KernelKind;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Value, is_well_formed_name};
use crate::toml_file::{Keys, Mistake, quoted, to_count};

/// The largest number of runs of a warm-up, and of tasks that wait on one worker.
const MOST: u64 = u32::MAX as u64;

/// The values of a table.
#[derive(Clone)]
pub(super) struct Given {
    why: Option<String>,
    family: Option<Family>,
    command: Option<Vec<String>>,
    kernels: Option<Vec<ClaimedKernel>>,
    lacks: Vec<Lack>,
    kinds: Option<Vec<String>>,
    options: Option<&'static [Parameter]>,
    worker_count: Option<u64>,
    waits_per_worker: Option<Waits>,
    has_payload: Option<bool>,
    has_shapes: Option<bool>,
    needs: Vec<NeededProgram>,
    warmup_run_count: Option<u64>,
    default_workloads: Option<Vec<String>>,
}

/// How many tasks that only wait a worker can have at once.
#[derive(Clone, Copy)]
enum Waits {
    Unlimited,
    UpTo(usize),
}

impl Given {
    /// Reads all values of a table that are there.
    pub(super) fn read(keys: &mut Keys<'_>, known: &Existing<'_>) -> Self {
        let has_why = keys.table.contains_key(WHY.name);
        Self {
            why: has_why.then(|| keys.line(&WHY)).flatten(),
            family: family(keys),
            command: command(keys),
            kernels: claimed_kernels(keys, known.kernels),
            lacks: lacks(keys, known.kernels),
            kinds: kinds(keys),
            options: options(keys),
            worker_count: keys.count(&WORKERS, 1..=MOST_WORKERS.into()),
            waits_per_worker: waits_per_worker(keys),
            has_payload: keys.boolean(&PAYLOAD),
            has_shapes: keys.boolean(&SHAPES),
            needs: needs(keys),
            warmup_run_count: keys.count(&WARMUP_RUNS, 0..=MOST),
            default_workloads: default_workloads(keys, known),
        }
    }

    /// These values, and those of `defaults` for the rest.
    pub(super) fn or(self, defaults: &Self) -> Self {
        let defaults = defaults.clone();
        Self {
            why: self.why.or(defaults.why),
            family: self.family.or(defaults.family),
            command: self.command.or(defaults.command),
            kernels: self.kernels.or(defaults.kernels),
            // The first reason counts.
            lacks: [self.lacks, defaults.lacks].concat(),
            kinds: self.kinds.or(defaults.kinds),
            options: self.options.or(defaults.options),
            worker_count: self.worker_count.or(defaults.worker_count),
            waits_per_worker: self.waits_per_worker.or(defaults.waits_per_worker),
            has_payload: self.has_payload.or(defaults.has_payload),
            has_shapes: self.has_shapes.or(defaults.has_shapes),
            needs: [self.needs, defaults.needs].concat(),
            warmup_run_count: self.warmup_run_count.or(defaults.warmup_run_count),
            default_workloads: self.default_workloads.or(defaults.default_workloads),
        }
    }

    /// The backend of this name; `None` if a required value is missing.
    pub(super) fn external(self, name: String, files: Files) -> Option<External> {
        Some(External {
            name: kept(name.into_boxed_str()),
            why: kept(self.why?.into_boxed_str()),
            family: self.family?,
            command: self.command?,
            files,
            kernels: self.kernels?,
            lacks: self.lacks,
            kinds: self.kinds.unwrap_or_else(|| vec!["graph".into()]),
            options: self.options.unwrap_or_default(),
            worker_count: self.worker_count.map(|count| count as usize),
            waits_per_worker: match self.waits_per_worker {
                None => Some(1),
                Some(Waits::UpTo(count)) => Some(count),
                Some(Waits::Unlimited) => None,
            },
            has_payload: self.has_payload.unwrap_or(false),
            has_shapes: self.has_shapes.unwrap_or(false),
            needs: self.needs,
            warmup_run_count: self.warmup_run_count.unwrap_or(0),
            default_workloads: self.default_workloads,
        })
    }
}

fn family(keys: &mut Keys<'_>) -> Option<Family> {
    let value = keys.table.get(FAMILY.name)?;
    let word = value.get_ref().as_str();
    let named = word.and_then(Family::named);
    if named.is_none() {
        let names = Family::ALL.map(Family::name);
        let near = word.and_then(|word| nearest(word, names));
        let help = format!("{}write it like `{}`", did_you_mean(near), FAMILY.example);
        let expected = format!("expected one of \"{}\"", names.join("\", \""));
        keys.refuse(&FAMILY, value, expected, help);
    }
    named
}

fn command(keys: &mut Keys<'_>) -> Option<Vec<String>> {
    let words = words(keys, &COMMAND, Least::One)?;
    keys.mistakes.extend(places::mistakes(words.iter()));
    Some(texts(words))
}

fn needs(keys: &mut Keys<'_>) -> Vec<NeededProgram> {
    let named = named_texts(keys, &NEEDS).into_iter();
    let need = |((program, _), remedy): (Word, String)| NeededProgram { program, remedy };
    named.map(need).collect()
}

fn kinds(keys: &mut Keys<'_>) -> Option<Vec<String>> {
    let words = words(keys, &KINDS, Least::One)?;
    known_words(keys, &words, "kind of work", &ALL_KINDS);
    Some(texts(words))
}

fn default_workloads(keys: &mut Keys<'_>, known: &Existing<'_>) -> Option<Vec<String>> {
    let words = words(keys, &DEFAULT_WORKLOADS, Least::None)?;
    if let Some(workloads) = known.workloads {
        let names: Vec<&str> = workloads.iter().map(String::as_str).collect();
        known_words(keys, &words, "workload", &names);
    }
    Some(texts(words))
}

fn waits_per_worker(keys: &mut Keys<'_>) -> Option<Waits> {
    const UNLIMITED: &str = "unlimited";
    let value = keys.table.get(WAITS_PER_WORKER.name)?;
    let waits = match value.get_ref().as_str() {
        Some(word) => (word == UNLIMITED).then_some(Waits::Unlimited),
        None => to_count(value.get_ref())
            .filter(|count| (1..=MOST).contains(count))
            .map(|count| Waits::UpTo(count as usize)),
    };
    if waits.is_none() {
        let expected = format!("expected a whole number from 1 to {MOST}, or {UNLIMITED:?}");
        let help = format!("write it like `{}`", WAITS_PER_WORKER.example);
        keys.refuse(&WAITS_PER_WORKER, value, expected, help);
    }
    waits
}

fn claimed_kernels(
    keys: &mut Keys<'_>,
    known: &[&'static dyn KernelKind],
) -> Option<Vec<ClaimedKernel>> {
    let words = words(keys, &KERNELS, Least::One)?.into_iter();
    let claimed = words.map(|word| claimed_kernel(word, known));
    Some(without_mistakes(keys, claimed))
}

fn lacks(keys: &mut Keys<'_>, known: &[&'static dyn KernelKind]) -> Vec<Lack> {
    let named = named_texts(keys, &LACKS).into_iter();
    let lacks =
        named.map(|(word, why)| claimed_kernel(word, known).map(|kernel| Lack { kernel, why }));
    without_mistakes(keys, lacks)
}

/// What could be read. The mistakes of the rest are reported.
fn without_mistakes<T>(
    keys: &mut Keys<'_>,
    all: impl Iterator<Item = Result<T, Mistake>>,
) -> Vec<T> {
    let mistaken = |one: Result<T, Mistake>| one.map_err(|mistake| keys.mistakes.push(mistake));
    all.flat_map(mistaken).collect()
}

/// Reads `NAME`, or `NAME/PARAMETER=VALUE` with one or more values.
fn claimed_kernel(
    (text, span): Word,
    known: &[&'static dyn KernelKind],
) -> Result<ClaimedKernel, Mistake> {
    let mut parts = text.split('/');
    let name = parts.next().unwrap_or_default();
    let Some(kernel) = known.iter().find(|kernel| kernel.name() == name) else {
        let names: Vec<_> = known.iter().map(|kernel| kernel.name()).collect();
        let near = did_you_mean(nearest(name, names.iter().copied()));
        let help = format!("{near}known: {}", names.join(", "));
        let message = format!("there is no kernel {}", quoted(name));
        return Err(Mistake::new(message, help).at(span, "expected the name of a kernel"));
    };
    let value = |part: &str| {
        only_with(part, kernel.parameters()).map_err(|help| {
            let message = format!("the kernel `{name}` has no {}", quoted(part));
            let expected = "expected one of its parameters with a value";
            Mistake::new(message, help).at(span.clone(), expected)
        })
    };
    Ok(ClaimedKernel {
        name: name.into(),
        only_with: parts.map(value).collect::<Result<_, _>>()?,
    })
}

/// Reads `PARAMETER=VALUE`; what to do if it cannot.
fn only_with(text: &str, declared: &[Parameter]) -> Result<(String, Value), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(format!("write it like `{}`", KERNELS.example));
    };
    let names = declared.iter().map(|one| one.name);
    let Some(parameter) = declared.iter().find(|one| one.name == name) else {
        let near = did_you_mean(nearest(name, names.clone()));
        let known: Vec<_> = names.collect();
        return Err(format!("{near}its parameters: {}", known.join(", ")));
    };
    let value = parameter.accept_text(value);
    let value = value.ok_or_else(|| format!("`{name}` is {}", parameter.expected()))?;
    Ok((name.into(), value))
}

fn options(keys: &mut Keys<'_>) -> Option<&'static [Parameter]> {
    let tables = tables(keys, &OPTIONS, Least::None)?;
    let mut options = Vec::new();
    let mut names = Vec::new();
    for (table, span) in tables {
        let mut entry = Keys::new(table, span, "in this option");
        entry.refuse_unknown(&OPTION_KEYS, "an option", |_| None);
        if let Some(option) = option(&mut entry) {
            let span = table[OPTION_NAME.name].span();
            names.push((option.name.to_owned(), span));
            options.push(option);
        }
        keys.mistakes.append(&mut entry.mistakes);
    }
    refuse_repeated(keys, &names, "option of this name");
    Some(kept(options.into_boxed_slice()))
}

/// The name of an option, which the command line and the ids of cases must be able to hold.
fn option_name(keys: &mut Keys<'_>) -> Option<String> {
    let name = keys.line(&OPTION_NAME)?;
    if is_well_formed_name(&name) {
        return Some(name);
    }
    let value = &keys.table[OPTION_NAME.name];
    let expected = "expected ASCII letters, digits, `-`, `_` and `.`, beginning with a letter";
    let help = format!("write it like `{}`", OPTION_NAME.example);
    keys.refuse(&OPTION_NAME, value, expected, help);
    None
}

/// Reads an option. Its first value is the default.
fn option(keys: &mut Keys<'_>) -> Option<Parameter> {
    let name = option_name(keys);
    let why = keys.line(&OPTION_WHY);
    keys.required(&OPTION_VALUES);
    let values = words(keys, &OPTION_VALUES, Least::One)?;
    refuse_repeated(keys, &values, "value like this");
    let values: Vec<&'static str> = texts(values)
        .into_iter()
        .map(|value| kept(value.into_boxed_str()))
        .collect();
    Some(Parameter {
        name: kept(name?.into_boxed_str()),
        why: kept(why?.into_boxed_str()),
        default: Some(DefaultValue::Text(values[0])),
        kind: ParameterKind::Choice(kept(values.into_boxed_slice())),
    })
}
