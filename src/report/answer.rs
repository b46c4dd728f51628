//! The answer at first sight: which family of backends suits which workload, and by how much.

use super::model::{ALPHA, Group, LIMIT_FAMILY, Measured, Report, Row, RowOutcome};
use crate::record::Channel;
use crate::stats::{Ratio, ratio_of_medians};
use crate::units;

/// The families of backends in Rust, in the order of their columns. Those of other languages follow, then
/// [`LIMIT_FAMILY`].
const FAMILIES: [&str; 5] = ["serial", "threads", "async", "processes", "mixed"];

/// Up to so many backends that are tied are named.
const NAMED_COUNT: usize = 3;

/// The best case of every family on every workload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Overview {
    /// The families that occur, in the order of their columns.
    pub families: Vec<String>,
    /// One answer per group of the report, in the same order.
    pub answers: Vec<Answer>,
}

/// The answer for one workload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The best case of each family, in the order of [`Overview::families`]; `None` if no case is of this family.
    pub cells: Vec<Option<Best>>,
    /// The answer as a sentence with backends in backquotes.
    pub sentence: String,
}

/// The best case of one family on one workload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Best {
    /// The position of the case among the rows of the group.
    pub row: usize,
    /// Its median as a multiple of the best median; `None` if all cases of the family failed.
    pub ratio: Option<f64>,
    /// Whether it is the best of all families, or tied with the best.
    pub is_first: bool,
}

impl Overview {
    /// The overview of a report.
    pub(crate) fn new(report: &Report) -> Self {
        let rows = report.groups.iter().flat_map(|group| &group.rows);
        let mut families: Vec<String> = rows.map(|row| row.family.clone()).collect();
        families.sort_by_cached_key(|family| (place(family), family.clone()));
        families.dedup();
        let answers = report.groups.iter().map(|group| Answer {
            cells: families.iter().map(|family| best(group, family)).collect(),
            sentence: sentence(group),
        });
        Self {
            answers: answers.collect(),
            families,
        }
    }
}

/// Where the column of a family stands.
fn place(family: &str) -> usize {
    let known = FAMILIES.iter().position(|known| *known == family);
    let last = if family == LIMIT_FAMILY { 2 } else { 1 };
    known.unwrap_or(FAMILIES.len() * last)
}

fn best(group: &Group, family: &str) -> Option<Best> {
    // Measured rows come first, and the fastest of a family comes first among them unless it is tied.
    let rows = group.rows.iter().enumerate();
    let own = rows.filter(|(_, row)| row.family == family);
    let median = |row: &Row| match &row.outcome {
        RowOutcome::Measured(measured) => measured.median_ns,
        RowOutcome::Failed(_) => f64::INFINITY,
    };
    let (index, row) = own.min_by(|(_, a), (_, b)| median(a).total_cmp(&median(b)))?;
    let measured = match &row.outcome {
        RowOutcome::Measured(measured) => Some(measured),
        RowOutcome::Failed(_) => None,
    };
    Some(Best {
        row: index,
        ratio: measured.and_then(|one| one.ratio).map(|ratio| ratio.ratio),
        is_first: measured.is_some_and(|one| one.rank == Some(1)),
    })
}

/// The fastest case of each backend, from fastest to slowest, without the practical limit.
fn champions(group: &Group) -> Vec<(&Row, &Measured)> {
    let mut rows: Vec<_> = group.measured().filter(|(row, _)| !row.is_limit).collect();
    rows.sort_by(|(_, a), (_, b)| a.median_ns.total_cmp(&b.median_ns));
    let mut champions: Vec<(&Row, &Measured)> = Vec::new();
    for (row, measured) in rows {
        if !champions.iter().any(|(other, _)| other.label == row.label) {
            champions.push((row, measured));
        }
    }
    champions
}

/// The answer as a sentence.
fn sentence(group: &Group) -> String {
    let champions = champions(group);
    let (first, others): (Vec<_>, Vec<_>) = champions
        .into_iter()
        .partition(|(_, measured)| measured.rank == Some(1));
    let Some((best, best_measured)) = first.first() else {
        return match group.measured().next() {
            Some(_) => "only the practical limit was measured".into(),
            None => "every case failed".into(),
        };
    };
    let time = units::time(best_measured.median_ns);
    match (first.len(), others.first()) {
        (1, None) => {
            let what = match group.ranked_by {
                Channel::Wall => "takes",
                Channel::Cpu => "needs a CPU time of",
            };
            format!(
                "{} {what} {time}; no other backend was measured",
                name(best)
            )
        }
        (1, Some((next, measured))) => {
            let how = match group.ranked_by {
                Channel::Wall => "faster than the next,",
                Channel::Cpu => "cheaper in CPU time than the next,",
            };
            format!(
                "{} is {} × {how} {}",
                name(best),
                multiple(measured, best_measured),
                name(next)
            )
        }
        (_, next) => {
            let mut text = format!("{} cannot be told apart", names(&first));
            if let Some((next, measured)) = next {
                text += &format!(
                    "; the next, {}, takes {} × as long",
                    name(next),
                    multiple(measured, best_measured)
                );
            }
            text
        }
    }
}

/// The names of tied cases: all of them, or the first ones and how many more there are.
fn names(tied: &[(&Row, &Measured)]) -> String {
    // "and 1 more" would be as long as the name.
    let shown = match tied.len() {
        count if count <= NAMED_COUNT + 1 => count,
        _ => NAMED_COUNT,
    };
    let mut names: Vec<String> = tied[..shown].iter().map(|(row, _)| name(row)).collect();
    let last = match tied.len() - shown {
        0 => names.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    format!("{} and {last}", names.join(", "))
}

/// A backend and its number of workers, such as `` `rayon` with 2 workers ``.
fn name(row: &Row) -> String {
    match row.workers {
        1 => format!("`{}` with 1 worker", row.label),
        workers => format!("`{}` with {workers} workers", row.label),
    }
}

/// How many times longer `other` takes than `best`: the ends of the 95% interval, or only the ratio of the medians if there
/// are too few samples for an interval, or if both ends look the same.
fn multiple(other: &Measured, best: &Measured) -> String {
    let Some(Ratio { ratio, interval }) = ratio_of_medians(&other.times_ns, &best.times_ns, ALPHA)
    else {
        return "infinitely many".into();
    };
    let ends = interval.map(|ends| [ends.low, ends.high].map(units::multiple));
    match ends {
        Some([low, high]) if low != high => format!("{low} to {high}"),
        _ => units::multiple(ratio),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{Builder, case};
    use crate::report::tests::{report, varied};

    fn sentence_of(cases: impl IntoIterator<Item = Builder>) -> String {
        Overview::new(&report(cases)).answers.remove(0).sentence
    }

    #[test]
    fn the_limit_never_wins() {
        let overview = Overview::new(&report([
            case("empty", "static", 2).around_us(100),
            case("empty", "rayon", 2).around_us(200),
            case("empty", "serial", 1).around_us(400),
        ]));
        assert_eq!(overview.families.last().unwrap(), LIMIT_FAMILY);
        let answer = &overview.answers[0];
        let cells = answer.cells.iter().flatten();
        let cells: Vec<_> = cells.map(|cell| (cell.ratio, cell.is_first)).collect();
        assert!(cells.contains(&(Some(1.0), true)), "{cells:?}");
        assert_eq!(cells.last().unwrap(), &(Some(0.5), false));
        let expected =
            "`rayon` with 2 workers is 2.00 × faster than the next, `serial` with 1 worker";
        assert_eq!(answer.sentence, expected);
    }

    #[test]
    fn with_enough_samples_the_difference_has_two_ends() {
        let around = |us: u64| (0..20).map(|index| us + index % 5).collect::<Vec<u64>>();
        let text = sentence_of([
            case("empty", "rayon", 2).walls_us(&around(100)),
            case("empty", "tokio", 2).walls_us(&around(200)),
        ]);
        let ends = text.split(" × faster").next().unwrap();
        assert!(ends.contains(" to "), "{text}");
    }

    #[test]
    fn a_sentence_for_every_outcome() {
        assert_eq!(
            sentence_of([case("empty", "fork", 2).error("killed", "signal 9")]),
            "every case failed"
        );
        assert_eq!(
            sentence_of([case("empty", "static", 2)]),
            "only the practical limit was measured"
        );
        assert_eq!(
            sentence_of([
                case("empty", "rayon", 1).around_us(2000),
                case("empty", "rayon", 2).around_us(1000)
            ]),
            "`rayon` with 2 workers takes 1.00 ms; no other backend was measured"
        );
        let many = ["a", "b", "c", "d", "e"].map(|name| case("empty", name, 1).around_us(1000));
        assert_eq!(
            sentence_of(many),
            "`a` with 1 worker, `b` with 1 worker, `c` with 1 worker and 2 more cannot be told apart"
        );
        let slow = [("a", 1000), ("b", 1001), ("c", 30_000_000)];
        assert_eq!(
            sentence_of(slow.map(|(name, us)| case("empty", name, 1).around_us(us))),
            "`a` with 1 worker and `b` with 1 worker cannot be told apart; the next, `c` with 1 worker, takes \
            30,000 × as long"
        );
    }

    #[test]
    fn cases_are_compared_by_the_time_that_ranks_them() {
        let text = sentence_of([
            case("periodic", "parks", 2).ranked_by_cpu_us(1000),
            case("periodic", "spins", 2).ranked_by_cpu_us(4000),
        ]);
        assert!(text.contains("cheaper in CPU time"), "{text}");
    }

    #[test]
    fn a_family_that_failed_has_a_cell_without_a_figure() {
        let overview = Overview::new(&varied());
        let of = |family: &str| {
            let index = overview.families.iter().position(|one| one == family);
            overview.answers[0].cells[index.unwrap()].clone()
        };
        assert_eq!(
            of("serial").unwrap().ratio.map(|ratio| ratio > 1.0),
            Some(true)
        );
        let failed = Overview::new(&report([
            case("a", "rayon", 1),
            case("b", "rayon", 1).error("killed", "signal 9"),
        ]));
        let cell = failed.answers[1].cells[0].clone().unwrap();
        assert_eq!((cell.ratio, cell.is_first), (None, false));
    }
}
