//! The HTML file around the data of a page.

use include_dir::{Dir, include_dir};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::model::{Page, PageCell, PageGroup};
use super::text::multiple;
use crate::text;

/// The scripts and styles that draw the page.
static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/page");

/// The list of the scripts and styles, one file per line, in their order.
const ORDER: &str = "order.txt";

/// Allows nothing but what is in the file itself, so that no request can leave the page whatever the records hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:";

/// The whole page as one self-contained file.
pub(in crate::report) fn document(page: &Page) -> String {
    let data = embedded(page);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) }
                style { (PreEscaped(assets(".css"))) }
            }
            body {
                div id="app" {}
                noscript { (without_scripts(page)) }
                script type="application/json" id="data" { (PreEscaped(data)) }
                script { (PreEscaped(assets(".js"))) }
            }
        }
    };
    // Done once for the whole page, so that no part can forget it. JSON has the same escapes.
    text::visible(&markup.into_string())
}

/// The files with this ending, joined in their order.
fn assets(ending: &str) -> String {
    let text = |name: &str| ASSETS.get_file(name)?.contents_utf8();
    let names = text(ORDER).unwrap_or_default().lines();
    let files = names.filter(|name| name.ends_with(ending)).filter_map(text);
    files.collect::<Vec<_>>().join("\n")
}

/// The data as JSON that cannot end the element around it, whatever names it holds.
fn embedded(page: &Page) -> String {
    // Plain data with text keys can always be written as JSON.
    let json = serde_json::to_string(page).unwrap_or_default();
    let mut escaped = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => escaped += "\\u003c",
            '>' => escaped += "\\u003e",
            '&' => escaped += "\\u0026",
            c => escaped.push(c),
        }
    }
    escaped
}

/// The first view as a table, for readers without scripts.
fn without_scripts(page: &Page) -> Markup {
    html! {
        h1 { (page.title) }
        p { "This page draws itself with scripts, which are switched off here. This is its first table." }
        table {
            thead { tr {
                th { "Workload" }
                @for family in &page.families { th { (family.title) } }
                th { "Answer" }
            } }
            tbody { @for group in &page.groups { (row(page, group)) } }
        }
    }
}

fn row(page: &Page, group: &PageGroup) -> Markup {
    let cell = |key: &str| group.cells.iter().find(|cell| cell.family == key);
    html! {
        tr {
            th { (group.title) }
            @for family in &page.families { td { (cell(&family.key).map(figure).unwrap_or_default()) } }
            td { (group.closing) }
        }
    }
}

fn figure(cell: &PageCell) -> String {
    match (&cell.failure, cell.ratio) {
        (Some(failure), _) => failure.clone(),
        (None, Some(ratio)) => multiple(ratio),
        (None, None) => "–".into(),
    }
}
