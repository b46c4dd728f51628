//! The graph of a workload.

use serde_json::Value as Json;

use super::file_graph::{FileError, FileGraph, SCALES};
use super::json::{DefinitionError, kind_from_json, kind_to_json};
use crate::graph::{GraphError, TaskGraph, side_by_side};
use crate::parameter::Parameters;
use crate::pattern::{Pattern, Size};
use crate::registry::Registry;

/// The graph or graphs of a workload.
#[derive(Clone)]
pub enum Graph {
    /// A graph from a pattern.
    Pattern(PatternGraph),
    /// Several independent graphs that run at the same time; at least one.
    Several(Vec<PatternGraph>),
    /// A graph from a file.
    File(FileGraph),
}

/// A pattern with all its parameters, which have been checked.
#[derive(Clone)]
pub struct PatternGraph {
    /// The pattern.
    pub pattern: &'static dyn Pattern,
    /// The parameters of `pattern`, which it accepts.
    pub parameters: Parameters,
}

/// The keys in records, the same as in workload files.
const PATTERN: &str = "pattern";
const GRAPHS: &str = "graphs";
const GRAPH: &str = "graph";

/// Why a graph could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It has more tasks or edges than ids can number.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Its file no longer exists, or has changed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Graph {
    /// The number of tasks and edges, without building the graph.
    pub fn size(&self) -> Size {
        match self {
            Self::Pattern(graph) => graph.size(),
            Self::Several(graphs) => graphs.iter().map(PatternGraph::size).sum(),
            Self::File(graph) => graph.size(),
        }
    }

    /// The graph.
    ///
    /// # Errors
    ///
    /// If it has more tasks or edges than ids can number, or if its file no longer exists or has changed.
    pub fn build(&self) -> Result<TaskGraph, BuildError> {
        Ok(match self {
            Self::Pattern(graph) => graph.build()?,
            Self::Several(graphs) => {
                let graphs: Result<Vec<_>, _> = graphs.iter().map(PatternGraph::build).collect();
                side_by_side(&graphs?)?
            }
            Self::File(graph) => graph.build()?,
        })
    }

    /// Its key in records, and the value of this key.
    pub(super) fn to_json(&self) -> (String, Json) {
        match self {
            Self::Pattern(graph) => (PATTERN.into(), graph.to_json()),
            Self::Several(graphs) => {
                let list = graphs.iter().map(PatternGraph::to_json).collect();
                (GRAPHS.into(), Json::Array(list))
            }
            Self::File(graph) => {
                let table = serde_json::to_value(graph).expect("a path that was read is text");
                (GRAPH.into(), table)
            }
        }
    }

    /// Parses the output of [`to_json`](Graph::to_json) from the object that contains it.
    pub(super) fn from_json(json: &Json, registry: &Registry) -> Result<Self, DefinitionError> {
        if let Some(graph) = json.get(GRAPH) {
            let file: FileGraph = serde_json::from_value(graph.clone())
                .map_err(|error| DefinitionError::NotAFile(error.to_string()))?;
            if !SCALES.contains(&file.scale) {
                let message = format!("its scale cannot be {}", file.scale);
                return Err(DefinitionError::NotAFile(message));
            }
            return Ok(Self::File(file));
        }
        let Some(graphs) = json.get(GRAPHS) else {
            return PatternGraph::from_json(json.get(PATTERN), registry).map(Self::Pattern);
        };
        match graphs.as_array() {
            Some(list) if !list.is_empty() => {
                let graphs = list
                    .iter()
                    .map(|one| PatternGraph::from_json(Some(one), registry));
                graphs.collect::<Result<_, _>>().map(Self::Several)
            }
            _ => Err(DefinitionError::NotGraphs),
        }
    }
}

impl PatternGraph {
    fn size(&self) -> Size {
        self.pattern.size(&self.parameters)
    }

    fn build(&self) -> Result<TaskGraph, GraphError> {
        self.pattern.build(&self.parameters)
    }

    fn to_json(&self) -> Json {
        kind_to_json(self.pattern, &self.parameters)
    }

    fn from_json(json: Option<&Json>, registry: &Registry) -> Result<Self, DefinitionError> {
        let (pattern, parameters) = kind_from_json(json, registry)?;
        Ok(Self {
            pattern,
            parameters,
        })
    }
}
