//! What a comparison says, as the sentence that ends it.

use super::kind::LineKind;
use super::{CaseLine, percent};
use crate::compare::{ComparedCase, Comparison, Outcome, Side, Verdict};
use crate::text;
use crate::units;

/// What the comparison says, in one sentence; `None` if it has no cases. The `lines` are those of the comparison.
pub(in crate::report) fn conclusion(comparison: &Comparison, lines: &[CaseLine]) -> Option<String> {
    let worst = lines.first()?;
    let id = text::line(&worst.id);
    let count = |verdict| {
        let kind = LineKind::Verdict(verdict);
        lines.iter().filter(|line| line.kind == kind).count()
    };
    Some(match comparison.outcome() {
        Outcome::Failed => {
            let what = match worst.kind {
                LineKind::OneSided { lacks, .. } => match lacks {
                    Side::Head => "is missing in the head; `--allow-missing` allows it",
                    Side::Base => "is new, which `--allow-new=false` forbids",
                },
                _ => "failed",
            };
            format!("The comparison fails, because `{id}` {what}.")
        }
        _ if !comparison.advisory.is_empty() => {
            "No verdict counts, for the reason given above.".into()
        }
        Outcome::Regressed => {
            let by = match &worst.times {
                None => worst.change().to_owned(),
                Some(times) => format!("{times} ({})", worst.change()),
            };
            let others = match count(Verdict::Regressed) - 1 {
                0 => String::new(),
                others => format!(", and so did {}", cases(others)),
            };
            format!("`{id}` got slower: {by}{others}.")
        }
        Outcome::Inconclusive => format!(
            "No case is known to have got slower, but {} of {} cases are undecided.",
            count(Verdict::Inconclusive),
            lines.len()
        ),
        Outcome::Fine => format!("No case got slower by more than {}.", threshold(comparison)),
    })
}

fn cases(count: usize) -> String {
    match count {
        1 => "1 other case".into(),
        count => format!("{} other cases", units::count(count as u64)),
    }
}

/// The smallest change that counts, in words.
pub(in crate::report) fn threshold(comparison: &Comparison) -> String {
    let mut judgements = comparison.cases.iter().filter_map(ComparedCase::judgement);
    match judgements.next() {
        Some(first) if judgements.all(|one| one.threshold_ratio == first.threshold_ratio) => {
            percent(first.threshold_ratio)
        }
        _ => "the threshold of a case".into(),
    }
}

/// What it means that the control is inconclusive; `None` if it is not.
pub(super) fn about_control(comparison: &Comparison) -> Option<&'static str> {
    let control = comparison.control.as_ref()?;
    let is_inconclusive = control.error.is_none() && control.verdict() == Verdict::Inconclusive;
    is_inconclusive.then_some(
        "An inconclusive control is no fault of the gate: it found no difference between equal processes, and had too few \
         pairs to exclude one. It gets no more pairs than the cases need.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::super::tests::varied;
    use super::*;
    use crate::compare::fixture::{compared, judgement};
    use crate::compare::{MissingCase, SideTimes};

    /// The conclusion of a gate with these cases.
    fn of(cases: Vec<ComparedCase>, change: impl Fn(&mut Comparison)) -> String {
        let mut comparison = Comparison {
            cases,
            missing: Vec::new(),
            ..varied()
        };
        change(&mut comparison);
        conclusion(&comparison, &lines(&comparison)).unwrap_or_default()
    }

    fn one(workload: &str, verdict: Verdict, ratio: f64) -> ComparedCase {
        ComparedCase {
            times: Some(SideTimes {
                base_ns: 5_100_000.0,
                head_ns: 5_100_000.0 * ratio,
            }),
            ..compared(workload, Some(judgement(verdict, ratio)))
        }
    }

    #[test]
    fn the_worst_is_what_a_comparison_says() {
        let same = || one("same", Verdict::Unchanged, 1.0);
        let slow = |ratio| one("slow", Verdict::Regressed, ratio);
        let open = || one("open", Verdict::Inconclusive, 1.02);
        assert_eq!(of(vec![], |_| {}), "");
        assert_eq!(
            of(vec![same()], |_| {}),
            "No case got slower by more than 1%."
        );
        assert_eq!(
            of(vec![same(), open()], |_| {}),
            "No case is known to have got slower, but 1 of 2 cases are undecided."
        );
        assert_eq!(
            of(vec![same(), slow(1.078), open()], |_| {}),
            "`slow/rayon/2` got slower: 5.10 → 5.50 ms (+7.8%)."
        );
        assert!(
            of(vec![slow(1.02), slow(1.05), slow(1.03)], |_| {})
                .ends_with("(+5.0%), and so did 2 other cases.")
        );
        let advisory = |comparison: &mut Comparison| comparison.advisory.push("why".into());
        assert!(of(vec![slow(1.05)], advisory).starts_with("No verdict counts"));
    }

    #[test]
    fn a_case_of_one_side_says_which_flag_decides() {
        let lacking = |side, missing, new| {
            move |comparison: &mut Comparison| {
                comparison.missing.push(MissingCase {
                    id: "x".into(),
                    side,
                    error: None,
                });
                comparison.allowed.missing = missing;
                comparison.allowed.new = new;
            }
        };
        let same = || vec![one("same", Verdict::Unchanged, 1.0)];
        let gone = of(same(), lacking(Side::Head, false, true));
        assert!(gone.contains("`x` is missing in the head; `--allow-missing`"));
        let new = of(same(), lacking(Side::Base, true, false));
        assert!(new.contains("`x` is new, which `--allow-new=false`"));
        for side in [Side::Head, Side::Base] {
            let allowed = of(same(), lacking(side, true, true));
            assert!(allowed.starts_with("No case got slower"), "{allowed}");
        }
    }
}
