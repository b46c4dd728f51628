use maud::{Markup, html};

use super::figure::figure;
use crate::compare::{ClaimVerdict, JudgedClaim, JudgedInequality};
use crate::report::error::ReportError;
use crate::report::model::Report;
use crate::report::picture;
use crate::report::words::{claim_scale, claim_sides, claim_test};

/// The claims: a table of the verdicts, then the figures and a picture of each. Empty without claims.
pub(super) fn section(report: &Report) -> Result<Markup, ReportError> {
    let Some(first) = report.claims.first() else {
        return Ok(html! {});
    };
    let claims = report.claims.iter().map(one);
    let claims: Vec<Markup> = claims.collect::<Result<_, _>>()?;
    Ok(html! {
        section id="claims" {
            h2 { "What textbooks claim" }
            p.detail { (claim_scale(first)) }
            div.scroll {
                table {
                    thead { tr {
                        th.figure scope="col" { "Number" }
                        th scope="col" { "Claim" }
                        th scope="col" { "Verdict" }
                    } }
                    tbody { @for claim in &report.claims { tr {
                        td.figure { a href={ "#claim-" (claim.id) } { (claim.id) } }
                        th scope="row" { (claim.statement) }
                        td { (verdict(claim.verdict)) }
                    } } }
                }
            }
            p {
                "Each claim is a list of inequalities of two medians. The two sides alternate, so each pair of samples is "
                "a ratio. The verdict is " strong { "holds here" } " if the whole interval of the median ratio is above "
                "the limit of the inequality, " strong { "does not hold here" } " if no part of it is, and otherwise "
                strong { "cannot tell" } ". The interval is exact and contains the true median with a probability of at "
                "least 99%; it needs 8 pairs. A claim holds if all its inequalities do, except those beside the claim."
            }
        }
        @for claim in &claims { (claim) }
    })
}

fn one(claim: &JudgedClaim) -> Result<Markup, ReportError> {
    let picture = picture::claim(claim).map(|picture| figure(&picture));
    let picture = picture.transpose()?;
    Ok(html! {
        section id={ "claim-" (claim.id) } {
            h2 { "Claim " (claim.id) ": " (verdict(claim.verdict)) }
            p { (claim.statement) "." }
            @if let Some(picture) = picture { (picture) }
            ul { @for part in &claim.figures { (figures(part)) } }
        }
    })
}

fn figures(part: &JudgedInequality) -> Markup {
    html! {
        li {
            (part.inequality) ": " (verdict(part.verdict))
            @if part.is_aside { ", beside the claim" }
            br;
            span.detail { (claim_test(part)) br; (claim_sides(part)) }
        }
    }
}

fn verdict(verdict: ClaimVerdict) -> Markup {
    html! {
        @match verdict {
            ClaimVerdict::DoesNotHold => strong.failure { (verdict.words()) },
            _ => strong { (verdict.words()) },
        }
    }
}
