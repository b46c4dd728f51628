//! A comparison as a comment on a pull request: the worst outcome first, and never longer than a comment may be.

use std::fmt::Write;

use crate::compare::{ComparedCase, Comparison, ComparisonSource, Verdict};
use crate::report::verdict::{
    CaseLine, LineKind, NONE, conclusion, counts, fitness, lines, machine, percent, threshold,
    title,
};
use crate::text::{markdown, markdown_code};

/// The largest number of characters. GitHub refuses a comment with more than 65,536, and what posts it may add some.
const MOST: usize = 60_000;
/// The largest number of characters of a name, a note or a sentence, before it is escaped.
const MOST_OF_TEXT: usize = 400;
/// What is kept free for the lines that say what is left out.
const RESERVE: usize = 1_000;

/// All comparisons, which share the space equally.
pub(super) fn comment(comparisons: &[Comparison]) -> String {
    let share = MOST / comparisons.len().max(1);
    let all = comparisons.iter().map(|one| comparison(one, share));
    cut(all.collect())
}

/// One comparison. Cases that do not fit into `most` characters are only counted.
fn comparison(comparison: &Comparison, most: usize) -> String {
    let lines = lines(comparison);
    let is_quiet = |line: &CaseLine| line.kind == LineKind::Verdict(Verdict::Unchanged);
    let (quiet, loud): (Vec<&CaseLine>, Vec<&CaseLine>) =
        lines.iter().partition(|line| is_quiet(line));
    let mut text = format!(
        "### taskdyno: {}\n\n{}\n\n",
        markdown(&counts(&lines)),
        cell(&title(comparison))
    );
    let remarks = remarks(comparison, &lines);
    let taken = length(&text) + length(&remarks) + RESERVE;
    let mut table = Table {
        has_times: lines.iter().any(|line| line.times.is_some()),
        room: most.saturating_sub(taken),
    };
    text += &table.of(&loud);
    if !quiet.is_empty() {
        let _ = write!(
            text,
            "<details><summary>{} unchanged</summary>\n\n{}</details>\n\n",
            quiet.len(),
            table.of(&quiet)
        );
    }
    text + &remarks + "\n"
}

/// What readers must know besides the table, and the conclusion.
fn remarks(comparison: &Comparison, lines: &[CaseLine]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for sentence in fitness(comparison) {
        let _ = writeln!(text, "- {}", cell(&sentence));
    }
    let _ = writeln!(text, "- {}", cell(&machine(comparison)));
    let mut judgements = comparison.cases.iter().filter_map(ComparedCase::judgement);
    if let Some(first) = judgements.next() {
        let level = match judgements.all(|one| one.alpha == first.alpha) {
            true => format!("Intervals are at {}", percent(1.0 - first.alpha)),
            // Among several cases, each interval has the level at which its case was decided.
            false => format!(
                "Intervals are at {} or more",
                percent(1.0 - comparison.alpha)
            ),
        };
        let how = match comparison.source {
            ComparisonSource::Gate => "pairs of processes that ran in alternation",
            ComparisonSource::Records => "stored records",
        };
        let _ = writeln!(
            text,
            "- {level}, from {how}. Changes smaller than {} are ignored.",
            threshold(comparison)
        );
    }
    if let Some(sentence) = conclusion(comparison, lines) {
        let _ = writeln!(text, "\n{}", cell(&sentence));
    }
    text
}

/// Makes tables as long as there is room.
struct Table {
    has_times: bool,
    /// The number of characters that all tables together may still have.
    room: usize,
}

impl Table {
    /// The first of these lines, and how many others there are of each kind. Empty if there are no lines.
    fn of(&mut self, lines: &[&CaseLine]) -> String {
        if lines.is_empty() {
            return String::new();
        }
        let (times, rule) = match self.has_times {
            true => (" before → after |", "--:|"),
            false => ("", ""),
        };
        let mut text = format!(
            "| | case |{times} wall time | interval | CPU time | |\n|---|---|{rule}--:|--:|--:|---|\n"
        );
        self.room = self.room.saturating_sub(length(&text));
        let mut shown = 0;
        for line in lines {
            let row = self.row(line);
            let Some(left) = self.room.checked_sub(length(&row)) else {
                // What is worse comes first, so a shorter row below must not take its place.
                self.room = 0;
                break;
            };
            self.room = left;
            shown += 1;
            text += &row;
        }
        if shown < lines.len() {
            let rest: Vec<CaseLine> = lines[shown..].iter().map(|line| (*line).clone()).collect();
            let _ = write!(
                text,
                "\n{} more cases do not fit here: {}.\n",
                rest.len(),
                counts(&rest)
            );
        }
        text + "\n"
    }

    fn row(&self, line: &CaseLine) -> String {
        let times = match self.has_times {
            true => format!(" {} |", line.times.as_deref().unwrap_or(NONE)),
            false => String::new(),
        };
        format!(
            "| {} {} | {} |{times} {} | {} | {} | {} |\n",
            mark(line.kind),
            line.kind.name(),
            markdown_code(&short(&line.id)),
            line.wall,
            line.interval,
            line.cpu,
            cell(&line.note)
        )
    }
}

/// Literal text that is not too long.
fn cell(text: &str) -> String {
    markdown(&short(text))
}

/// The text, or its beginning.
fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_OF_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Removes lines at the end that do not fit: with very many comparisons, what surrounds the tables is too long by itself.
fn cut(text: String) -> String {
    if length(&text) <= MOST {
        return text;
    }
    let kept: String = text.chars().take(MOST - RESERVE).collect();
    let end = kept.rfind('\n').map_or(0, |end| end + 1);
    format!("{}\nThe rest does not fit here.\n", &kept[..end])
}

/// A mark that can be recognised without colour.
fn mark(kind: LineKind) -> &'static str {
    match kind {
        kind if kind.fails() => "⛔",
        LineKind::Verdict(Verdict::Regressed) => "🔺",
        LineKind::Verdict(Verdict::Inconclusive) => "❔",
        LineKind::Verdict(Verdict::Improved) => "🟢",
        LineKind::Verdict(Verdict::Unchanged) => "✔",
        _ => "✨",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture::{compared, judgement};
    use crate::report::verdict::tests::varied;

    /// A comparison with many cases of each verdict, and names of this length.
    fn large(count: usize, name: usize) -> Comparison {
        let verdicts = Verdict::ALL.into_iter().cycle().take(count);
        let cases = verdicts.enumerate().map(|(number, verdict)| {
            let workload = format!("{number}-{}", "@".repeat(name));
            compared(&workload, Some(judgement(verdict, 1.0)))
        });
        Comparison {
            cases: cases.collect(),
            ..varied()
        }
    }

    fn rows(text: &str) -> usize {
        text.lines().filter(|line| line.starts_with("| ")).count()
    }

    #[test]
    fn what_does_not_fit_is_counted_the_best_first() {
        let text = comment(&[large(4000, 10)]);
        assert!(length(&text) <= MOST, "{}", length(&text));
        assert!(length(&text) > MOST / 2, "{}", length(&text));
        let shown = rows(&text);
        let left_out: usize = text
            .lines()
            .filter_map(|line| line.split_once(" more cases do not fit here"))
            .map(|(count, _)| count.parse::<usize>().unwrap())
            .sum();
        // Both tables have a heading, and two cases have only one side.
        assert_eq!(shown - 2 + left_out, 4000 + 2);
        let (fits, _) = text.split_once("more cases do not fit").unwrap();
        assert!(fits.contains("regressed") && !fits.contains("🟢"));
        assert!(text.contains("1000 unchanged.\n"));
        assert!(text.contains("`0-"), "the worst is shown: {text}");
    }

    #[test]
    fn no_text_makes_it_too_long() {
        for (comparisons, count, name) in [(1, 100, 100_000), (200, 20, 1), (1, 0, 0), (0, 0, 0)] {
            let mut one = large(count, name);
            one.advisory = vec!["@a ".repeat(300); 200];
            one.head.name = "#1 ".repeat(1000);
            let text = comment(&vec![one; comparisons]);
            assert!(length(&text) <= MOST, "{}", length(&text));
            assert_eq!(text.is_empty(), comparisons == 0);
        }
    }
}
