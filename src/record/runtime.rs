//! What a child says of itself in its greeting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The program that a case ran in, as it described itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Runtime {
    /// The version of the child protocol that the case was driven in.
    pub protocol_version: u32,
    /// The programming language: `rust`, `python`.
    pub language: String,
    /// The implementation of the language: `CPython`.
    pub runtime: String,
    /// The version of the implementation.
    pub version: String,
    /// Other facts that affect the times, by name: `global_lock` is `on`.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
}
