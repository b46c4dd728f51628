//! How a gate and its control went, in words.

use super::{change, range};
use crate::compare::{ComparedCase, Course, Judgement, Verdict};
use crate::stats::correlation::MOST_CORRELATION;
use crate::text;
use crate::units;

/// When the gate looked, what ended it, and whether its pairs were independent: one sentence per fact that matters.
pub(super) fn sentences(course: &Course) -> Vec<String> {
    let mut sentences = vec![match course.planned_pair_count {
        Some(count) => format!(
            "The cases were judged once, after the planned {} pairs.",
            units::count(count)
        ),
        None => "The cases were judged after every pair.".into(),
    }];
    if let (true, Some(max_time_ns)) = (course.is_out_of_time, course.max_time_ns) {
        let advice = match course.planned_pair_count {
            Some(_) => "before all planned pairs",
            None => {
                "before every case was decided; `--resume` goes on, with a new limit from `--max-time`"
            }
        };
        sentences.push(format!(
            "The limit of {} ended the gate {advice}.",
            units::time(max_time_ns as f64)
        ));
    }
    if let (Some(correlation), Some(low)) = (course.pair_correlation, course.pair_correlation_low)
        && course.planned_pair_count.is_none()
        && low > MOST_CORRELATION
    {
        sentences.push(format!(
            "Successive pairs resemble each other: their correlation is about {correlation:.2}. Above {MOST_CORRELATION}, false \
             alarms may be more frequent than stated, because something that slows one side lasts for several pairs."
        ));
    }
    sentences
}

/// How the control came out, and what its pairs could have shown.
pub(super) fn control_sentence(control: &ComparedCase) -> String {
    let judgement = control.judgement();
    let interval = judgement.and_then(|one| one.interval);
    let width = interval.map_or(String::new(), |interval| format!(" ({})", range(interval)));
    let visible = judgement.map_or(String::new(), visible);
    match (&control.error, control.verdict()) {
        (Some(error), _) => format!(
            "The control, {}, failed: {}.",
            text::line(&control.case.id()),
            text::line(&error.error.message)
        ),
        (None, Verdict::Regressed | Verdict::Improved) => format!(
            "The control failed: {}, compared with itself, came out as {}{width}.",
            text::line(&control.case.id()),
            control.verdict()
        ),
        (None, verdict) => format!(
            "The control, {} compared with itself, came out as {verdict}{width}{visible}.",
            text::line(&control.case.id())
        ),
    }
}

/// What the pairs of a control could have shown, as the end of a sentence.
fn visible(judgement: &Judgement) -> String {
    let pairs = units::count(judgement.pair_count);
    match judgement.visible_ratio() {
        Some(ratio) => format!(
            "; its {pairs} pairs could have shown a change of {}",
            change(ratio)
        ),
        None => format!("; its {pairs} pairs are too few to show a change"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::RatioInterval;
    use crate::compare::fixture::judgement;

    fn course() -> Course {
        Course {
            planned_pair_count: None,
            max_time_ns: Some(20_000_000_000),
            is_out_of_time: false,
            pair_correlation: Some(0.3),
            pair_correlation_low: Some(0.1),
        }
    }

    #[test]
    fn a_correlation_is_mentioned_only_if_it_is_certainly_too_high() {
        let warns = |course: &Course| sentences(course).join(" ").contains("about 0.30");
        assert!(!warns(&course()));
        let high = Course {
            pair_correlation_low: Some(0.16),
            ..course()
        };
        assert!(warns(&high));
        // The limit was found for looks after every pair.
        let planned = Course {
            planned_pair_count: Some(50),
            ..high
        };
        assert_eq!(
            sentences(&planned),
            ["The cases were judged once, after the planned 50 pairs."]
        );
    }

    #[test]
    fn a_limit_on_time_says_how_to_go_on() {
        let ended = Course {
            is_out_of_time: true,
            ..course()
        };
        let said = sentences(&ended).join(" ");
        assert!(
            said.contains(
                "The limit of 20.0 s ended the gate before every case was decided; `--resume`"
            ),
            "{said}"
        );
    }

    #[test]
    fn a_control_says_what_it_could_have_shown() {
        let mut control = judgement(Verdict::Unchanged, 1.0);
        assert_eq!(
            visible(&control),
            "; its 30 pairs are too few to show a change"
        );
        // If the true ratio were 1.01 / 0.98, the lower end would lie at the threshold.
        control.interval = Some(RatioInterval {
            low: 0.98,
            high: 1.005,
        });
        assert_eq!(
            visible(&control),
            "; its 30 pairs could have shown a change of +3.1%"
        );
    }
}
