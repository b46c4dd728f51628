use maud::{Markup, html};

use super::figure::figure;
use crate::report::error::ReportError;
use crate::report::model::{Report, Sweep};
use crate::report::picture;
use crate::report::words::{self, LIMIT_MARK, curve_notes, metg_figure};
use crate::units;

/// A sweep over task sizes: the curves, and the granularity of each backend.
pub(super) fn section(sweep: &Sweep, report: &Report) -> Result<Markup, ReportError> {
    let curves = picture::efficiency(sweep, report);
    let curves = curves.map(|picture| figure(&picture)).transpose()?;
    Ok(html! {
        section id=(sweep.slug) {
            h2 { (sweep.title()) }
            p.detail { (sweep.parameters.join("; ")) "; swept: " (sweep.size_parameter) }
            @if let Some(curves) = curves { (curves) }
            (table(sweep))
            p.detail {
                "METG(" (units::percent(sweep.target)) ") is the minimum effective task granularity: the smallest "
                "wall clock × workers ÷ tasks above which a backend keeps that part of the peak rate. The peak was "
                "measured just before each sample, with the same kernel in independent chains of large tasks; of tasks "
                "that go by the clock it is the time that they are meant to last. "
                "Efficiency is the least that the graph can take at peak ÷ what it took."
            }
        }
    })
}

fn table(sweep: &Sweep) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Granularity of " (sweep.title()) } {
            table {
                thead { tr {
                    th scope="col" { "Backend" }
                    th.figure scope="col" { "METG(" (units::percent(sweep.target)) ")" }
                    th.figure scope="col" { "95% interval" }
                    th.figure scope="col" { "Rounds" }
                    th scope="col" { "Notes" }
                } }
                tbody { @for curve in &sweep.curves { tr {
                    th scope="row" { (curve.label) @if curve.is_limit { (LIMIT_MARK) } }
                    td.figure { (metg_figure(curve)) }
                    td.figure {
                        (words::interval(curve.metg.and_then(|metg| metg.interval)))
                    }
                    td.figure { (curve.round_count) }
                    td { (curve_notes(curve, sweep.target).join(", ")) }
                } } }
            }
        }
    }
}
