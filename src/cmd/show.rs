//! `show`: prints the tables of a finished run.

use std::path::PathBuf;

use super::out::{say, say_styled};
use super::{CommandResult, Exit, OK, complaint};
use crate::record::{Record, read};
use crate::report::{CaseRow, Report, markdown_tables, rows_as_csv, styled_tables};

/// The arguments of `show`.
#[derive(clap::Args)]
pub(super) struct ShowArguments {
    /// Read this record file, or the records.jsonl in this folder.
    #[arg(value_name = "RECORDS")]
    records: PathBuf,
    /// Show only cases whose id contains one of these texts (default: all cases).
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Choose the output format: tables, or one row per case for another program.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "table",
        value_parser = ["table", "json", "csv", "markdown"],
        env = "TASKDYNO_SHOW_FORMAT"
    )]
    format: String,
}

pub(super) fn main(arguments: &ShowArguments) -> CommandResult {
    let mut records = read(std::slice::from_ref(&arguments.records)).map_err(Exit::usage)?;
    let all_count = records.len();
    records.retain(|record| is_selected(record, &arguments.filters));
    if records.is_empty() && all_count > 0 {
        return Err(Exit::usage(complaint!(
            help = "leave out the filter to show all cases",
            "no case of {} has an id that contains {}",
            arguments.records.display(),
            arguments.filters.join(" or ")
        )));
    }
    let report = Report::new(&records).map_err(Exit::usage)?;
    match arguments.format.as_str() {
        "json" => {
            let rows = serde_json::to_string_pretty(&CaseRow::all(&report));
            let rows = rows.map_err(|error| Exit::failed(complaint!("{error}")))?;
            say(&format!("{rows}\n"))?;
        }
        "csv" => say(&rows_as_csv(&report))?,
        "markdown" => say(&markdown_tables(&report))?,
        _ => say_styled(&styled_tables(&report))?,
    }
    Ok(OK)
}

fn is_selected(record: &Record, filters: &[String]) -> bool {
    let id = record.case.id();
    filters.is_empty() || filters.iter().any(|filter| id.contains(filter))
}
