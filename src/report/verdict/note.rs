//! What readers must know about a compared case besides its figures.

use crate::compare::{ComparedCase, Comparison, ComparisonSource, Judgement, Side, Verdict};
use crate::record::Channel;
use crate::text;
use crate::units;

/// What readers must know besides the figures.
pub(super) fn note(case: &ComparedCase, comparison: &Comparison) -> String {
    let verdict = note_of_verdict(case, comparison);
    match &case.not_steady {
        Some(why) if case.error.is_none() => {
            let why = format!("not steady: {}", text::line(why));
            match verdict.is_empty() {
                true => why,
                false => format!("{verdict}; {why}"),
            }
        }
        _ => verdict,
    }
}

fn note_of_verdict(case: &ComparedCase, comparison: &Comparison) -> String {
    if let Some(error) = &case.error {
        let side = error.side.map_or("between the two", Side::name);
        return text::line(&format!(
            "{side}: {}: {}",
            error.error.kind, error.error.message
        ));
    }
    if let Some(why) = &case.not_judged {
        return format!("cannot be judged: {}", text::line(why));
    }
    if !comparison.advisory.is_empty() {
        return match comparison.source {
            ComparisonSource::Gate => format!("would be {}", case.verdict()),
            ComparisonSource::Records => "without a verdict".into(),
        };
    }
    let mut notes = Vec::new();
    if case.judged != Channel::Wall {
        notes.push(format!("judged by {}", case.judged.words()));
    }
    if let Some(judgement) = case.judgement()
        && judgement.verdict == Verdict::Inconclusive
    {
        notes.push(needs(judgement, comparison.source));
    }
    let other = case.judged.other();
    if let Some(judgement) = case.judgement_of(other)
        && judgement.verdict == Verdict::Regressed
        && case.verdict() != Verdict::Regressed
    {
        notes.push(format!("uses more {}", other.words()));
    }
    notes.join("; ")
}

/// How many more measurements would settle an inconclusive case.
fn needs(judgement: &Judgement, source: ComparisonSource) -> String {
    let unit = match source {
        ComparisonSource::Gate => "pairs",
        ComparisonSource::Records => "sessions per build",
    };
    match judgement.more_pair_count {
        Some(count) => format!("about {} more {unit} would settle it", units::count(count)),
        None => format!("no practical number of {unit} would settle it"),
    }
}
