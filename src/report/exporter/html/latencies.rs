use maud::{Markup, html};

use super::figure::figure;
use crate::report::error::ReportError;
use crate::report::model::{Group, Report};
use crate::report::picture;
use crate::report::words::{latency_cells, latency_headings};

/// The latencies of a group: a table, and a picture per name. Empty if its tasks timed nothing.
pub(super) fn section(group: &Group, report: &Report) -> Result<Markup, ReportError> {
    let latencies = group.latencies();
    let pictures = picture::latencies(group, report);
    let pictures = pictures.iter().map(figure);
    let pictures: Vec<Markup> = pictures.collect::<Result<_, _>>()?;
    Ok(html! {
        @if !latencies.is_empty() {
            h3 { a href="#latencies" { "Latencies" } }
            div.scroll tabindex="0" role="region" aria-label={ "Latencies of " (group.name()) } {
                table {
                    thead { tr {
                        th scope="col" { "Latency" }
                        th scope="col" { "Backend" }
                        th.figure scope="col" { "Workers" }
                        @for heading in latency_headings() { th.figure scope="col" { (heading) } }
                    } }
                    tbody { @for (row, latency) in &latencies { tr {
                        td { (latency.name) }
                        th scope="row" { (row.label) }
                        td.figure { (row.workers) }
                        @for cell in latency_cells(latency) { td.figure { (cell) } }
                    } } }
                }
            }
            @for picture in &pictures { (picture) }
        }
    })
}
