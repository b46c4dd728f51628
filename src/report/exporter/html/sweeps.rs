use maud::{Markup, html};

use super::figure::figure;
use crate::report::error::ReportError;
use crate::report::model::{Report, Sweep};
use crate::report::picture;
use crate::report::words::{self, LIMIT_MARK, curve_notes, metg_figure};
use crate::units;

/// The section of a sweep over task sizes: the curves, and a table with the granularity of each backend.
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
                "granularity (wall time × workers ÷ number of tasks) at which a backend still reaches this efficiency. "
                "Efficiency is the shortest time that the graph can take at the peak rate ÷ the time that it took. "
                "The peak rate was measured just before each sample, with the same kernel in independent chains of large "
                "tasks. For tasks with a fixed duration, the peak is this duration."
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
