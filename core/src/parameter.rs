//! Parameters of patterns, kernels and backends. They are declared once as data; checks, sweeps, lists and records
//! follow from the declaration.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One parameter of a pattern, kernel or backend.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The key in workload files and records, with its unit if it has one.
    pub name: &'static str,
    /// The meaning, in a few words.
    pub why: &'static str,
    /// The values that it accepts.
    pub kind: ParameterKind,
    /// The value if the key is absent; `None` makes the key required.
    pub default: Option<DefaultValue>,
}

/// The values that a parameter accepts.
#[derive(Debug, Clone, Copy)]
pub enum ParameterKind {
    /// A whole number within these bounds, both included.
    Count {
        /// The smallest value allowed.
        min: u64,
        /// The largest value allowed.
        max: u64,
    },
    /// A whole number from 0 to `max`, or the word [`UNBOUNDED`].
    Limit {
        /// The largest number allowed.
        max: u64,
    },
    /// A time in milliseconds, from zero to a year; fractions are allowed.
    Milliseconds,
    /// A fraction from 0 to 1, both included.
    Ratio,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A default value that can be part of a constant.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    /// For [`ParameterKind::Count`] and [`ParameterKind::Limit`].
    Count(u64),
    /// For [`ParameterKind::Choice`].
    Text(&'static str),
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// A number, possibly with a fraction.
    Number(f64),
    /// A word.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A complete and valid set of parameter values: every declared key has a value within its bounds.
///
/// The only way to create one is to check values against declarations, so a getter does not fail for a key that was
/// declared with its kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(BTreeMap<String, Value>);

impl Parameters {
    /// Checks `given` against `declared`, and fills in defaults.
    ///
    /// # Errors
    ///
    /// The first key or value that is not valid, and what was expected instead.
    pub fn check(
        declared: &[Parameter],
        given: &BTreeMap<String, Value>,
    ) -> Result<Self, ParameterError> {
        let known = || declared.iter().map(|parameter| parameter.name);
        if let Some(key) = given.keys().find(|key| !known().any(|name| name == *key)) {
            return Err(ParameterError::Unknown {
                key: key.clone(),
                known: known().map(String::from).collect(),
            });
        }
        let mut values = BTreeMap::new();
        for parameter in declared {
            let value = match (given.get(parameter.name), parameter.default) {
                (Some(value), _) => {
                    parameter
                        .accept(value)
                        .ok_or_else(|| ParameterError::Invalid {
                            key: parameter.name.into(),
                            found: value.clone(),
                            expected: parameter.expected(),
                        })?
                }
                (None, Some(DefaultValue::Count(count))) => Value::Count(count),
                (None, Some(DefaultValue::Text(text))) => Value::Text(text.into()),
                (None, None) => {
                    return Err(ParameterError::Missing {
                        key: parameter.name.into(),
                        expected: parameter.expected(),
                    });
                }
            };
            values.insert(parameter.name.into(), value);
        }
        Ok(Self(values))
    }

    /// The value of a parameter declared as [`ParameterKind::Count`].
    ///
    /// # Panics
    ///
    /// If no such parameter was declared.
    pub fn count(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(Value::Count(count)) => *count,
            other => panic!("{name} is not a declared count: {other:?}"),
        }
    }

    /// The value of a parameter declared as [`ParameterKind::Limit`]; `None` if there is no limit.
    ///
    /// # Panics
    ///
    /// If no such parameter was declared.
    pub fn limit(&self, name: &str) -> Option<u64> {
        match self.0.get(name) {
            Some(Value::Count(count)) => Some(*count),
            Some(Value::Text(text)) if text == UNBOUNDED => None,
            other => panic!("{name} is not a declared limit: {other:?}"),
        }
    }

    /// The value of a parameter declared as [`ParameterKind::Milliseconds`].
    ///
    /// # Panics
    ///
    /// If no such parameter was declared.
    pub fn milliseconds(&self, name: &str) -> Duration {
        match self.0.get(name) {
            Some(Value::Count(count)) => Duration::from_millis(*count),
            Some(Value::Number(number)) => Duration::from_secs_f64(number / 1000.0),
            other => panic!("{name} is not a declared time: {other:?}"),
        }
    }

    /// The value of a parameter declared as [`ParameterKind::Ratio`].
    ///
    /// # Panics
    ///
    /// If no such parameter was declared.
    pub fn ratio(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Value::Count(count)) => *count as f64,
            Some(Value::Number(number)) => *number,
            other => panic!("{name} is not a declared ratio: {other:?}"),
        }
    }

    /// The value of a parameter declared as [`ParameterKind::Choice`].
    ///
    /// # Panics
    ///
    /// If no such parameter was declared.
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::Text(text)) => text,
            other => panic!("{name} is not a declared choice: {other:?}"),
        }
    }

    /// All values by name.
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.0
    }
}

impl Parameter {
    /// `value` in its canonical form, or `None` if this parameter does not accept it.
    ///
    /// A whole time or ratio becomes a [`Value::Count`], so that `2` and `2.0` are the same value and are written in
    /// the same way.
    pub fn accept(&self, value: &Value) -> Option<Value> {
        match (self.kind, value) {
            (ParameterKind::Count { min, max }, Value::Count(count)) => {
                (min..=max).contains(count).then_some(Value::Count(*count))
            }
            (ParameterKind::Limit { max }, Value::Count(count)) => {
                (*count <= max).then_some(Value::Count(*count))
            }
            (ParameterKind::Limit { .. }, Value::Text(text)) => {
                (text == UNBOUNDED).then(|| value.clone())
            }
            (ParameterKind::Milliseconds, value) => accept_number(value, LONGEST_MILLISECONDS),
            (ParameterKind::Ratio, value) => accept_number(value, 1),
            (ParameterKind::Choice(words), Value::Text(text)) => words
                .contains(&text.as_str())
                .then(|| Value::Text(text.clone())),
            _ => None,
        }
    }

    /// The value that this text stands for on a command line, in its canonical form; `None` if this parameter does not
    /// accept it. A number may also be a word of a choice.
    pub fn accept_text(&self, text: &str) -> Option<Value> {
        let count = text.parse().ok().map(Value::Count);
        let number = text.parse().ok().map(Value::Number);
        let word = Some(Value::Text(text.into()));
        let mut readings = [count, number, word].into_iter().flatten();
        readings.find_map(|value| self.accept(&value))
    }

    /// The values that it accepts, for messages: "a whole number from 1 to 10".
    pub fn expected(&self) -> String {
        self.kind.expected()
    }
}

/// A number from 0 to `most`.
fn accept_number(value: &Value, most: u64) -> Option<Value> {
    match value {
        Value::Count(count) => (*count <= most).then_some(Value::Count(*count)),
        Value::Number(number) if (0.0..=most as f64).contains(number) => {
            let is_whole = number.fract() == 0.0;
            Some(match is_whole {
                true => Value::Count(*number as u64),
                false => Value::Number(*number),
            })
        }
        _ => None,
    }
}

/// The word for no limit.
pub const UNBOUNDED: &str = "unbounded";

/// A year in milliseconds: no task waits longer, and no sum of such times overflows.
pub const LONGEST_MILLISECONDS: u64 = 365 * 24 * 3600 * 1000;

impl ParameterKind {
    fn expected(&self) -> String {
        match self {
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Limit { max } => format!("a whole number from 0 to {max}, or {UNBOUNDED:?}"),
            Self::Milliseconds => {
                format!("a number of milliseconds from 0 to {LONGEST_MILLISECONDS}, without quotes")
            }
            Self::Ratio => "a number from 0 to 1".into(),
            Self::Choice(words) => format!("one of \"{}\"", words.join("\", \"")),
        }
    }
}

/// A key or a value that is not valid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// The key is not declared.
    #[error("unknown key `{key}`; known keys: {}", known.join(", "))]
    Unknown {
        /// The key as it was given.
        key: String,
        /// The keys that are declared.
        known: Vec<String>,
    },
    /// A key without a default is absent.
    #[error("`{key}` is missing: expected {expected}")]
    Missing {
        /// The absent key.
        key: String,
        /// The values that it accepts.
        expected: String,
    },
    /// The value has the wrong type or is out of bounds.
    #[error("`{key}` cannot be {}: expected {expected}", quoted(found))]
    Invalid {
        /// The key.
        key: String,
        /// The value as it was given.
        found: Value,
        /// The values that it accepts.
        expected: String,
    },
}

/// A value as written in a file: words in quotes.
fn quoted(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

/// Whether a backend, kernel, pattern, parameter or option can have this name: ASCII letters, digits, `-`, `_` and `.`,
/// beginning with a letter. So it has none of the characters with a meaning in the id of a case (`/`, `=`, `,`, `+`), on
/// a command line or in a list.
pub fn is_well_formed_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: Parameter = Parameter {
        name: "width",
        why: "how many",
        kind: ParameterKind::Count { min: 1, max: 10 },
        default: None,
    };
    const TIME: Parameter = Parameter {
        name: "duration_ms",
        why: "how long",
        kind: ParameterKind::Milliseconds,
        default: None,
    };
    const RATIO: Parameter = Parameter {
        name: "fraction",
        why: "how much",
        kind: ParameterKind::Ratio,
        default: None,
    };
    const LIMIT: Parameter = Parameter {
        name: "capacity",
        why: "how many fit",
        kind: ParameterKind::Limit { max: 10 },
        default: Some(DefaultValue::Count(1)),
    };
    const CHOICE: Parameter = Parameter {
        name: "variant",
        why: "which",
        kind: ParameterKind::Choice(&["racy", "atomic"]),
        default: Some(DefaultValue::Text("atomic")),
    };

    fn given<const N: usize>(values: [(&str, Value); N]) -> BTreeMap<String, Value> {
        values
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect()
    }

    #[test]
    fn a_count_keeps_to_its_bounds() {
        let accepted = [0, 1, 10, 11].map(|count| COUNT.accept(&Value::Count(count)).is_some());
        assert_eq!(accepted, [false, true, true, false]);
        assert_eq!(COUNT.accept(&Value::Number(3.0)), None);
        assert_eq!(COUNT.accept(&Value::Text("3".into())), None);
    }

    #[test]
    fn a_text_is_read_as_what_the_parameter_accepts() {
        const LEVELS: Parameter = Parameter {
            kind: ParameterKind::Choice(&["1", "all"]),
            ..CHOICE
        };
        assert_eq!(COUNT.accept_text("3"), Some(Value::Count(3)));
        assert_eq!(COUNT.accept_text("11"), None);
        assert_eq!(TIME.accept_text("0.5"), Some(Value::Number(0.5)));
        assert_eq!(CHOICE.accept_text("racy"), Some(Value::Text("racy".into())));
        assert_eq!(LEVELS.accept_text("1"), Some(Value::Text("1".into())));
        assert_eq!(LEVELS.accept_text("2"), None);
    }

    #[test]
    fn a_limit_is_a_number_or_absent() {
        let limit = |value: Value| {
            let checked = Parameters::check(&[LIMIT], &given([("capacity", value)]));
            checked.map(|parameters| parameters.limit("capacity"))
        };
        assert_eq!(limit(Value::Count(0)), Ok(Some(0)));
        assert_eq!(limit(Value::Text("unbounded".into())), Ok(None));
        assert_eq!(
            limit(Value::Text("none".into())).unwrap_err().to_string(),
            r#"`capacity` cannot be "none": expected a whole number from 0 to 10, or "unbounded""#
        );
        assert!(limit(Value::Count(11)).is_err());
        assert_eq!(LIMIT.accept_text("7"), Some(Value::Count(7)));
    }

    #[test]
    fn a_time_without_a_fraction_has_one_form() {
        assert_eq!(TIME.accept(&Value::Number(2.0)), Some(Value::Count(2)));
        assert_eq!(TIME.accept(&Value::Number(-0.0)), Some(Value::Count(0)));
        assert_eq!(TIME.accept(&Value::Number(0.5)), Some(Value::Number(0.5)));
    }

    #[test]
    fn a_time_is_finite_and_not_negative() {
        for number in [-0.5, f64::NAN, f64::INFINITY, f64::MAX] {
            assert_eq!(TIME.accept(&Value::Number(number)), None, "{number}");
        }
        assert_eq!(TIME.accept(&Value::Count(u64::MAX)), None);
    }

    #[test]
    fn a_ratio_keeps_to_zero_and_one() {
        let ratio = |value| RATIO.accept(&value);
        assert_eq!(ratio(Value::Number(0.25)), Some(Value::Number(0.25)));
        assert_eq!(ratio(Value::Number(1.0)), Some(Value::Count(1)));
        assert_eq!(ratio(Value::Count(0)), Some(Value::Count(0)));
        assert_eq!(ratio(Value::Count(2)), None);
        for number in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(ratio(Value::Number(number)), None, "{number}");
        }
        let values = given([("fraction", Value::Number(0.25))]);
        let parameters = Parameters::check(&[RATIO], &values).unwrap();
        assert_eq!(parameters.ratio("fraction"), 0.25);
    }

    #[test]
    fn absent_keys_take_their_default_or_are_named() {
        let checked = Parameters::check(&[COUNT, CHOICE], &given([("width", Value::Count(2))]));
        let parameters = checked.unwrap();
        assert_eq!(parameters.count("width"), 2);
        assert_eq!(parameters.text("variant"), "atomic");

        let missing = Parameters::check(&[COUNT], &BTreeMap::new()).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "`width` is missing: expected a whole number from 1 to 10"
        );
    }

    #[test]
    fn errors_say_what_was_expected() {
        let unknown = Parameters::check(&[COUNT, TIME], &given([("widht", Value::Count(2))]));
        assert_eq!(
            unknown.unwrap_err().to_string(),
            "unknown key `widht`; known keys: width, duration_ms"
        );
        let word = Value::Text("atmoic".into());
        let invalid = Parameters::check(&[CHOICE], &given([("variant", word)]));
        assert_eq!(
            invalid.unwrap_err().to_string(),
            r#"`variant` cannot be "atmoic": expected one of "racy", "atomic""#
        );
    }

    #[test]
    fn times_are_read_in_milliseconds() {
        let values = given([("duration_ms", Value::Number(0.25))]);
        let parameters = Parameters::check(&[TIME], &values).unwrap();
        let expected = Duration::from_micros(250);
        assert_eq!(parameters.milliseconds("duration_ms"), expected);
    }
}
