//! What in a file suggests that `a -> b` means that a needs b, as tools that draw dependences have it, and not that a
//! leads to b.
//!
//! Nothing is read differently for it: no sign is proof, and a file may have none.

/// What was seen of the graph beside its tasks.
#[derive(Default)]
pub(super) struct Signs {
    /// Empty if it has none.
    pub(super) graph_name: String,
    /// How many labels nodes were given.
    pub(super) label_count: usize,
    /// Whether ranks go from right to left or from bottom to top, against the arrows' usual way.
    is_drawn_backwards: bool,
}

/// Names of graphs that tell what their edges are, in lower case and without what joins words.
const NAMES: [&str; 9] = [
    "deps",
    "depgraph",
    "depends",
    "dependson",
    "dependency",
    "dependencies",
    "dependencygraph",
    "requirements",
    // Of `systemd-analyze dot`.
    "systemd",
];

impl Signs {
    pub(super) fn note_attribute(&mut self, key: &str, value: &str) {
        if key == "rankdir" {
            self.is_drawn_backwards = matches!(value, "RL" | "BT");
        }
    }

    /// The first sign that there is, as the beginning of a sentence.
    pub(super) fn depends_on(
        &self,
        names: &[String],
        dependences: &[(u32, u32)],
    ) -> Option<String> {
        if dependences.is_empty() {
            return None;
        }
        let joined = self.graph_name.replace(['-', '_', ' '], "");
        let name = joined.to_lowercase();
        if NAMES.contains(&&*name) {
            return Some(format!("the graph is named {:?}", self.graph_name));
        }
        if names.iter().any(|name| name.starts_with("[root] ")) {
            return Some("its nodes are named as terraform names them".into());
        }
        if names.iter().all(|name| is_label_of_bazel(name)) {
            return Some("its nodes are named as bazel names them".into());
        }
        if self.is_drawn_backwards {
            return Some("it is drawn against its arrows (`rankdir`)".into());
        }
        if self.is_of_cargo(names, dependences) {
            return Some("its nodes are numbered as cargo-depgraph numbers them, from the one that needs all others".into());
        }
        None
    }

    /// Whether all nodes are numbered in order and have labels, and the first one is the only source before several
    /// sinks: a package above what it needs.
    fn is_of_cargo(&self, names: &[String], dependences: &[(u32, u32)]) -> bool {
        let mut numbers = names.iter().zip(0u32..);
        let are_numbered = numbers.all(|(name, number)| *name == number.to_string());
        if !are_numbered || self.label_count != names.len() {
            return false;
        }
        let mut is_source = vec![true; names.len()];
        let mut is_sink = vec![true; names.len()];
        for (before, task) in dependences {
            is_source[*task as usize] = false;
            is_sink[*before as usize] = false;
        }
        let count = |all: &[bool]| all.iter().filter(|is_one| **is_one).count();
        is_source[0] && count(&is_source) == 1 && count(&is_sink) > 1
    }
}

/// `//package:target`, or the same in a repository that is named before it. Several that look alike stand in one node,
/// a line each.
fn is_label_of_bazel(name: &str) -> bool {
    name.starts_with("//") || (name.starts_with('@') && name.contains("//"))
}
