//! `report`: creates a page and pictures from records, or a page from a comparison or a history. Runs nothing.

use std::path::{Path, PathBuf};

use super::export::comparisons;
use super::{CommandResult, Exit, OK, complaint, say};
use crate::compare::{HISTORY_VERSION, History};
use crate::input;
use crate::record::{Record, RecordsError, read};
use crate::report::{EXPORTERS, Exporter, HTML, Page, Report, timelines, write_page};

/// The arguments of `report`.
#[derive(clap::Args)]
pub(super) struct ReportArguments {
    /// Read these record files, or folders that contain a records.jsonl.
    ///
    /// Or read the JSON output of `gate`, `compare` or `history`, and report whether something got slower.
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
    let folders: Vec<PathBuf> = arguments.records.iter().map(|path| beside(path)).collect();
    let out = arguments.out.as_ref().unwrap_or(&folders[0]).clone();
    let written = match &arguments.records[..] {
        [file] => verdicts(file)?,
        _ => None,
    };
    let written = match written {
        Some(page) => vec![write_page(&page, &out).map_err(Exit::failed)?],
        None => {
            let records = records(&arguments.records)?;
            let mut report = Report::new(&records).map_err(Exit::usage)?;
            report.timelines = timelines(&records, &folders, &out);
            write(&report, &out, arguments.pictures)?
        }
    };
    for path in written {
        say(&format!("{}\n", path.display()))?;
    }
    Ok(OK)
}

/// The records of these files. A single file may have none, as after a run that was interrupted in its first case.
fn records(files: &[PathBuf]) -> Result<Vec<Record>, Exit> {
    match read(files) {
        Err(RecordsError::Empty(_)) if files.len() == 1 => Ok(Vec::new()),
        read => read.map_err(Exit::usage),
    }
}

/// The page of the comparison or the history in this file; `None` if it holds neither.
fn verdicts(file: &Path) -> Result<Option<Page>, Exit> {
    if let Some(found) = comparisons(file)? {
        return match &found[..] {
            [one] => Ok(Some(Page::of_comparison(one))),
            several => Err(Exit::usage(complaint!(
                help = "compare with one baseline at a time",
                "{} holds {} comparisons, and a page shows one",
                file.display(),
                several.len()
            ))),
        };
    }
    Ok(history(file)?.as_ref().map(Page::of_history))
}

/// The history in this file; `None` if it is not the output of `history`.
fn history(file: &Path) -> Result<Option<History>, Exit> {
    // A file that cannot be read is not an error here: the reader of records reports it with more detail.
    let bytes = input::read_file(file, input::most_bytes()).unwrap_or_default();
    let value: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let Some(value) = value.filter(|value| value.get("history_version").is_some()) else {
        return Ok(None);
    };
    if value["history_version"] != HISTORY_VERSION {
        return Err(Exit::usage(complaint!(
            help = "read it with the version of taskdyno that wrote it",
            "{} has history_version {}, and this program supports only {HISTORY_VERSION}",
            file.display(),
            value["history_version"]
        )));
    }
    let history = serde_json::from_value(value).map_err(|error| {
        Exit::usage(complaint!(
            help = "`taskdyno history --format json --out FILE` writes a history; FORMAT.md describes each field",
            "{} is not a history: {error}",
            file.display()
        ))
    })?;
    Ok(Some(history))
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
