//! Converts one value of a file for a parameter, describes it in messages, and suggests a correction for a wrong one.

use toml::Spanned;
use toml::de::DeValue;

use super::mistake::{Mistake, quoted};
use crate::diagnostic::nearest;
use crate::parameter::{Parameter, ParameterKind, UNBOUNDED, Value};

/// A value and its place in the file.
pub(crate) type Entry<'a> = Spanned<DeValue<'a>>;

/// Describes a value for messages.
pub(crate) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(date) => format!("the date or time {date}"),
        DeValue::Array(entries) if entries.is_empty() => "an empty list".into(),
        DeValue::Array(_) => "this list".into(),
        DeValue::Table(_) => "this table".into(),
    }
}

/// Converts a value to one that a parameter may have; `None` if no parameter accepts its type.
pub(crate) fn to_value(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Value::Count),
        DeValue::Float(number) => number.as_str().parse().ok().map(Value::Number),
        _ => None,
    }
}

/// A whole number.
pub(crate) fn to_count(value: &DeValue<'_>) -> Option<u64> {
    match to_value(value)? {
        Value::Count(count) => Some(count),
        Value::Number(_) | Value::Text(_) => None,
    }
}

/// A number, whole or not.
pub(crate) fn to_number(value: &DeValue<'_>) -> Option<f64> {
    match to_value(value)? {
        Value::Count(count) => Some(count as f64),
        Value::Number(number) => Some(number),
        Value::Text(_) => None,
    }
}

/// The mistake that `parameter` does not accept the value of `entry`.
pub(crate) fn invalid(parameter: &Parameter, entry: &Spanned<DeValue<'_>>) -> Mistake {
    let name = parameter.name;
    let value = entry.get_ref();
    let help = match correction(parameter, value) {
        Some(correction) => format!("write `{name} = {correction}`"),
        None => format!("`{name}` is {}", parameter.why),
    };
    let message = format!("`{name}` cannot be {}", describe(value));
    let expected = format!("expected {}", parameter.expected());
    Mistake::new(message, help).at(entry.span(), expected)
}

/// Guesses what was meant by a value that `parameter` does not accept, in the syntax of the file; `None` if it cannot.
fn correction(parameter: &Parameter, value: &DeValue<'_>) -> Option<String> {
    let meant = match (parameter.kind, value) {
        (ParameterKind::Choice(words), DeValue::String(text)) => {
            Value::Text(nearest(text, words.iter().copied())?.into())
        }
        (ParameterKind::Count { .. }, DeValue::String(text)) => Value::Count(text.parse().ok()?),
        (ParameterKind::Limit { .. }, DeValue::String(text)) => match text.parse() {
            Ok(count) => Value::Count(count),
            Err(_) => Value::Text(nearest(text, [UNBOUNDED])?.into()),
        },
        (ParameterKind::Count { .. }, DeValue::Float(number)) => {
            let number: f64 = number.as_str().parse().ok()?;
            Value::Count((number.fract() == 0.0).then_some(number as u64)?)
        }
        (ParameterKind::Milliseconds, DeValue::String(text)) => Value::Number(milliseconds(text)?),
        (ParameterKind::Ratio, DeValue::String(text)) => Value::Number(ratio(text)?),
        _ => return None,
    };
    match parameter.accept(&meant)? {
        Value::Text(word) => Some(format!("{word:?}")),
        number => Some(number.to_string()),
    }
}

/// Parses a time with its unit, and returns milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let unit_start = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_start);
    let number: f64 = number.trim().parse().ok()?;
    match unit {
        "" | "ms" => Some(number),
        "s" => Some(number * 1000.0),
        "us" | "µs" => Some(number / 1000.0),
        _ => None,
    }
}

/// Parses a ratio in a string, with or without a percent sign.
fn ratio(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(percent) => Some(percent.trim().parse::<f64>().ok()? / 100.0),
        None => text.parse().ok(),
    }
}

/// Describes a parameter and its values: "how many tasks each step has, a whole number from 1 to 10".
pub(crate) fn explain(parameter: &Parameter) -> String {
    format!("{}, {}", parameter.why, parameter.expected())
}
