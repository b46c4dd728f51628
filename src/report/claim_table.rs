//! Claims for a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::words::{claim_scale, claim_sides, claim_test};
use crate::compare::{ClaimVerdict, JudgedClaim, JudgedInequality};
use crate::text;

const TITLE: Style = Style::new().bold();
const DETAIL: Style = Style::new().dimmed();

/// One paragraph per claim; empty without claims.
pub(super) fn claims_text(claims: &[JudgedClaim]) -> String {
    let mut text = String::new();
    if let Some(first) = claims.first() {
        line(&mut text, DETAIL, &claim_scale(first));
    }
    for claim in claims {
        let verdict = claim.verdict;
        text.push('\n');
        line(
            &mut text,
            TITLE,
            &text::line(&format!("{}. {}", claim.id, claim.statement)),
        );
        line(
            &mut text,
            style(verdict),
            &format!("   {}", verdict.words()),
        );
        for part in &claim.figures {
            part_lines(&mut text, part);
        }
    }
    text
}

fn part_lines(text: &mut String, part: &JudgedInequality) {
    let aside = if part.is_aside {
        ", beside the claim"
    } else {
        ""
    };
    let head = format!(
        "   - {}: {}{aside}",
        text::line(&part.inequality),
        part.verdict.words()
    );
    line(text, style(part.verdict), &head);
    for detail in [claim_test(part), claim_sides(part)] {
        line(text, DETAIL, &format!("     {}", text::line(&detail)));
    }
}

fn style(verdict: ClaimVerdict) -> Style {
    match verdict {
        ClaimVerdict::Holds => AnsiColor::Green.on_default(),
        ClaimVerdict::DoesNotHold => AnsiColor::Red.on_default(),
        ClaimVerdict::CannotTell => AnsiColor::Yellow.on_default(),
    }
}

fn line(text: &mut String, style: Style, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{style}{content}{style:#}");
}
