use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde_json::{Map, Value as Json};

use super::graph::{BuildError, Graph};
use super::kind::Kind;
use super::size::{self, Load, SizeError};
use crate::execute::OUTPUT_BYTES_MAX;
use crate::graph::TaskGraph;
use crate::kernel::{Kernel, KernelKind, Setting};
use crate::parameter::{ParameterError, Parameters, Value};
use crate::pattern::Size;
use crate::registry::{Registry, nearest};
use crate::system::memory::usable_memory_bytes;

/// What is run: a graph and a kernel with all their parameters, checked.
#[derive(Clone)]
pub struct Definition {
    /// How the tasks depend on each other.
    pub graph: Graph,
    /// What one task does.
    pub kernel: &'static dyn KernelKind,
    /// Valid for `kernel`.
    pub kernel_parameters: Parameters,
    /// How many bytes each task hands on beside its output word.
    pub output_bytes: u32,
}

/// The key in records, which is that in workload files.
const KERNEL: &str = <&dyn KernelKind>::SIDE;
const OUTPUT_BYTES: &str = super::key::OUTPUT_BYTES.name;

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Definition({})", self.to_json())
    }
}

impl Definition {
    /// The definition as it stands in records and goes to the process that runs it:
    /// `{"pattern": {"kind": "chain", "steps": 10}, "kernel": {"kind": "empty"}}`. Parameters that were
    /// left out of the file stand there with their default. Several graphs at once stand in a list:
    /// `"graphs": [{"kind": "chain", "steps": 10}, ..]`, and one from a file with what was found there:
    /// `"graph": {"file": "x.stg", "scale": 1, "sha256": ".."}`. `"output_bytes"` is left out where tasks hand
    /// on none.
    pub fn to_json(&self) -> Json {
        let kernel = kind_to_json(self.kernel, &self.kernel_parameters);
        let mut table = Map::from_iter([self.graph.to_json(), (KERNEL.into(), kernel)]);
        if self.output_bytes > 0 {
            table.insert(OUTPUT_BYTES.into(), self.output_bytes.into());
        }
        Json::Object(table)
    }

    /// Reads what [`to_json`](Definition::to_json) wrote, through the same checks that a file goes through.
    ///
    /// # Errors
    ///
    /// When a side is missing, unknown or does not fit its declaration, or the graph and the kernel do not fit
    /// into memory.
    pub fn from_json(json: &Json, registry: &Registry) -> Result<Self, DefinitionError> {
        let graph = Graph::from_json(json, registry)?;
        let (kernel, kernel_parameters) = kind_from_json(json.get(KERNEL), registry)?;
        let definition = Self {
            graph,
            kernel,
            kernel_parameters,
            output_bytes: output_bytes_from_json(json.get(OUTPUT_BYTES))?,
        };
        let load = definition.load();
        size::check(definition.graph_size(), load, usable_memory_bytes())?;
        Ok(definition)
    }

    /// How large the graph will be.
    pub fn graph_size(&self) -> Size {
        self.graph.size()
    }

    /// The bytes that a job of it takes at most, with those that its kernel holds.
    pub fn byte_len(&self) -> u64 {
        let bytes = self.load().byte_len(self.graph_size());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn load(&self) -> Load {
        Load::new(self.output_bytes).with_kernel(self.kernel, &self.kernel_parameters)
    }

    /// The graph.
    ///
    /// # Errors
    ///
    /// As [`Graph::build`]; a definition from a file or from JSON was checked not to be too large.
    pub fn build_graph(&self) -> Result<TaskGraph, BuildError> {
        self.graph.build()
    }

    /// A kernel for `setting`.
    ///
    /// # Errors
    ///
    /// As [`KernelKind::build`].
    pub fn build_kernel(&self, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        self.kernel.build(&self.kernel_parameters, setting)
    }
}

fn output_bytes_from_json(json: Option<&Json>) -> Result<u32, DefinitionError> {
    let Some(json) = json else { return Ok(0) };
    let count = json.as_u64().and_then(|count| u32::try_from(count).ok());
    count
        .filter(|count| *count <= OUTPUT_BYTES_MAX)
        .ok_or_else(|| DefinitionError::OutputBytes(json.to_string()))
}

/// A kind and its parameters as they stand in records.
pub(super) fn kind_to_json<K: Kind>(kind: K, parameters: &Parameters) -> Json {
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
pub(super) fn kind_from_json<K: Kind>(
    json: Option<&Json>,
    registry: &Registry,
) -> Result<(K, Parameters), DefinitionError> {
    let side = K::SIDE;
    let table = json.and_then(Json::as_object);
    let name = table.and_then(|table| table.get("kind")?.as_str());
    let (Some(table), Some(name)) = (table, name) else {
        return Err(DefinitionError::NoKind { side });
    };
    let kind = K::find(registry, name).ok_or_else(|| unknown_kind::<K>(name, registry))?;
    let mut given = BTreeMap::new();
    for (key, json) in table.iter().filter(|(key, _)| *key != "kind") {
        let Ok(value) = serde_json::from_value::<Value>(json.clone()) else {
            let key = key.clone();
            return Err(DefinitionError::NotAValue { side, key });
        };
        given.insert(key.clone(), value);
    }
    match Parameters::check(kind.declared(), &given) {
        Ok(parameters) => Ok((kind, parameters)),
        Err(error) => Err(DefinitionError::Parameter { side, error }),
    }
}

fn unknown_kind<K: Kind>(name: &str, registry: &Registry) -> DefinitionError {
    let known = K::names(registry);
    let meant = nearest(name, known.iter().copied());
    DefinitionError::UnknownKind {
        side: K::SIDE,
        name: name.into(),
        meant: meant.map(String::from),
        known: known.join(", "),
    }
}

/// Why JSON is no definition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DefinitionError {
    /// A side is absent, is no object, or does not say what kind it is.
    #[error("`{side}` is missing or has no `kind`: expected {{\"kind\": .., ..}}")]
    NoKind {
        /// `pattern` or `kernel`.
        side: &'static str,
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
        "unknown {side} {name:?}; {}known: {known}",
        meant.as_ref().map(|meant| format!("did you mean {meant:?}? ")).unwrap_or_default()
    )]
    UnknownKind {
        /// `pattern` or `kernel`.
        side: &'static str,
        /// The name as it was given.
        name: String,
        /// The nearest name there is, if one is close.
        meant: Option<String>,
        /// All names there are.
        known: String,
    },
    /// A parameter is neither a number nor a word.
    #[error("`{key}` of the {side} is neither a number nor a string")]
    NotAValue {
        /// `pattern` or `kernel`.
        side: &'static str,
        /// The parameter.
        key: String,
    },
    /// A parameter does not fit its declaration.
    #[error("{side}: {error}")]
    Parameter {
        /// `pattern` or `kernel`.
        side: &'static str,
        /// What does not fit.
        error: ParameterError,
    },
    /// The graph does not fit into ids, or with its kernel into memory.
    #[error(transparent)]
    TooLarge(#[from] SizeError),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(json: Json) -> String {
        let definition = Definition::from_json(&json, &Registry::default());
        definition.unwrap_err().to_string()
    }

    fn chain(steps: Json) -> Json {
        json!({"pattern": {"kind": "chain", "steps": steps}, "kernel": {"kind": "empty"}})
    }

    #[test]
    fn defaults_are_filled_in() {
        let json = json!({"pattern": {"kind": "trivial", "width": 3}, "kernel": {"kind": "hash"}});
        let definition = Definition::from_json(&json, &Registry::default()).unwrap();
        let expected = json!({
            "pattern": {"kind": "trivial", "width": 3, "steps": 1},
            "kernel": {"kind": "hash", "block_bytes": 4096, "times": 1},
        });
        assert_eq!(definition.to_json(), expected);
    }

    #[test]
    fn json_that_is_no_definition_is_refused() {
        let no_pattern = "`pattern` is missing or has no `kind`: expected {\"kind\": .., ..}";
        assert_eq!(refusal(json!(null)), no_pattern);
        assert_eq!(refusal(json!({"pattern": {"kind": 3}})), no_pattern);
        let unknown =
            "unknown pattern \"chian\"; did you mean \"chain\"? known: trivial, no-comm, ";
        assert!(refusal(json!({"pattern": {"kind": "chian"}})).starts_with(unknown));
        let no_graphs = "`graphs` is no list of patterns: expected [{\"kind\": .., ..}, ..]";
        assert_eq!(refusal(json!({"graphs": []})), no_graphs);
        assert_eq!(refusal(json!({"graphs": {}})), no_graphs);
        assert_eq!(refusal(json!({"graphs": [3]})), no_pattern);
        let graph =
            json!({"file": "x.stg", "scale": -1, "sha256": "", "task_count": 1, "edge_count": 0});
        let no_scale = "`graph` names no file that was read: its scale cannot be -1";
        assert_eq!(refusal(json!({ "graph": graph })), no_scale);
    }

    #[test]
    fn json_goes_through_the_checks_of_a_file() {
        let expected = "expected a whole number from 1 to 4294967295";
        assert_eq!(
            refusal(chain(json!(0))),
            format!("pattern: `steps` cannot be 0: {expected}")
        );
        assert_eq!(
            refusal(chain(json!(-1))),
            format!("pattern: `steps` cannot be -1: {expected}")
        );
        assert_eq!(
            refusal(chain(json!([1]))),
            "`steps` of the pattern is neither a number nor a string"
        );
    }

    #[test]
    fn a_graph_beyond_ids_is_refused_before_it_is_built() {
        let most = u32::MAX;
        let mut json = chain(json!(1));
        json["pattern"] = json!({"kind": "no-comm", "width": most, "steps": most});
        assert!(refusal(json).starts_with("18446744065119617025 tasks"));
    }

    #[test]
    fn what_the_kernel_holds_is_counted() {
        let json =
            json!({"pattern": {"kind": "trivial", "width": 1000}, "kernel": {"kind": "hash"}});
        let default = Definition::from_json(&json, &Registry::default()).unwrap();
        let mut large = json.clone();
        large["kernel"]["block_bytes"] = (1 << 20).into();
        let large = Definition::from_json(&large, &Registry::default()).unwrap();
        assert_eq!(large.byte_len() - default.byte_len(), (1 << 20) - 4096);
        let mut uneven = json;
        uneven["kernel"] = json!({"kind": "load-imbalance", "iterations": 1});
        let uneven = Definition::from_json(&uneven, &Registry::default()).unwrap();
        assert_eq!(uneven.byte_len(), default.byte_len() - 4096 + 1000 * 8);
    }

    #[test]
    fn a_job_and_a_kernel_that_only_fit_alone_are_refused() {
        let memory_bytes = usable_memory_bytes();
        // The largest that the parameter takes is less than some machines have.
        let kernel_bytes = (memory_bytes / 2).min(1 << 36);
        let output_bytes = 1 << 20;
        let width = (memory_bytes - kernel_bytes / 2) / (output_bytes + 64);
        let json = |kernel: Json, width: u64| {
            json!({
                "pattern": {"kind": "trivial", "width": width}, "kernel": kernel, "output_bytes": output_bytes,
            })
        };
        let reading =
            json!({"kind": "memory-bound", "lines": 1, "working_set_bytes": kernel_bytes});
        let read = |json: Json| Definition::from_json(&json, &Registry::default());
        assert!(read(json(reading.clone(), 1)).is_ok());
        assert!(read(json(json!({"kind": "empty"}), width)).is_ok());
        let error = read(json(reading, width)).unwrap_err().to_string();
        assert!(error.contains(" of memory, and the kernel "), "{error}");
    }
}
