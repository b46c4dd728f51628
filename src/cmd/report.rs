//! `report`: creates a page and pictures from records. Runs nothing.

use std::path::{Path, PathBuf};

use super::{CommandResult, Exit, OK, say};
use crate::record::read;
use crate::report::{EXPORTERS, Exporter, HTML, Report, timelines};

/// The arguments of `report`.
#[derive(clap::Args)]
pub(super) struct ReportArguments {
    /// Read these record files, or folders that contain a records.jsonl.
    #[arg(required = true, value_name = "RECORDS")]
    records: Vec<PathBuf>,
    /// Write the results to this folder.
    ///
    /// The default is the folder of the first record file.
    #[arg(long, value_name = "DIR", env = "TASKDYNO_OUT")]
    out: Option<PathBuf>,
    /// Write the pictures as PNG and SVG files too.
    #[arg(long, env = "TASKDYNO_PICTURES")]
    pictures: bool,
}

pub(super) fn main(arguments: &ReportArguments) -> CommandResult {
    let records = read(&arguments.records).map_err(Exit::usage)?;
    let mut report = Report::new(&records).map_err(Exit::usage)?;
    let folders: Vec<PathBuf> = arguments.records.iter().map(|path| beside(path)).collect();
    let out = arguments.out.as_ref().unwrap_or(&folders[0]).clone();
    report.timelines = timelines(&records, &folders, &out);
    let written = write(&report, &out, arguments.pictures)?;
    for path in written {
        say(&format!("{}\n", path.display()))?;
    }
    Ok(OK)
}

/// The folder that contains `records`, or `records` itself if it is a folder.
fn beside(records: &Path) -> PathBuf {
    if records.is_dir() {
        return records.into();
    }
    match records.parent() {
        Some(parent) if parent != Path::new("") => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// Writes the page, and all pictures if `pictures` is set. Returns the paths of the written files.
pub(super) fn write(report: &Report, out: &Path, pictures: bool) -> Result<Vec<PathBuf>, Exit> {
    let mut written = Vec::new();
    for exporter in EXPORTERS {
        if pictures || exporter.name() == HTML.name() {
            written.extend(exporter.export(report, out).map_err(Exit::failed)?);
        }
    }
    Ok(written)
}
