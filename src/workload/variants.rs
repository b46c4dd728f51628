//! Combines the graphs, the kernels and the outputs of a file into variants.

use std::ops::Range;

use toml::Spanned;

use super::kind_table::{Choice, KindTableParser};
use super::limit::{VARIANTS_MAX, too_many_variants};
use super::parse::File;
use super::pattern_keys::GraphChoice;
use super::size::{self, MemoryNeed};
use super::top_key::{CERTIFIED_OPTIMUM, GRAPH, GRAPH_KEYS, KERNEL, OUTPUT_BYTES};
use super::{Definition, Variant};
use crate::execute::OUTPUT_BYTES_MAX;
use crate::kernel::KernelKind;
use crate::parameter::{Parameter, ParameterKind, Value};
use crate::toml_file::Mistake;
use crate::units;

/// A value of `output_bytes`.
pub(super) struct OutputChoice {
    output_bytes: u32,
    /// The label `output_bytes=..` if it is an entry of a list.
    label: Option<String>,
    /// Its place; `None` if the file does not have it.
    span: Option<Range<usize>>,
}

const OUTPUT: Parameter = Parameter {
    name: OUTPUT_BYTES.name,
    why: "how many bytes a task passes to its dependents, which check all of them",
    kind: ParameterKind::Count {
        min: 0,
        max: OUTPUT_BYTES_MAX as u64,
    },
    default: None,
};

type KernelChoice = Choice<&'static dyn KernelKind>;

impl File<'_> {
    /// All values of `output_bytes`; empty if there is a mistake.
    pub(super) fn outputs(&mut self) -> Vec<OutputChoice> {
        let Some(value) = self.keys.table.get(OUTPUT.name) else {
            return vec![OutputChoice {
                output_bytes: 0,
                label: None,
                span: None,
            }];
        };
        let mut parser = KindTableParser::new(self.registry, OUTPUT_BYTES.example);
        let axis = parser.axis(&OUTPUT, value);
        self.keys.mistakes.append(&mut parser.mistakes);
        let choice = |(value, span): (Value, Range<usize>)| OutputChoice {
            label: axis.is_swept.then(|| format!("{}={value}", OUTPUT.name)),
            output_bytes: match value {
                Value::Count(count) => count as u32,
                other => unreachable!("a count does not accept {other}"),
            },
            span: Some(span),
        };
        axis.values.into_iter().map(choice).collect()
    }

    pub(super) fn refuse_what_does_not_fit(
        &mut self,
        graphs: &[GraphChoice],
        kernels: &[KernelChoice],
        outputs: &[OutputChoice],
        memory_bytes: u64,
    ) {
        // Checking only the largest value reports each graph once.
        let Some(output) = outputs.iter().max_by_key(|output| output.output_bytes) else {
            return;
        };
        let load = MemoryNeed::new(output.output_bytes);
        for choice in graphs {
            let size = choice.graph.size();
            let with = |kernel: &KernelChoice| load.with_kernel(kernel.kind, &kernel.parameters);
            let held = |kernel: &KernelChoice| with(kernel).kernel_byte_len(size);
            // Kernels that do not fit even without a graph are reported separately.
            let fitting = kernels
                .iter()
                .filter(|kernel| kernel.kind.byte_len(&kernel.parameters) <= memory_bytes);
            let kernel = fitting.max_by_key(|kernel| held(kernel));
            let checked = size::check(size, kernel.map_or(load, with), memory_bytes);
            let Err(error) = checked else { continue };
            let mut mistake = choice.too_large(&error);
            if let Some(span) = &output.span {
                mistake = mistake.at(span.clone(), "the bytes that each task passes on");
            }
            if let Some(kernel) = kernel.filter(|kernel| held(kernel) > 0) {
                mistake = mistake.at(kernel.table_span.clone(), "the memory of the kernel");
            }
            self.keys.mistakes.push(mistake);
        }
    }

    pub(super) fn refuse_kernels_that_do_not_fit(
        &mut self,
        kernels: &[KernelChoice],
        memory_bytes: u64,
    ) {
        for choice in kernels {
            let bytes = choice.kind.byte_len(&choice.parameters);
            if bytes <= memory_bytes {
                continue;
            }
            let message = format!(
                "the kernel needs {} of memory, and this machine has {}",
                units::size(bytes),
                units::size(memory_bytes)
            );
            let mistake = Mistake::new(message, "make it smaller");
            self.keys
                .mistakes
                .push(mistake.at(choice.table_span.clone(), "this kernel"));
        }
    }

    /// Reports a certified optimum of tasks without known durations, which it cannot be compared with.
    pub(super) fn refuse_an_optimum_of_unknown_durations(&mut self, kernels: &[KernelChoice]) {
        let Some(kernel) = kernels.iter().find(|one| !one.kind.knows_durations()) else {
            return;
        };
        let message = format!(
            "`{}` needs tasks with known durations, which those of \"{}\" do not have",
            CERTIFIED_OPTIMUM.name,
            kernel.kind.name()
        );
        let help = "use the kernel \"replay\", \"sleep\" or \"busy-wait\", or remove the optimum";
        let mistake = Mistake::new(message, help);
        self.keys
            .mistakes
            .push(mistake.at(kernel.table_span.clone(), "this kernel"));
    }

    pub(super) fn refuse_missing_durations(
        &mut self,
        graphs: &[GraphChoice],
        kernels: &[KernelChoice],
    ) {
        let needs = kernels.iter().find(|choice| choice.kind.needs_durations());
        let is_without = |choice: &GraphChoice| !choice.has_durations;
        let (Some(kernel), true) = (needs, graphs.iter().any(is_without)) else {
            return;
        };
        let mistake = Mistake::new(
            format!(
                "\"{}\" needs the duration of each task, and the graph has none",
                kernel.kind.name()
            ),
            format!(
                "use a graph file with durations: `{}`; or use another kernel",
                GRAPH.example
            ),
        );
        let mistake = mistake.at(kernel.table_span.clone(), "this kernel");
        self.keys
            .mistakes
            .push(mistake.at(self.graph_span(), "a graph without durations"));
    }

    /// Reports a certified optimum of several graphs or durations, because it applies to one of them only.
    pub(super) fn refuse_one_optimum_of_several(
        &mut self,
        graphs: &[GraphChoice],
        kernels: &[KernelChoice],
    ) {
        let are_durations_swept =
            kernels.len() > 1 && kernels.iter().any(|choice| !choice.kind.needs_durations());
        if graphs.len() <= 1 && !are_durations_swept {
            return;
        }
        let span = |name| self.keys.table.get(name).map(Spanned::span);
        let mistake = Mistake::new(
            format!("`{}` applies to one graph only", CERTIFIED_OPTIMUM.name),
            "make one workload file per graph, and per duration that has its own optimum",
        );
        let mistake = mistake.at(
            span(CERTIFIED_OPTIMUM.name).unwrap_or_default(),
            "for which of them?",
        );
        self.keys.mistakes.push(match graphs.len() {
            0 | 1 => mistake.at(span(KERNEL.name).unwrap_or_default(), "several kernels"),
            _ => mistake.at(self.graph_span(), "several graphs"),
        });
    }

    /// Combines every graph with every kernel and every value of `output_bytes`.
    pub(super) fn variants(
        &mut self,
        graphs: &[GraphChoice],
        kernels: &[KernelChoice],
        outputs: &[OutputChoice],
    ) -> Vec<Variant> {
        let counts = [graphs.len(), kernels.len(), outputs.len()];
        if counts.iter().fold(1, |all, one| one.saturating_mul(all)) > VARIANTS_MAX {
            let span = |name| self.keys.table.get(name).map(Spanned::span);
            let spans = [
                Some(self.graph_span()),
                span(KERNEL.name),
                span(OUTPUT.name),
            ];
            let mut mistake = too_many_variants();
            for (span, count) in spans.into_iter().zip(counts) {
                if let Some(span) = span {
                    mistake = mistake.at(span, format!("{count} entries"));
                }
            }
            self.keys.mistakes.push(mistake);
            return Vec::new();
        }
        let mut variants = Vec::new();
        for graph in graphs {
            for kernel in kernels {
                variants.extend(outputs.iter().map(|output| variant(graph, kernel, output)));
            }
        }
        variants
    }

    /// The place of the key that defines the graph.
    fn graph_span(&self) -> Range<usize> {
        let mut values = GRAPH_KEYS
            .iter()
            .filter_map(|key| self.keys.table.get(key.name));
        values.next().map(Spanned::span).unwrap_or_default()
    }
}

fn variant(graph: &GraphChoice, kernel: &KernelChoice, output: &OutputChoice) -> Variant {
    let labels = graph
        .labels
        .iter()
        .chain(&kernel.labels)
        .chain(&output.label);
    Variant {
        label: labels.cloned().collect::<Vec<_>>().join(","),
        definition: Definition {
            graph: graph.graph.clone(),
            kernel: kernel.kind,
            kernel_parameters: kernel.parameters.clone(),
            output_bytes: output.output_bytes,
        },
    }
}
