use super::*;
use crate::record::fixture::case;
use crate::report::tests::{report, varied};

fn page(report: &Report) -> Page {
    Page::of_report(report)
}
