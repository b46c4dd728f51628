//! The HTML file around the data of a page.

use include_dir::{Dir, include_dir};

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
    let html = format!(
        include_str!("document.html"),
        policy = POLICY,
        title = text::xml(&page.title),
        styles = assets(".css"),
        without_scripts = without_scripts(page),
        data = embedded(page),
        scripts = assets(".js"),
    );
    // Done once for the whole page, so that no part can forget it. JSON has the same escapes.
    text::visible(&html)
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
fn without_scripts(page: &Page) -> String {
    let families = page.families.iter();
    let titles: String = families.map(|family| cell("th", &family.title)).collect();
    let rows: String = page.groups.iter().map(|group| row(page, group)).collect();
    let title = text::xml(&page.title);
    format!(
        "<h1>{title}</h1>\n\
         <p>This page draws itself with scripts, which are switched off here. This is its first table.</p>\n\
         <table>\n<tr><th>Workload</th>{titles}<th>Answer</th></tr>\n{rows}</table>"
    )
}

fn row(page: &Page, group: &PageGroup) -> String {
    let of_family = |key: &str| group.cells.iter().find(|cell| cell.family == key);
    let families = page.families.iter();
    let figures: String = families
        .map(|family| of_family(&family.key).map(figure).unwrap_or_default())
        .map(|figure| cell("td", &figure))
        .collect();
    format!(
        "<tr>{}{figures}{}</tr>\n",
        cell("th", &group.title),
        cell("td", &group.closing)
    )
}

fn cell(element: &str, content: &str) -> String {
    format!("<{element}>{}</{element}>", text::xml(content))
}

fn figure(cell: &PageCell) -> String {
    match (&cell.failure, cell.ratio) {
        (Some(failure), _) => failure.clone(),
        (None, Some(ratio)) => multiple(ratio),
        (None, None) => "–".into(),
    }
}
