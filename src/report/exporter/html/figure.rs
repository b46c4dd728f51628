use maud::{Markup, PreEscaped, html};

use crate::report::error::ReportError;
use crate::report::picture::{FontSource, Picture};

/// A picture of the page. Its own description is read out in its place.
pub(super) fn figure(picture: &Picture) -> Result<Markup, ReportError> {
    let svg = picture.svg(FontSource::Page)?;
    Ok(html! { figure { (PreEscaped(svg)) } })
}
