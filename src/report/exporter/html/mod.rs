use std::path::{Path, PathBuf};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::definitions::definitions;
use self::figure::figure;
use super::{Exporter, write};
use crate::report::error::ReportError;
use crate::report::heading::Heading;
use crate::report::model::{Group, Measured, Report, Row, RowOutcome};
use crate::report::picture;
use crate::report::picture::font;
use crate::report::picture::palette::DARK_TWINS;
use crate::report::words::{self, LIMIT_MARK, NONE, Outline, name, notes, outline};
use crate::report::worker_cpu::WorkerCpu;
use crate::text;
use crate::units;

mod claims;
mod definitions;
mod figure;
mod latencies;
mod schedules;
mod sweeps;

/// The whole report as one self-contained HTML page, `report.html`.
pub(crate) const HTML: Html = Html;

/// The exporter behind [`HTML`].
#[derive(Debug)]
pub(crate) struct Html;

impl Exporter for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn why(&self) -> &'static str {
        "the whole report as one page that opens from disk and needs no network"
    }

    fn export(&self, report: &Report, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
        let path = out.join("report.html");
        // Done once for the whole page, so that no part can forget it.
        let page = text::visible(&page(report)?.into_string());
        write(&path, page.as_bytes())?;
        Ok(vec![path])
    }
}

const STYLE: &str = include_str!("report.css");

fn page(report: &Report) -> Result<Markup, ReportError> {
    let groups: Vec<Markup> = report
        .groups
        .iter()
        .map(|group| section(group, report))
        .collect::<Result<_, _>>()?;
    let sweeps = report.sweeps.iter();
    let sweeps = sweeps.map(|sweep| sweeps::section(sweep, report));
    let sweeps: Vec<Markup> = sweeps.collect::<Result<_, _>>()?;
    let load = picture::load(report).map(|load| figure(&load));
    let (load, claims) = (load.transpose()?, claims::section(report)?);
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "taskdyno report" }
                style { (PreEscaped(font::style())) (PreEscaped(STYLE)) (PreEscaped(dark_style())) }
            }
            body {
                header { (head(report)) }
                main {
                    @if report.is_empty() {
                        p { "There are no records, so there is nothing to show." }
                    } @else {
                        (claims)
                        @if !report.groups.is_empty() {
                            (summary(report))
                            (how_to_read())
                        }
                        @for sweep in &sweeps { (sweep) }
                        @for group in &groups { (group) }
                        @if let Some(load) = load {
                            section id="load" {
                                h2 { "Load of each core" }
                                p.detail { "How busy each core was during the run. A core that is busy while it should be idle was running something else." }
                                (load)
                            }
                        }
                        @if !(report.groups.is_empty() && report.sweeps.is_empty()) { (definitions()) }
                    }
                }
            }
        }
    })
}

/// The style rules for a dark page: they replace the colours that have a dark twin, and keep the others.
fn dark_style() -> String {
    let rules = DARK_TWINS.map(|(light, dark)| {
        let (light, dark) = (light.hex(), dark.hex());
        format!(
            ".picture [fill=\"{light}\"]{{fill:{dark}}}.picture [stroke=\"{light}\"]{{stroke:{dark}}}"
        )
    });
    format!("@media (prefers-color-scheme: dark){{{}}}", rules.concat())
}

fn head(report: &Report) -> Markup {
    let Some(heading) = &report.heading else {
        return html! { h1 { "taskdyno" } };
    };
    html! {
        p.brand { "taskdyno " (heading.host.taskdyno) }
        h1 { (heading.host.processor) }
        dl.facts {
            div { dt { "Machine" } dd { (heading.machine()) } }
            div { dt { "Started" } dd { (heading.begun()) } }
            div { dt { "Commit" } dd { (commit(heading)) } }
            div { dt { "Cases" } dd {
                (heading.case_count)
                @if heading.failed_count > 0 { ", " span.failure { (heading.failed_count) " failed" } }
            } }
            div { dt { "Load average at start" } dd { (format!("{:.2}", heading.host.load_average)) } }
            div { dt { "Frequency governor" } dd {
                (heading.host.governor.as_deref().unwrap_or("not shown by this machine"))
            } }
        }
        @for warning in &heading.warnings { p.warning { (warning) } }
    }
}

fn commit(heading: &Heading) -> Markup {
    html! {
        @match &heading.commit {
            None => "unknown: not measured in a git checkout",
            Some(commit) => {
                code { (commit.short()) }
                @if commit.dirty { ", with uncommitted changes" }
            }
        }
    }
}

fn summary(report: &Report) -> Markup {
    let failures: Vec<_> = report.failures().collect();
    html! {
        section id="findings" {
            h2 { "Findings" }
            div.scroll {
                table.findings {
                    thead { tr {
                        th scope="col" { "Workload" }
                        th scope="col" { "Fastest" }
                        th.figure scope="col" { "Median" }
                        th scope="col" { "Next fastest" }
                    } }
                    tbody {
                        @for group in &report.groups { (finding(group)) }
                    }
                }
            }
            (observations(report))
            @if !failures.is_empty() {
                h3 { "Failed" }
                ul.failures {
                    @for (group, row, error) in failures {
                        li {
                            a href={ "#" (group.slug) } { (group.title()) } ", " (name(row)) ": "
                            strong.failure { (error.kind) }
                            pre { (error.message) }
                        }
                    }
                }
            }
        }
    }
}

/// The findings of a group, each once, with the rows that it is from.
fn observed(group: &Group) -> Vec<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for (row, measured) in group.measured() {
        for (key, sum) in measured.findings.iter().filter(|(_, sum)| **sum > 0) {
            let finding = words::finding(key, *sum);
            match found.iter_mut().find(|(other, _)| *other == finding) {
                Some((_, rows)) => rows.push(name(row)),
                None => found.push((finding, vec![name(row)])),
            }
        }
    }
    let row_count = group.measured().count();
    let one = |(finding, rows): (String, Vec<String>)| match rows.len() {
        count if count > 1 && count == row_count => format!("{finding} in each of {count} cases"),
        _ => format!("{finding} on {}", rows.join(" and on ")),
    };
    found.into_iter().map(one).collect()
}

/// What the kernels observed that is not a failure, such as lost updates: one entry per group. Empty if there is
/// nothing.
fn observations(report: &Report) -> Markup {
    let found = report.groups.iter().filter_map(|group| {
        let rows = observed(group);
        (!rows.is_empty()).then_some((group, rows))
    });
    let found: Vec<_> = found.collect();
    html! {
        @if !found.is_empty() {
            h3 { "Other observations" }
            ul {
                @for (group, rows) in found {
                    li { a href={ "#" (group.slug) } { (group.title()) } ": " (rows.join("; ")) }
                }
            }
        }
    }
}

fn finding(group: &Group) -> Markup {
    let Outline {
        first,
        next,
        failed_count,
    } = outline(group);
    html! {
        tr {
            th scope="row" { a href={ "#" (group.slug) } { (group.title()) } }
            @match first.first() {
                None => td colspan="3" { span.failure { "all cases failed" } },
                Some((_, best)) => {
                    td {
                        @for (index, (row, _)) in first.iter().enumerate() {
                            @if index > 0 { ", " }
                            span.name { (row_name(row)) }
                        }
                        @if first.len() > 1 { " " span.tag { "tied" } }
                    }
                    td.figure { (units::time(best.median_ns)) }
                    td {
                        @match next {
                            Some((row, measured)) => { (ratio(measured)) " " span.detail { (row_name(row)) } },
                            None => span.detail { "no other backend to compare with" },
                        }
                        @if failed_count > 0 { br; span.failure { (failed_count) " failed" } }
                    }
                }
            }
        }
    }
}

/// The name of a row, such as `rayon, 2 workers`, with a mark if it is the practical limit.
fn row_name(row: &Row) -> Markup {
    html! { (name(row)) @if row.is_limit { (LIMIT_MARK) } }
}

/// The median as a multiple of the best median. Its interval is shown as a tooltip.
fn ratio(measured: &Measured) -> Markup {
    html! {
        @match measured.ratio {
            None => (NONE),
            Some(ratio) => span title=[ratio.interval.map(|interval| format!(
                "95% interval: {} to {}", units::ratio(interval.low), units::ratio(interval.high)
            ))] { (units::ratio(ratio.ratio)) },
        }
    }
}

fn how_to_read() -> Markup {
    html! {
        section id="how-to-read" {
            h2 { "How to read this" }
            p {
                "Every backend ran the same task graphs, and every result was checked against the result of a "
                "serial run. Each bar shows the " strong { "median wall time of one run" } ", or its CPU time "
                "where the title says so; shorter is better. The line "
                "on the bar shows the " strong { "95% interval" } " of that median. The interval makes no assumption "
                "about the distribution of the times. Backends whose interval overlaps that of the fastest backend are "
                strong { "tied" } ": these measurements cannot tell them apart."
            }
        }
    }
}

fn section(group: &Group, report: &Report) -> Result<Markup, ReportError> {
    let comparison = picture::comparison(group, report);
    let speed_up = picture::speed_up(group, report);
    let comparison = comparison.map(|picture| figure(&picture)).transpose()?;
    let speed_up = speed_up.map(|picture| figure(&picture)).transpose()?;
    let latencies = latencies::section(group, report)?;
    Ok(html! {
        section id=(group.slug) {
            h2 { (group.title()) }
            p.detail {
                (group.parameters.join("; "))
                @if let Some(graph) = group.graph {
                    "; " (units::count(graph.task_count)) " tasks, "
                    (units::count(graph.edge_count)) " dependences"
                }
                @if let Some(files) = words::files(group) { "; " (files) }
            }
            @if let Some(comparison) = comparison { (comparison) }
            (table(group))
            @if group.has_bounds() { (schedules::section(group)) }
            @if let Some(speed_up) = speed_up { (speed_up) }
            (latencies)
        }
    })
}

fn table(group: &Group) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Results of " (group.title()) } {
            table {
                thead { tr {
                    th.figure scope="col" { "Rank" }
                    th scope="col" { "Backend" }
                    th.figure scope="col" { "Workers" }
                    th.figure scope="col" { "Median" }
                    th.figure scope="col" { "95% interval" }
                    th.figure scope="col" { "× best" }
                    th.figure scope="col" { a href="#utilisation" { "Utilisation" } }
                    th.figure scope="col" { a href="#worker-cpu" { "CPU per worker" } }
                    th.figure scope="col" { a href="#time-per-task" { "Time per task" } }
                    th.figure scope="col" { a href="#overhead" { "Overhead per task" } }
                    th.figure scope="col" { a href="#speed-up" { "Speed-up" } }
                    th.figure scope="col" { a href="#start" { "Start" } }
                    th.figure scope="col" { a href="#memory" { "Peak memory" } }
                    th scope="col" { "Notes" }
                } }
                tbody {
                    @for row in &group.rows {
                        @match &row.outcome {
                            RowOutcome::Measured(measured) => (measured_row(row, measured)),
                            RowOutcome::Failed(error) => tr.failed {
                                td.figure { (NONE) }
                                th scope="row" { (row.label) }
                                td.figure { (row.workers) }
                                td colspan="11" { strong.failure { (error.kind) } " " (error.message) }
                            },
                        }
                    }
                }
            }
        }
    }
}

fn measured_row(row: &Row, measured: &Measured) -> Markup {
    let time = |ns: Option<f64>| ns.map_or(NONE.into(), units::time);
    html! {
        tr.first[measured.rank == Some(1)] {
            td.figure { (measured.rank.map_or(NONE.into(), |rank| rank.to_string())) }
            th scope="row" {
                (row.label)
                @if row.is_limit { a href="#limit" title="the practical limit" { (LIMIT_MARK) } }
            }
            td.figure { (row.workers) }
            td.figure { (units::time(measured.median_ns)) }
            td.figure { (words::interval(measured.interval)) }
            td.figure { (ratio(measured)) }
            td.figure { (measured.utilisation.map_or(NONE.into(), units::percent)) }
            td.figure { (measured.worker_cpu.map_or(NONE.into(), WorkerCpu::text)) }
            td.figure { (time(measured.task_ns)) }
            td.figure { (time(measured.overhead_ns)) }
            td.figure { (measured.speed_up.map_or(NONE.into(), units::ratio)) }
            td.figure { (time(measured.start_ns.map(|ns| ns as f64))) }
            td.figure { (measured.peak_memory_bytes.map_or(NONE.into(), units::size)) }
            td { (notes(row).join(", ")) }
        }
    }
}
