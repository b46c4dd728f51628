//! Attributes of nodes: their durations.

use super::super::billionths;
use super::super::refusal::{Refusal, quoted};
use super::Parser;
use super::lexer::Kind;

/// What a node or the defaults of nodes state, in billionths.
#[derive(Clone, Copy, Default)]
pub(super) struct Durations {
    pub(super) duration: Option<u64>,
    pub(super) weight: Option<u64>,
}

impl Durations {
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            duration: self.duration.or(other.duration),
            weight: self.weight.or(other.weight),
        }
    }
}

/// What attributes stand behind.
#[derive(Clone, Copy)]
pub(super) enum Bearer {
    Node(u32),
    /// All nodes that follow between the same braces.
    Defaults,
    /// The graph, or a part of it.
    Graph,
    /// An edge.
    Other,
}

impl Parser<'_> {
    /// The durations in all the `[..]` that stand here.
    pub(super) fn attributes(&mut self, bearer: Bearer) -> Result<Durations, Refusal> {
        let mut stated = Durations::default();
        while self.accept(&Kind::Sign(b'['))? {
            while !self.accept(&Kind::Sign(b']'))? {
                let (key, _) = self.expect_id("an attribute or `]`")?;
                // Without a value it stands for `true`.
                if self.accept(&Kind::Sign(b'='))? {
                    let (value, start) = self.expect_id("a value")?;
                    match (&*key, bearer) {
                        (_, Bearer::Other) => {}
                        (_, Bearer::Graph) => self.signs.note_attribute(&key, &value),
                        ("label", Bearer::Node(_)) => self.signs.label_count += 1,
                        ("duration", _) => {
                            stated.duration = Some(self.duration(bearer, &value, start)?)
                        }
                        ("weight", _) => {
                            stated.weight = Some(self.duration(bearer, &value, start)?)
                        }
                        _ => {}
                    }
                }
                if !self.accept(&Kind::Sign(b','))? {
                    self.accept(&Kind::Sign(b';'))?;
                }
            }
        }
        Ok(stated)
    }

    fn duration(&self, bearer: Bearer, value: &str, start: usize) -> Result<u64, Refusal> {
        let task = || match bearer {
            Bearer::Node(node) => self.task(node),
            Bearer::Defaults | Bearer::Graph | Bearer::Other => "each task by default".into(),
        };
        let duration = match value.trim().parse() {
            Ok(duration) => billionths(duration, task),
            Err(_) => Err(Refusal::new(
                format!(
                    "the duration of {} is {}, which is no number",
                    task(),
                    quoted(value)
                ),
                "write a number without a unit; a unit is what the workload scales",
            )),
        };
        duration.map_err(|refusal| refusal.at_byte(start))
    }

    /// A node for messages. Slow: looks through all of them.
    pub(super) fn task(&self, node: u32) -> String {
        let mut all = self.numbers.iter();
        let name = all.find(|(_, number)| **number == node);
        format!("task {}", quoted(name.map_or("", |(name, _)| name)))
    }
}
