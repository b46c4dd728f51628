//! Words and numbers of the sentences on the page.

use crate::units;

pub(super) use crate::units::counted;

/// A name as it stands in a sentence. Its backquotes show where it begins and ends.
pub(super) fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// A case in a sentence, such as `` `rayon` with 2 workers ``.
pub(super) fn case_name(label: &str, workers: u32) -> String {
    let noun = if workers == 1 { "worker" } else { "workers" };
    format!("`{label}` with {workers} {noun}")
}

/// A multiple with as many digits as people read: `1.04 ×`, `12.5 ×`, `28,000 ×`.
pub(super) fn multiple(ratio: f64) -> String {
    format!("{} ×", units::multiple(ratio))
}

/// A list in words: `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_counts_are_grammatical() {
        let of = |items: &[&str]| list(items.iter().map(|one| (*one).to_owned()));
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["a"]), "a");
        assert_eq!(of(&["a", "b", "c"]), "a, b and c");
        assert_eq!(case_name("rayon", 1), "`rayon` with 1 worker");
    }
}
