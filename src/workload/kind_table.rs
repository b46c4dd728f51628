//! The keys `pattern` and `kernel` of a file. Their value is a table with a `kind` and its parameters, a list of such
//! tables, or a table that contains lists.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::limit::{VARIANTS_MAX, too_many_variants};
use super::pattern_or_kernel::PatternOrKernel;
use super::top_key::is_top_key;
use crate::diagnostic::{did_you_mean, nearest};
use crate::parameter::{Parameter, Parameters, Value};
use crate::registry::Registry;
use crate::toml_file::{Entry, Mistake, describe, explain, invalid, quoted, to_value};

/// One pattern or kernel of a sweep, with its parameters.
pub(super) struct Choice<K> {
    pub(super) kind: K,
    pub(super) parameters: Parameters,
    /// The labels `key=value` that distinguish it from the other choices.
    pub(super) labels: Vec<String>,
    /// The places of the parameters that the file states.
    pub(super) spans: BTreeMap<&'static str, Range<usize>>,
    /// The place of its table.
    pub(super) table_span: Range<usize>,
    /// Whether its kind, or its whole table, is an entry of a list.
    is_kind_swept: bool,
    /// The parameters whose value is an entry of a list.
    swept: Vec<&'static str>,
}

/// Parses the `pattern` or the `kernel` of a file, and collects mistakes.
pub(super) struct KindTableParser<'a> {
    registry: &'a Registry,
    /// An example, for messages.
    example: &'static str,
    pub(super) mistakes: Vec<Mistake>,
}

/// The values of one key in a sweep.
pub(super) struct ParameterValues {
    parameter: &'static Parameter,
    pub(super) values: Vec<(Value, Range<usize>)>,
    pub(super) is_swept: bool,
}

impl<'a> KindTableParser<'a> {
    pub(super) fn new(registry: &'a Registry, example: &'static str) -> Self {
        Self {
            registry,
            example,
            mistakes: Vec::new(),
        }
    }

    /// All choices in `value`; empty if there is a mistake.
    pub(super) fn read<K: PatternOrKernel>(&mut self, value: &Entry<'_>) -> Vec<Choice<K>> {
        let (entries, is_list) = self.entries(K::KEY, value);
        let mut choices: Vec<Choice<K>> = Vec::new();
        for entry in entries {
            let DeValue::Table(table) = entry.get_ref() else {
                self.not_a_table::<K>(entry);
                continue;
            };
            self.read_table(table, entry.span(), is_list, &mut choices);
            if choices.len() > VARIANTS_MAX {
                self.mistakes
                    .push(too_many_variants().at(value.span(), "in this list"));
                break;
            }
        }
        if self.mistakes.is_empty() {
            self.refuse_identical(&choices);
        }
        if !self.mistakes.is_empty() {
            return Vec::new();
        }
        label(&mut choices);
        choices
    }

    /// The entries of `value` if it is a list, otherwise `value` itself; and whether it is a list.
    pub(super) fn entries<'v, 'i>(
        &mut self,
        key: &str,
        value: &'v Entry<'i>,
    ) -> (Vec<&'v Entry<'i>>, bool) {
        let DeValue::Array(list) = value.get_ref() else {
            return (vec![value], false);
        };
        if list.is_empty() {
            let mistake = Mistake::new(
                format!("`{key}` is an empty list"),
                "a list makes one case per entry, so an empty list makes none: add an entry, or \
                 write one value without brackets",
            );
            self.mistakes
                .push(mistake.at(value.span(), "expected at least one entry"));
        }
        if list.len() > VARIANTS_MAX {
            let entries = format!("{} entries", list.len());
            self.mistakes
                .push(too_many_variants().at(value.span(), entries));
            return (Vec::new(), true);
        }
        (list.iter().collect(), true)
    }

    fn not_a_table<K: PatternOrKernel>(&mut self, entry: &Entry<'_>) {
        let help = match entry.get_ref() {
            DeValue::String(name) if K::find(self.registry, name).is_some() => {
                format!("write `{} = {{ kind = {} }}`", K::KEY, quoted(name))
            }
            _ => format!("write it like `{}`", self.example),
        };
        let message = format!("`{}` cannot be {}", K::KEY, describe(entry.get_ref()));
        let mistake = Mistake::new(message, help);
        self.mistakes
            .push(mistake.at(entry.span(), "expected a table with a `kind`"));
    }

    fn read_table<K: PatternOrKernel>(
        &mut self,
        table: &DeTable<'_>,
        span: Range<usize>,
        is_list: bool,
        choices: &mut Vec<Choice<K>>,
    ) {
        let Some(value) = table.get("kind") else {
            let names = K::names(self.registry).join(", ");
            let mistake = Mistake::new(
                format!("the {} has no `kind`", K::KEY),
                format!(
                    "write it like `{}`; known {}s: {names}",
                    self.example,
                    K::KEY
                ),
            );
            self.mistakes.push(mistake.at(span, "`kind` is missing"));
            return;
        };
        let (entries, is_swept) = self.entries("kind", value);
        let mut seen: Vec<(&'static str, Range<usize>)> = Vec::new();
        for entry in entries {
            let Some(kind) = self.kind::<K>(entry) else {
                continue;
            };
            if self.is_repeated(&seen, &kind.kind_name(), entry.span()) {
                continue;
            }
            seen.push((kind.kind_name(), entry.span()));
            let Some(axes) = self.axes(kind, table, entry.span()) else {
                continue;
            };
            self.multiply(kind, &axes, &span, is_list || is_swept, choices);
        }
    }

    fn kind<K: PatternOrKernel>(&mut self, entry: &Entry<'_>) -> Option<K> {
        let names = K::names(self.registry);
        let known = format!("known {}s: {}", K::KEY, names.join(", "));
        let DeValue::String(name) = entry.get_ref() else {
            let message = format!("`kind` cannot be {}", describe(entry.get_ref()));
            let mistake = Mistake::new(message, known);
            let expected = format!("expected the name of a {} in double quotes", K::KEY);
            self.mistakes.push(mistake.at(entry.span(), expected));
            return None;
        };
        let kind = K::find(self.registry, name);
        if kind.is_none() {
            let meant = did_you_mean(nearest(name, names.iter().copied()));
            let message = format!("unknown {} {}", K::KEY, quoted(name));
            let mistake = Mistake::new(message, format!("{meant}{known}"));
            let label = format!("no {} has this name", K::KEY);
            self.mistakes.push(mistake.at(entry.span(), label));
        }
        kind
    }

    /// The values of every parameter in `table`; `None` if there is a mistake in them.
    fn axes<K: PatternOrKernel>(
        &mut self,
        kind: K,
        table: &DeTable<'_>,
        kind_span: Range<usize>,
    ) -> Option<Vec<ParameterValues>> {
        let before = self.mistakes.len();
        let meant = self.refuse_unknown_keys(kind, table);
        let mut axes = Vec::new();
        for parameter in kind.declared() {
            match table.get(parameter.name) {
                Some(value) => axes.push(self.axis(parameter, value)),
                // A misspelt key has already been reported.
                None if parameter.default.is_some() || meant.contains(&parameter.name) => {}
                None => {
                    let name = parameter.name;
                    let mistake = Mistake::new(
                        format!("`{name}` is missing"),
                        format!("add `{name} = ..`: {}", explain(parameter)),
                    );
                    let needs = format!("\"{}\" needs `{name}`", kind.kind_name());
                    self.mistakes.push(mistake.at(kind_span.clone(), needs));
                }
            }
        }
        (self.mistakes.len() == before).then_some(axes)
    }

    /// Reports unknown keys, and returns the similar keys that were probably meant.
    fn refuse_unknown_keys<K: PatternOrKernel>(
        &mut self,
        kind: K,
        table: &DeTable<'_>,
    ) -> Vec<&'static str> {
        let declared = kind.declared();
        let names = || declared.iter().map(|parameter| parameter.name);
        let is_known = |key: &str| key == "kind" || names().any(|name| name == key);
        let is_one_of_several = matches!(table["kind"].get_ref(), DeValue::Array(_));
        let mut meant = Vec::new();
        for key in table.keys().filter(|key| !is_known(key.get_ref())) {
            let name = key.get_ref();
            let near = nearest(name, names());
            let keys: Vec<_> = std::iter::once("kind").chain(names()).collect();
            let mut takes = format!("\"{}\" takes: {}", kind.kind_name(), keys.join(", "));
            if is_one_of_several {
                takes += "; write a list of tables to give each kind its own keys";
            }
            let parameter = declared.iter().find(|declared| Some(declared.name) == near);
            let help = match parameter {
                Some(parameter) => format!(
                    "did you mean `{}` ({})? {takes}",
                    parameter.name,
                    explain(parameter)
                ),
                None if is_top_key(name) => format!(
                    "`{name}` belongs at the top of the file: move it above `[{}]`",
                    K::KEY
                ),
                None => takes,
            };
            let message = format!("unknown key {}", quoted(name));
            let label = format!("not a key of the {} \"{}\"", K::KEY, kind.kind_name());
            let mistake = Mistake::new(message, help).at(key.span(), label);
            self.mistakes.push(mistake);
            meant.extend(near);
        }
        meant
    }

    /// The values in `value`, which is one value or a list. Values with a mistake are reported and omitted.
    pub(super) fn axis(
        &mut self,
        parameter: &'static Parameter,
        value: &Entry<'_>,
    ) -> ParameterValues {
        let (entries, is_swept) = self.entries(parameter.name, value);
        let mut values: Vec<(Value, Range<usize>)> = Vec::new();
        for entry in entries {
            let accepted = to_value(entry.get_ref()).and_then(|value| parameter.accept(&value));
            match accepted {
                Some(value) if self.is_repeated(&values, &value, entry.span()) => {}
                Some(value) => values.push((value, entry.span())),
                None => self.mistakes.push(invalid(parameter, entry)),
            }
        }
        ParameterValues {
            parameter,
            values,
            is_swept,
        }
    }

    /// Whether `value` is already among `seen`. This is a mistake, which is reported.
    pub(super) fn is_repeated<T: PartialEq>(
        &mut self,
        seen: &[(T, Range<usize>)],
        value: &T,
        span: Range<usize>,
    ) -> bool {
        let first = seen.iter().find(|(other, _)| other == value);
        if let Some((_, first)) = first {
            let mistake = Mistake::new("the list contains the same value twice", ONE_IS_ENOUGH);
            let mistake = mistake.at(first.clone(), "first here");
            self.mistakes.push(mistake.at(span, "again here"));
        }
        first.is_some()
    }

    /// Adds one choice per combination of values.
    fn multiply<K: PatternOrKernel>(
        &mut self,
        kind: K,
        axes: &[ParameterValues],
        table_span: &Range<usize>,
        is_kind_swept: bool,
        choices: &mut Vec<Choice<K>>,
    ) {
        let lens = axes.iter().map(|axis| axis.values.len());
        let count = lens.fold(1, usize::saturating_mul);
        if count > VARIANTS_MAX {
            self.mistakes
                .push(too_many_variants().at(table_span.clone(), format!("{count} entries")));
            return;
        }
        let swept = axes.iter().filter(|axis| axis.is_swept);
        let swept: Vec<_> = swept.map(|axis| axis.parameter.name).collect();
        for row in product(axes) {
            let given = row
                .iter()
                .map(|(name, value, _)| ((*name).into(), (*value).clone()));
            match Parameters::check(kind.declared(), &given.collect()) {
                Ok(parameters) => choices.push(Choice {
                    kind,
                    parameters,
                    labels: Vec::new(),
                    spans: row
                        .iter()
                        .map(|(name, _, span)| (*name, (*span).clone()))
                        .collect(),
                    table_span: table_span.clone(),
                    is_kind_swept,
                    swept: swept.clone(),
                }),
                Err(error) => {
                    let mistake = Mistake::new(error.to_string(), "correct the value");
                    self.mistakes
                        .push(mistake.at(table_span.clone(), "in here"));
                }
            }
        }
    }

    /// Reports tables that are equal after defaults are filled in, because they would be two cases with the same label.
    fn refuse_identical<K: PatternOrKernel>(&mut self, choices: &[Choice<K>]) {
        for (index, choice) in choices.iter().enumerate() {
            let same = |other: &&Choice<K>| {
                other.kind.kind_name() == choice.kind.kind_name()
                    && other.parameters == choice.parameters
            };
            if let Some(first) = choices[..index].iter().find(same) {
                let message = format!("two {}s are equal after defaults are filled in", K::KEY);
                let mistake = Mistake::new(message, ONE_IS_ENOUGH);
                let mistake = mistake.at(first.table_span.clone(), "first here");
                self.mistakes
                    .push(mistake.at(choice.table_span.clone(), "again here"));
            }
        }
    }
}

const ONE_IS_ENOUGH: &str = "every entry makes a separate case: remove one of the two";

/// Every combination of one value of each axis; the last axis varies fastest.
fn product(axes: &[ParameterValues]) -> Vec<Vec<(&'static str, &Value, &Range<usize>)>> {
    axes.iter().fold(vec![Vec::new()], |rows, axis| {
        let with = |row: &Vec<_>, (value, span)| {
            let mut row = row.clone();
            row.push((axis.parameter.name, value, span));
            row
        };
        rows.iter()
            .flat_map(|row| axis.values.iter().map(move |(v, s)| with(row, (v, s))))
            .collect()
    })
}

/// Gives each choice the labels that distinguish it from the others: its kind if that is swept, and every parameter
/// that is swept or differs among the choices of the same kind.
fn label<K: PatternOrKernel>(choices: &mut [Choice<K>]) {
    let labels: Vec<_> = choices
        .iter()
        .map(|choice| labels(choice, choices))
        .collect();
    for (choice, labels) in choices.iter_mut().zip(labels) {
        choice.labels = labels;
    }
}

fn labels<K: PatternOrKernel>(choice: &Choice<K>, choices: &[Choice<K>]) -> Vec<String> {
    let kind_name = choice.kind.kind_name();
    let siblings = || {
        let all = choices.iter();
        all.filter(|other| other.kind.kind_name() == kind_name)
    };
    let kind = choice
        .is_kind_swept
        .then(|| format!("{}={kind_name}", K::KEY));
    let parameters = choice.parameters.values();
    let declared = choice.kind.declared().iter().map(|declared| declared.name);
    let telling = declared.filter(|name| {
        siblings().any(|other| {
            other.swept.contains(name) || other.parameters.values()[*name] != parameters[*name]
        })
    });
    let telling = telling.map(|name| format!("{name}={}", parameters[name]));
    kind.into_iter().chain(telling).collect()
}
