//! What parent and child say of themselves before any work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The versions of the protocol that this build speaks. Version 1 has neither `hello` nor nonces: its first request is
/// `prepare`, and its child computes the expected digest itself.
pub const VERSIONS: [u32; 2] = [1, 2];

/// The first request of version 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions that the parent speaks.
    pub versions: Vec<u32>,
}

impl Hello {
    /// The greeting of this build.
    pub fn of_this_build() -> Self {
        Self {
            versions: VERSIONS.to_vec(),
        }
    }
}

/// What a child is and what it can run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    /// The version that it will speak, one of those that the parent named.
    pub version: u32,
    /// The language that it is written in, such as `python`.
    pub language: String,
    /// What runs it, such as `CPython`.
    pub runtime: String,
    /// The version of this runtime.
    pub runtime_version: String,
    /// Anything else that matters for its times, such as `global_lock`: `on`.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
    /// Its backends.
    #[serde(default)]
    pub backends: Vec<GreetedBackend>,
    /// Its kernels: `NAME`, or `NAME/PARAMETER=VALUE` for a kernel that it has with this value only, or with these.
    #[serde(default)]
    pub kernels: Vec<String>,
    /// The kinds of work that it can do: `graph`, `coordination`.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Whether its tasks can hand on bytes beside their outputs.
    #[serde(default)]
    pub has_payload: bool,
    /// Whether its tasks can record latencies. If not, a slice of latencies is not requested.
    #[serde(default)]
    pub has_latencies: bool,
}

/// A backend in a greeting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GreetedBackend {
    /// Its name.
    pub name: String,
    /// Its family: `serial`, `threads`, `async`, `processes` or `mixed`.
    pub family: String,
    /// A description in one line.
    #[serde(default)]
    pub why: String,
    /// Its options.
    #[serde(default)]
    pub options: Vec<GreetedOption>,
    /// The number of workers, if it supports only one number.
    #[serde(default)]
    pub fixed_worker_count: Option<u32>,
    /// How many tasks that only wait each worker can have at once; null for no limit.
    #[serde(default = "one")]
    pub waits_per_worker: Option<u32>,
    /// Its kernels, written as those of the greeting; null if it has all of these.
    #[serde(default)]
    pub kernels: Option<Vec<String>>,
}

/// An option of a backend in a greeting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GreetedOption {
    /// Its name.
    pub name: String,
    /// Its values, if it has a list of them. The first is the default.
    #[serde(default)]
    pub values: Vec<String>,
}

fn one() -> Option<u32> {
    Some(1)
}
