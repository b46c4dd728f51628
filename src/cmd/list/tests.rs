//! Compares FORMAT.md's tables with the code: names, parameters, defaults, values and extensions.

use crate::graph_file::GraphFormat;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, UNBOUNDED};
use crate::registry::Registry;
use crate::report::{EXPORTERS, FORMATS};

const FORMAT: &str = include_str!("../../../FORMAT.md");

/// Asserts that the table with this header has exactly these rows, in this order. Compares only as many columns as
/// `rows` has, because the others are prose.
fn assert_table<const N: usize>(header: &str, rows: &[[String; N]]) {
    let mut lines = FORMAT.lines().skip_while(|line| *line != header);
    assert!(lines.next().is_some(), "FORMAT.md has no table {header:?}");
    let found: Vec<Vec<&str>> = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').skip(1).take(N).map(str::trim).collect())
        .collect();
    let expected: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
    let found: Vec<String> = found.iter().map(|row| row.join(" | ")).collect();
    assert!(
        found == expected,
        "the table {header:?} of FORMAT.md begins its rows with\n\n{}\n\nand the code has\n\n{}\n",
        found.join("\n"),
        expected.join("\n")
    );
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Names in backquotes, or a dash if there are none.
fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(code).collect();
    match names.is_empty() {
        true => "–".into(),
        false => names.join(", "),
    }
}

/// The name of a parameter, and its default in brackets.
fn with_default(parameter: &Parameter) -> String {
    let name = code(parameter.name);
    match parameter.default {
        None => name,
        Some(DefaultValue::Count(count)) => format!("{name} ({count})"),
        Some(DefaultValue::Text(text)) => format!("{name} ({})", code(text)),
    }
}

fn with_defaults(parameters: &[Parameter]) -> String {
    let all: Vec<String> = parameters.iter().map(with_default).collect();
    match all.is_empty() {
        true => "–".into(),
        false => all.join(", "),
    }
}

fn values(kind: ParameterKind) -> String {
    match kind {
        ParameterKind::Count { min, max } => format!("whole numbers from {min} to {}", short(max)),
        ParameterKind::Limit { max } => format!(
            "whole numbers from 0 to {}, {}",
            short(max),
            codes([UNBOUNDED].into_iter())
        ),
        ParameterKind::Milliseconds => "numbers from 0 to a year in milliseconds".into(),
        ParameterKind::Ratio => "numbers from 0 to 1".into(),
        ParameterKind::Choice(words) => codes(words.iter().copied()),
    }
}

/// A large power of two, or the number below one, as a power of two.
fn short(number: u64) -> String {
    if number > 1 << 16 && number.is_power_of_two() {
        format!("2^{}", number.ilog2())
    } else if number > 1 << 16 && (number + 1).is_power_of_two() {
        format!("2^{} − 1", (number + 1).ilog2())
    } else {
        number.to_string()
    }
}

#[test]
fn the_tables_of_patterns_and_kernels_are_those_of_the_code() {
    let Registry {
        patterns, kernels, ..
    } = Registry::default();
    let patterns: Vec<_> = patterns
        .iter()
        .map(|one| [code(one.name()), with_defaults(one.parameters())])
        .collect();
    assert_table("| pattern | parameters | tasks | edges |", &patterns);
    let kernels: Vec<_> = kernels
        .iter()
        .map(|one| [code(one.name()), with_defaults(one.parameters())])
        .collect();
    assert_table("| kernel | parameters | what a task does |", &kernels);
}

/// A name that several parameters have, with different values, is listed with the patterns and kernels that each is of.
#[test]
fn the_table_of_values_has_every_parameter() {
    let registry = Registry::default();
    let patterns = registry.patterns.iter();
    let patterns = patterns.map(|one| (one.name(), one.parameters()));
    let kernels = registry.kernels.iter();
    let kernels = kernels.map(|one| (one.name(), one.parameters()));
    let mut users: Vec<([String; 2], Vec<&str>)> = Vec::new();
    for (user, parameters) in patterns.chain(kernels) {
        for parameter in parameters {
            let row = [code(parameter.name), values(parameter.kind)];
            match users.iter_mut().find(|(known, _)| *known == row) {
                Some((_, all)) => all.push(user),
                None => users.push((row, vec![user])),
            }
        }
    }
    let is_shared = |name: &String| users.iter().filter(|(row, _)| row[0] == *name).count() > 1;
    let rows: Vec<_> = users
        .iter()
        .map(|([name, values], users)| {
            let of = match is_shared(name) {
                true => codes(users.iter().copied()),
                false => "–".into(),
            };
            [name.clone(), values.clone(), of]
        })
        .collect();
    assert_table("| parameter | values | of |", &rows);
}

#[test]
fn the_tables_of_backends_and_options_are_those_of_the_code() {
    let registry = Registry::default();
    let mut backends = Vec::new();
    let mut options: Vec<([String; 2], Vec<&str>)> = Vec::new();
    for backend in registry.backends {
        backends.push([
            code(backend.name()),
            codes(backend.continuations().iter().map(|one| one.name())),
            codes(backend.options().iter().map(|one| one.name)),
        ]);
        for option in backend.options() {
            let row = [with_default(option), values(option.kind)];
            match options.iter_mut().find(|(known, _)| *known == row) {
                Some((_, users)) => users.push(backend.name()),
                None => options.push((row, vec![backend.name()])),
            }
        }
    }
    let header = "| backend | `case.continuation` | `case.options` | how it runs tasks |";
    assert_table(header, &backends);
    let options: Vec<_> = options
        .into_iter()
        .map(|([name, values], users)| [name, values, codes(users)])
        .collect();
    assert_table("| option | values | backends | meaning |", &options);
}

#[test]
fn the_tables_of_formats_are_those_of_the_code() {
    let formats: Vec<_> = FORMATS.iter().map(|one| [code(one.name())]).collect();
    assert_table("| format | records | comparisons |", &formats);
    let exporters: Vec<_> = EXPORTERS.iter().map(|one| [code(one.name())]).collect();
    assert_table("| exporter | files |", &exporters);
}

#[test]
fn the_table_of_graph_files_has_every_extension() {
    let header = "| format | extension | tasks, dependences and durations |";
    let table = FORMAT.lines().skip_while(|line| *line != header).skip(2);
    let mut found: Vec<&str> = table
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(2).unwrap().trim())
        .collect();
    // There is one row per group of versions of a format.
    found.dedup();
    let expected = GraphFormat::ALL.map(|format| {
        let extensions: Vec<_> = format
            .extensions()
            .iter()
            .map(|one| format!(".{one}"))
            .collect();
        codes(extensions.iter().map(String::as_str))
    });
    assert_eq!(found, expected);
}
