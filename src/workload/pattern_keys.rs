//! The keys `pattern`, with its sweeps, and `graphs`, for several graphs at the same time.

use std::ops::Range;

use toml::de::DeValue;

use super::graph::{Graph, PatternGraph};
use super::kind_table::{Choice, KindTableParser};
use super::limit::VARIANTS_MAX;
use super::size::SizeError;
use super::top_key::{GRAPHS, PATTERN};
use crate::parameter::ParameterKind;
use crate::pattern::Pattern;
use crate::registry::Registry;
use crate::toml_file::{Entry, Mistake, describe};

/// One choice for the graph of the workload.
pub(super) struct GraphChoice {
    pub(super) graph: Graph,
    /// The labels `key=value` that distinguish it from the other choices.
    pub(super) labels: Vec<String>,
    /// The places of the numbers that determine its size, and what each means.
    pub(super) extents: Vec<(Range<usize>, &'static str)>,
    /// Whether it has a duration for each task.
    pub(super) has_durations: bool,
    /// Notes about its graph file, one sentence each.
    pub(super) notes: Vec<String>,
}

type PatternChoice = Choice<&'static dyn Pattern>;

/// All choices under `pattern`; empty if there is a mistake.
pub(super) fn pattern(
    value: &Entry<'_>,
    registry: &Registry,
    mistakes: &mut Vec<Mistake>,
) -> Vec<GraphChoice> {
    let mut parser = KindTableParser::new(registry, PATTERN.example);
    let choices: Vec<PatternChoice> = parser.read(value);
    mistakes.append(&mut parser.mistakes);
    let one = |choice: PatternChoice| GraphChoice {
        extents: extents(&choice),
        labels: choice.labels,
        graph: Graph::Pattern(PatternGraph {
            pattern: choice.kind,
            parameters: choice.parameters,
        }),
        has_durations: false,
        notes: Vec::new(),
    };
    choices.into_iter().map(one).collect()
}

/// The one choice under `graphs`; `None` if there is a mistake.
pub(super) fn several(
    value: &Entry<'_>,
    registry: &Registry,
    mistakes: &mut Vec<Mistake>,
) -> Option<GraphChoice> {
    let before = mistakes.len();
    let mut graphs = Vec::new();
    let mut spans = Vec::new();
    for entry in entries(value, mistakes)? {
        let Some(choice) = entry_of_several(entry, registry, mistakes) else {
            continue;
        };
        spans.append(&mut extents(&choice));
        graphs.push(PatternGraph {
            pattern: choice.kind,
            parameters: choice.parameters,
        });
    }
    (mistakes.len() == before).then_some(GraphChoice {
        graph: Graph::Several(graphs),
        labels: Vec::new(),
        extents: spans,
        has_durations: false,
        notes: Vec::new(),
    })
}

/// The entries of `graphs`; at least one.
fn entries<'v, 'i>(
    value: &'v Entry<'i>,
    mistakes: &mut Vec<Mistake>,
) -> Option<impl Iterator<Item = &'v Entry<'i>> + use<'v, 'i>> {
    let message = match value.get_ref() {
        DeValue::Array(list) if list.is_empty() => "`graphs` is an empty list".into(),
        DeValue::Array(list) if list.len() > VARIANTS_MAX => {
            format!("`graphs` contains {} graphs", list.len())
        }
        DeValue::Array(list) => return Some(list.iter()),
        other => format!("`graphs` cannot be {}", describe(other)),
    };
    let help = format!("write it like `{}`", GRAPHS.example);
    let expected = format!("expected a list of 1 to {VARIANTS_MAX} patterns");
    mistakes.push(Mistake::new(message, help).at(value.span(), expected));
    None
}

fn entry_of_several(
    entry: &Entry<'_>,
    registry: &Registry,
    mistakes: &mut Vec<Mistake>,
) -> Option<PatternChoice> {
    if !matches!(entry.get_ref(), DeValue::Table(_)) {
        let message = format!(
            "an entry of `graphs` cannot be {}",
            describe(entry.get_ref())
        );
        let help = format!("write it like `{}`", GRAPHS.example);
        let expected = "expected a table with a `kind`";
        mistakes.push(Mistake::new(message, help).at(entry.span(), expected));
        return None;
    }
    let mut parser = KindTableParser::new(registry, PATTERN.example);
    let mut choices: Vec<PatternChoice> = parser.read(entry);
    mistakes.append(&mut parser.mistakes);
    // Something swept has a label, even if its list has one entry.
    if choices.iter().any(|choice| !choice.labels.is_empty()) {
        let help = "write one value without brackets, and make one workload file per value";
        let mistake = Mistake::new("`graphs` cannot be swept", help);
        mistakes.push(mistake.at(entry.span(), "contains a list"));
        return None;
    }
    choices.pop()
}

fn extents(choice: &PatternChoice) -> Vec<(Range<usize>, &'static str)> {
    let declared = choice.kind.parameters().iter();
    let counts = declared.filter(|one| matches!(one.kind, ParameterKind::Count { .. }));
    let spans = counts.filter_map(|parameter| {
        let span = choice.spans.get(parameter.name)?;
        Some((span.clone(), parameter.why))
    });
    spans.collect()
}

impl GraphChoice {
    /// The mistake that the graph does not fit into ids or memory.
    pub(super) fn too_large(&self, error: &SizeError) -> Mistake {
        let help = format!("make it smaller: at most {} tasks", error.fit_count());
        let mistake = Mistake::new(format!("the graph is too large: {error}"), help);
        let places = self.extents.iter();
        places.fold(mistake, |mistake, (span, why)| {
            mistake.at(span.clone(), *why)
        })
    }
}
