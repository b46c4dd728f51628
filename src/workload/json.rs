//! A pattern or a kernel as it stands in records, and what is wrong with one that cannot be read.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::pattern_or_kernel::PatternOrKernel;
use super::size::SizeError;
use crate::execute::OUTPUT_BYTES_MAX;
use crate::parameter::{ParameterError, Parameters, Value};
use crate::registry::{Registry, did_you_mean, nearest};

/// A kind and its parameters as they stand in records.
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

/// Reads what [`kind_to_json`] wrote.
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

/// Why JSON is no definition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DefinitionError {
    /// A table is absent, is no object, or does not say what kind it is.
    #[error("`{table}` is missing or has no `kind`: expected {{\"kind\": .., ..}}")]
    NoKind {
        /// `pattern` or `kernel`.
        table: &'static str,
    },
    /// `graphs` is no list, or an empty one.
    #[error("`graphs` is no list of patterns: expected [{{\"kind\": .., ..}}, ..]")]
    NotGraphs,
    /// `graph` does not say which file, or what was found there.
    #[error("`graph` names no file that was read: {0}")]
    NotAFile(String),
    /// `output_bytes` is no number, or too large.
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
        /// The name as it was given.
        name: String,
        /// The nearest name there is, if one is close.
        meant: Option<String>,
        /// All names there are.
        known: String,
    },
    /// A parameter is neither a number nor a word.
    #[error("`{key}` of the {table} is neither a number nor a string")]
    NotAValue {
        /// `pattern` or `kernel`.
        table: &'static str,
        /// The parameter.
        key: String,
    },
    /// A parameter does not fit its declaration.
    #[error("{table}: {error}")]
    Parameter {
        /// `pattern` or `kernel`.
        table: &'static str,
        /// What does not fit.
        error: ParameterError,
    },
    /// The graph does not fit into ids, or with its kernel into memory.
    #[error(transparent)]
    TooLarge(#[from] SizeError),
}
