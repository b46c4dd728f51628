use maud::{Markup, PreEscaped, html};

use crate::report::error::ReportError;
use crate::report::picture::{FontSource, Picture};

/// A picture within the page. Screen readers read the description in the SVG.
pub(super) fn figure(picture: &Picture) -> Result<Markup, ReportError> {
    let svg = picture.svg(FontSource::Page)?;
    Ok(html! { figure { (PreEscaped(svg)) } })
}
