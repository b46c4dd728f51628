//! `report`: from records to a page and pictures. Runs nothing.

use std::path::{Path, PathBuf};

use super::{CommandResult, Exit, OK, say};
use crate::record::read;
use crate::report::{EXPORTERS, Exporter, HTML, Report};

/// What `report` takes.
#[derive(clap::Args)]
pub(super) struct ReportArguments {
    /// Record files, or folders that hold a records.jsonl.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    /// The folder to write to.
    ///
    /// By default that of the first record file.
    #[arg(long, value_name = "DIR", env = "TASKDYNO_OUT")]
    out: Option<PathBuf>,
    /// Write the pictures as files too, PNG and SVG.
    #[arg(long, env = "TASKDYNO_PICTURES")]
    pictures: bool,
}

pub(super) fn main(arguments: &ReportArguments) -> CommandResult {
    let records = read(&arguments.records).map_err(Exit::usage)?;
    let report = Report::new(&records).map_err(Exit::usage)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => beside(&arguments.records[0]),
    };
    let written = write(&report, &out, arguments.pictures)?;
    for path in written {
        say(&format!("{}\n", path.display()))?;
    }
    Ok(OK)
}

/// The folder that `records` lies in, or is.
fn beside(records: &Path) -> PathBuf {
    if records.is_dir() {
        return records.into();
    }
    match records.parent() {
        Some(parent) if parent != Path::new("") => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// Writes the page, and all pictures if asked to. Returns what was written.
pub(super) fn write(report: &Report, out: &Path, pictures: bool) -> Result<Vec<PathBuf>, Exit> {
    let mut written = Vec::new();
    for exporter in EXPORTERS {
        if pictures || exporter.name() == HTML.name() {
            written.extend(exporter.export(report, out).map_err(Exit::failed)?);
        }
    }
    Ok(written)
}
