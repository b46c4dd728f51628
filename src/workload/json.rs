//! Patterns and kernels as JSON in records, and the errors of JSON that is not valid.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::pattern_or_kernel::PatternOrKernel;
use super::size::SizeError;
use crate::diagnostic::{did_you_mean, nearest};
use crate::execute::OUTPUT_BYTES_MAX;
use crate::parameter::{ParameterError, Parameters, Value};
use crate::registry::Registry;

/// A kind and its parameters as JSON.
pub(super) fn kind_to_json<K: PatternOrKernel>(kind: K, parameters: &Parameters) -> Json {
    let values = parameters.values().iter();
    let mut table: Map<String, Json> = values
        .map(|(key, value)| (key.clone(), value_to_json(value)))
        .collect();
    table.insert("kind".into(), kind.kind_name().into());
    Json::Object(table)
}

fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    }
}

/// Parses the output of [`kind_to_json`].
pub(super) fn kind_from_json<K: PatternOrKernel>(
    json: Option<&Json>,
    registry: &Registry,
) -> Result<(K, Parameters), DefinitionError> {
    let table = json.and_then(Json::as_object);
    let name = table.and_then(|table| table.get("kind")?.as_str());
    let (Some(table), Some(name)) = (table, name) else {
        return Err(DefinitionError::NoKind { table: K::KEY });
    };
    let kind = K::find(registry, name).ok_or_else(|| unknown_kind::<K>(name, registry))?;
    let mut given = BTreeMap::new();
    for (key, json) in table.iter().filter(|(key, _)| *key != "kind") {
        let Ok(value) = serde_json::from_value::<Value>(json.clone()) else {
            let key = key.clone();
            return Err(DefinitionError::NotAValue { table: K::KEY, key });
        };
        given.insert(key.clone(), value);
    }
    match Parameters::check(kind.declared(), &given) {
        Ok(parameters) => Ok((kind, parameters)),
        Err(error) => Err(DefinitionError::Parameter {
            table: K::KEY,
            error,
        }),
    }
}

fn unknown_kind<K: PatternOrKernel>(name: &str, registry: &Registry) -> DefinitionError {
    let known = K::names(registry);
    let meant = nearest(name, known.iter().copied());
    DefinitionError::UnknownKind {
        table: K::KEY,
        name: name.into(),
        meant: meant.map(String::from),
        known: known.join(", "),
    }
}

/// Why JSON is not a valid definition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DefinitionError {
    /// A table is absent, is not an object, or has no `kind`.
    #[error("`{table}` is missing or has no `kind`: expected {{\"kind\": .., ..}}")]
    NoKind {
        /// `pattern` or `kernel`.
        table: &'static str,
    },
    /// `graphs` is not a list, or is empty.
    #[error("`graphs` is not a list of patterns: expected [{{\"kind\": .., ..}}, ..]")]
    NotGraphs,
    /// `graph` does not describe a graph file that was read.
    #[error("`graph` does not describe a graph file that was read: {0}")]
    NotAFile(String),
    /// `output_bytes` is not a number, or is too large.
    #[error("`output_bytes` cannot be {0}: expected a whole number from 0 to {OUTPUT_BYTES_MAX}")]
    OutputBytes(String),
    /// No pattern or kernel has this name.
    #[error(
        "unknown {table} {name:?}; {}known: {known}",
        did_you_mean(meant.as_deref())
    )]
    UnknownKind {
        /// `pattern` or `kernel`.
        table: &'static str,
        /// The given name.
        name: String,
        /// The most similar known name, if one is similar enough.
        meant: Option<String>,
        /// All known names.
        known: String,
    },
    /// A parameter is neither a number nor a string.
    #[error("`{key}` of the {table} is neither a number nor a string")]
    NotAValue {
        /// `pattern` or `kernel`.
        table: &'static str,
        /// The parameter.
        key: String,
    },
    /// A parameter does not match its declaration.
    #[error("{table}: {error}")]
    Parameter {
        /// `pattern` or `kernel`.
        table: &'static str,
        /// What does not match.
        error: ParameterError,
    },
    /// The graph has more tasks or edges than ids can number, or does not fit into memory with its kernel.
    #[error(transparent)]
    TooLarge(#[from] SizeError),
}
