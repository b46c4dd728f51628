//! What holds for many cases of a comparison is said once.

use super::{CaseLine, LineKind};

/// A note of so many cases, or of all cases if there are several, is said once.
const MANY: usize = 4;

/// The rows of a table, and what holds for many of them: one sentence per note, the most frequent first. Cases that only one
/// side has come last.
pub(super) fn without_common_notes(lines: &[CaseLine]) -> (Vec<CaseLine>, Vec<String>) {
    let is_one_sided = |line: &&CaseLine| matches!(line.kind, LineKind::OneSided { .. });
    let (last, first): (Vec<&CaseLine>, Vec<&CaseLine>) = lines.iter().partition(is_one_sided);
    let mut rows: Vec<CaseLine> = first.into_iter().chain(last).cloned().collect();

    let mut counts: Vec<(String, usize)> = Vec::new();
    for note in rows
        .iter()
        .map(|row| &row.note)
        .filter(|note| !note.is_empty())
    {
        match counts.iter_mut().find(|(other, _)| other == note) {
            Some((_, count)) => *count += 1,
            None => counts.push((note.clone(), 1)),
        }
    }
    let is_common = |count: usize| count >= MANY || (count > 1 && count == rows.len());
    counts.retain(|(_, count)| is_common(*count));
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for row in &mut rows {
        if counts.iter().any(|(note, _)| *note == row.note) {
            row.note.clear();
        }
    }
    let total = rows.len();
    let said = |(note, count): (String, usize)| format!("{count} of {total} cases: {note}");
    (rows, counts.into_iter().map(said).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Side, Verdict};
    use crate::record::Channel;

    fn row(id: &str, kind: LineKind, note: &str) -> CaseLine {
        CaseLine {
            id: id.into(),
            kind,
            judged: Channel::Wall,
            times: None,
            wall: String::new(),
            interval: String::new(),
            cpu: String::new(),
            note: note.into(),
        }
    }

    #[test]
    fn what_holds_for_many_is_said_once_and_one_sided_cases_come_last() {
        let open = LineKind::Verdict(Verdict::Inconclusive);
        let gone = LineKind::OneSided {
            lacks: Side::Head,
            fails: true,
        };
        let mut lines = vec![row("gone", gone, "only the base has it")];
        for id in ["a", "b", "c", "d"] {
            lines.push(row(id, open, "too few sessions"));
        }
        lines.push(row("e", open, "not steady"));
        let (rows, common) = without_common_notes(&lines);
        assert_eq!(common, ["4 of 6 cases: too few sessions"]);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.id.as_str(), row.note.as_str()))
            .collect();
        let expected = [
            ("a", ""),
            ("b", ""),
            ("c", ""),
            ("d", ""),
            ("e", "not steady"),
            ("gone", "only the base has it"),
        ];
        assert_eq!(shown, expected);
        // A note of few cases stays with them.
        assert_eq!(without_common_notes(&lines[..3]).1, Vec::<String>::new());
        assert_eq!(without_common_notes(&lines[1..3]).1.len(), 1);
    }
}
