use std::fmt;
use std::io;

use serde_json::{Map, Value as Json};

use super::graph::{BuildError, Graph};
use super::json::{DefinitionError, kind_from_json, kind_to_json};
use super::pattern_or_kernel::PatternOrKernel;
use super::size::{self, MemoryNeed};
use crate::execute::OUTPUT_BYTES_MAX;
use crate::graph::TaskGraph;
use crate::kernel::{Kernel, KernelKind, Setting};
use crate::parameter::Parameters;
use crate::pattern::Size;
use crate::registry::Registry;
use crate::system::memory::usable_memory_bytes;

/// What a case runs: a graph and a kernel with all their parameters. All of it has been checked.
#[derive(Clone)]
pub struct Definition {
    /// The tasks and their dependences.
    pub graph: Graph,
    /// The kernel, which each task runs.
    pub kernel: &'static dyn KernelKind,
    /// The parameters of `kernel`, which it accepts.
    pub kernel_parameters: Parameters,
    /// The number of bytes that each task passes to its dependents, in addition to its output word.
    pub output_bytes: u32,
}

/// The key in records, the same as in workload files.
const KERNEL: &str = <&dyn KernelKind>::KEY;
const OUTPUT_BYTES: &str = super::top_key::OUTPUT_BYTES.name;

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Definition({})", self.to_json())
    }
}

impl Definition {
    /// The definition as JSON, as in records and in requests to child processes: `{"pattern": {"kind": "chain",
    /// "steps": 10}, "kernel": {"kind": "empty"}}`. Parameters that the file leaves out have their default. Several
    /// concurrent graphs are a list: `"graphs": [{"kind": "chain", "steps": 10}, ..]`, and a graph from a file comes
    /// with what the file contained: `"graph": {"file": "x.stg", "scale": 1, "sha256": ".."}`. `"output_bytes"` is
    /// absent if it is 0.
    pub fn to_json(&self) -> Json {
        let kernel = kind_to_json(self.kernel, &self.kernel_parameters);
        let mut table = Map::from_iter([self.graph.to_json(), (KERNEL.into(), kernel)]);
        if self.output_bytes > 0 {
            table.insert(OUTPUT_BYTES.into(), self.output_bytes.into());
        }
        Json::Object(table)
    }

    /// Parses the output of [`to_json`](Definition::to_json), with the same checks as for a workload file.
    ///
    /// # Errors
    ///
    /// If a pattern or kernel is missing, unknown or does not match its declaration, or if the graph and the kernel do
    /// not fit into memory.
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

    /// The number of tasks and edges of the graph, without building it.
    pub fn graph_size(&self) -> Size {
        self.graph.size()
    }

    /// The most bytes that a job of this definition takes, including its kernel.
    pub fn byte_len(&self) -> u64 {
        let bytes = self.load().byte_len(self.graph_size());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn load(&self) -> MemoryNeed {
        MemoryNeed::new(self.output_bytes).with_kernel(self.kernel, &self.kernel_parameters)
    }

    /// Builds the graph.
    ///
    /// # Errors
    ///
    /// As for [`Graph::build`]. A definition from a file or from JSON is never too large.
    pub fn build_graph(&self) -> Result<TaskGraph, BuildError> {
        self.graph.build()
    }

    /// Builds the kernel for `setting`.
    ///
    /// # Errors
    ///
    /// As for [`KernelKind::build`].
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
        let unknown = "unknown pattern \"chian\"; did you mean `chain`? known: trivial, no-comm, ";
        assert!(refusal(json!({"pattern": {"kind": "chian"}})).starts_with(unknown));
        let no_graphs = "`graphs` is not a list of patterns: expected [{\"kind\": .., ..}, ..]";
        assert_eq!(refusal(json!({"graphs": []})), no_graphs);
        assert_eq!(refusal(json!({"graphs": {}})), no_graphs);
        assert_eq!(refusal(json!({"graphs": [3]})), no_pattern);
        let graph =
            json!({"file": "x.stg", "scale": -1, "sha256": "", "task_count": 1, "edge_count": 0});
        let no_scale =
            "`graph` does not describe a graph file that was read: its scale cannot be -1";
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
        // The largest value that the parameter accepts is less than the memory of some machines.
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
