use maud::{Markup, html};

use crate::report::model::{Group, Measured};
use crate::report::schedule::Schedule;
use crate::report::words::{NONE, closeness};
use crate::units;

/// The section that shows how close each case came to the best possible schedule. The length of a bar is the median.
pub(super) fn section(group: &Group) -> Markup {
    let known = group
        .measured()
        .filter_map(|(row, measured)| Some((row, measured, measured.schedule.as_ref()?)));
    let known: Vec<_> = known.collect();
    let longest_ns = known.iter().map(|(_, measured, _)| measured.median_ns);
    let longest_ns = longest_ns.fold(f64::MIN_POSITIVE, f64::max);
    html! {
        h3 { "How close to the best possible schedule" }
        p.detail {
            span.key.bound {} " bound: no schedule is faster " span.key.loss {} " schedule loss "
            span.key.overhead {} " runtime overhead"
        }
        div.scroll tabindex="0" role="region" aria-label={ "Schedules of " (group.title()) } {
            table.schedules {
                thead { tr {
                    th scope="col" { "Backend" }
                    th.figure scope="col" { "Workers" }
                    th.figure scope="col" { a href="#closeness" { "Concurrent tasks" } }
                    th.figure scope="col" { a href="#closeness" { "Closeness" } }
                    th scope="col" { "Parts of the median" }
                    th.figure scope="col" { a href="#closeness" { "Bound" } }
                    th.figure scope="col" { a href="#split" { "Schedule loss" } }
                    th.figure scope="col" { a href="#split" { "Overhead" } }
                    th.figure scope="col" { a href="#split" { "Inflation" } }
                } }
                tbody { @for (row, measured, schedule) in known { tr {
                    th scope="row" { (row.label) }
                    td.figure { (row.workers) }
                    td.figure { (schedule.parallelism.map_or("all".into(), |count| count.to_string())) }
                    td.figure { (closeness(schedule)) }
                    td.split { (split(measured, schedule, longest_ns)) }
                    td.figure { (units::time(schedule.lower_bound_ns)) }
                    td.figure { (schedule.schedule_loss_ns.map_or(NONE.into(), units::time)) }
                    td.figure { (schedule.overhead_ns.map_or(NONE.into(), units::time)) }
                    td.figure { (schedule.inflation.map_or(NONE.into(), units::ratio)) }
                } } }
            }
        }
    }
}

/// The median as a bar of three parts. A negative part is omitted, and the other parts are scaled to the median.
fn split(measured: &Measured, schedule: &Schedule, longest_ns: f64) -> Markup {
    let parts = [
        ("bound", Some(schedule.lower_bound_ns)),
        ("loss", schedule.schedule_loss_ns),
        ("overhead", schedule.overhead_ns),
    ];
    let parts = parts.map(|(name, ns)| (name, ns.unwrap_or(0.0).max(0.0)));
    let sum_ns: f64 = parts.iter().map(|(_, ns)| ns).sum();
    let scale = 100.0 * measured.median_ns / (sum_ns * longest_ns);
    html! {
        @for (name, ns) in parts {
            span class={ "part " (name) } style={ "width:" (format!("{:.2}", ns * scale)) "%" } {}
        }
    }
}
