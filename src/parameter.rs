//! Parameters of patterns and kernels: declared once as data, and from that checked, swept, listed and
//! written into records.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One parameter that a pattern or kernel takes.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The key in workload files and records; it carries the unit where there is one.
    pub name: &'static str,
    /// What it means, in a few words.
    pub why: &'static str,
    /// What values it takes.
    pub kind: ParameterKind,
    /// The value when the key is absent; `None` makes the key required.
    pub default: Option<DefaultValue>,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy)]
pub enum ParameterKind {
    /// A whole number within these bounds, both included.
    Count {
        /// The smallest value allowed.
        min: u64,
        /// The largest value allowed.
        max: u64,
    },
    /// A time in milliseconds; fractions are allowed, zero is too, and less is not.
    Milliseconds,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A default that can stand in a constant.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    /// For [`ParameterKind::Count`].
    Count(u64),
    /// For [`ParameterKind::Choice`].
    Text(&'static str),
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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

/// A complete and valid set of parameter values: every declared key is there, within its bounds.
///
/// The only way to make one is to check values against declarations, so the getters do not fail for a
/// key that was declared with the kind asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(BTreeMap<String, Value>);

impl Parameters {
    /// Checks `given` against `declared` and fills in defaults.
    ///
    /// # Errors
    ///
    /// The first key or value that does not fit, and what was expected in its place.
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
                (Some(value), _) => parameter.accept(value)?,
                (None, Some(DefaultValue::Count(count))) => Value::Count(count),
                (None, Some(DefaultValue::Text(text))) => Value::Text(text.into()),
                (None, None) => {
                    return Err(ParameterError::Missing {
                        key: parameter.name.into(),
                        expected: parameter.kind.expected(),
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
    /// When no such parameter was declared.
    pub fn count(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(Value::Count(count)) => *count,
            other => panic!("{name} is not a declared count: {other:?}"),
        }
    }

    /// The value of a parameter declared as [`ParameterKind::Milliseconds`].
    ///
    /// # Panics
    ///
    /// When no such parameter was declared.
    pub fn milliseconds(&self, name: &str) -> Duration {
        match self.0.get(name) {
            Some(Value::Count(count)) => Duration::from_millis(*count),
            Some(Value::Number(number)) => Duration::from_secs_f64(number / 1000.0),
            other => panic!("{name} is not a declared time: {other:?}"),
        }
    }

    /// The value of a parameter declared as [`ParameterKind::Choice`].
    ///
    /// # Panics
    ///
    /// When no such parameter was declared.
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
    /// `value`, if this parameter takes it.
    fn accept(&self, value: &Value) -> Result<Value, ParameterError> {
        if self.kind.admits(value) {
            return Ok(value.clone());
        }
        Err(ParameterError::Invalid {
            key: self.name.into(),
            found: value.clone(),
            expected: self.kind.expected(),
        })
    }
}

/// A year: no task waits longer, and no sum of such times overflows.
const LONGEST_MILLISECONDS: f64 = 365.0 * 24.0 * 3600.0 * 1000.0;

impl ParameterKind {
    fn admits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Count { min, max }, Value::Count(count)) => (min..=max).contains(&count),
            (Self::Milliseconds, Value::Count(count)) => *count as f64 <= LONGEST_MILLISECONDS,
            (Self::Milliseconds, Value::Number(number)) => {
                (0.0..=LONGEST_MILLISECONDS).contains(number)
            }
            (Self::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
            _ => false,
        }
    }

    /// What values are taken, for messages: "a whole number from 1 to 10".
    pub fn expected(&self) -> String {
        match self {
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Milliseconds => "a number of milliseconds, 0 or more, without quotes".into(),
            Self::Choice(words) => format!("one of \"{}\"", words.join("\", \"")),
        }
    }
}

/// A key or a value that does not fit what was declared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// The key is not declared.
    #[error("unknown key `{key}`")]
    Unknown {
        /// The key as it was given.
        key: String,
        /// The keys that are declared.
        known: Vec<String>,
    },
    /// A key without a default is absent.
    #[error("`{key}` is missing")]
    Missing {
        /// The absent key.
        key: String,
        /// What values it takes.
        expected: String,
    },
    /// The value is of the wrong type or out of bounds.
    #[error("`{key}` cannot be {found}")]
    Invalid {
        /// The key.
        key: String,
        /// The value as it was given.
        found: Value,
        /// What values it takes.
        expected: String,
    },
}
