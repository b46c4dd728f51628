//! `export`: converts records or comparisons to the format of another tool.

use std::path::{Path, PathBuf};

use super::outcome::{named, put};
use super::{CommandResult, Exit, OK, complaint};
use crate::compare::{COMPARISON_VERSION, Comparison};
use crate::input;
use crate::record::read;
use crate::timeline::{self, chrome::chrome_trace};

/// The format for a traced run: JSON for Chrome's tracing, which Perfetto opens.
const CHROME_TRACE: &str = "chrome-trace";

/// The arguments of `export`.
#[derive(clap::Args)]
pub(super) struct ExportArguments {
    /// Read this record file, folder that contains a records.jsonl, JSON output of `compare` or `gate`, or file of a traced
    /// run.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write this format.
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = ["markdown", "junit", "bmf", "github-action-benchmark", "openmetrics", "csv", CHROME_TRACE],
        env = "TASKDYNO_EXPORT_FORMAT"
    )]
    format: String,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE", env = "TASKDYNO_EXPORT_OUT")]
    out: Option<PathBuf>,
}

pub(super) fn main(arguments: &ExportArguments) -> CommandResult {
    let file = &arguments.file;
    if arguments.format == CHROME_TRACE {
        let timeline = timeline::read(file).map_err(Exit::usage)?;
        put(&chrome_trace(&timeline), arguments.out.as_deref())?;
        return Ok(OK);
    }
    let format = named(&arguments.format)?;
    let text = match comparisons(file)? {
        Some(comparisons) => format.comparisons(&comparisons),
        None => {
            let records = read(std::slice::from_ref(file)).map_err(Exit::usage)?;
            format.records(&records).ok_or_else(|| {
                Exit::usage(complaint!(
                    help = "give the output of `taskdyno compare --format json` or `taskdyno gate --format json`",
                    "the format {} needs verdicts, and {} contains records, which have none",
                    arguments.format,
                    file.display()
                ))
            })?
        }
    };
    put(&text, arguments.out.as_deref())?;
    Ok(OK)
}

/// The comparisons in this file, as JSON values one after the other; `None` if the file does not begin with a
/// comparison.
pub(super) fn comparisons(path: &Path) -> Result<Option<Vec<Comparison>>, Exit> {
    // A file that cannot be read is not an error here: the reader of records reports it with more detail.
    let bytes = input::read_file(path, input::most_bytes());
    let Some(text) = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Ok(None);
    };
    let first = serde_json::Deserializer::from_str(&text)
        .into_iter::<serde_json::Value>()
        .next();
    let is_comparison = |value: &serde_json::Value| value.get("comparison_version").is_some();
    if !first.is_some_and(|value| value.as_ref().is_ok_and(is_comparison)) {
        return Ok(None);
    }
    let mut comparisons = Vec::new();
    for value in serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>() {
        let value = value.map_err(|error| not_a_comparison(path, &error))?;
        if value["comparison_version"] != COMPARISON_VERSION {
            return Err(Exit::usage(complaint!(
                help = "read it with the version of taskdyno that wrote it",
                "{} has comparison_version {}, and this program supports only {COMPARISON_VERSION}",
                path.display(),
                value["comparison_version"]
            )));
        }
        let comparison =
            serde_json::from_value(value).map_err(|error| not_a_comparison(path, &error))?;
        comparisons.push(comparison);
    }
    Ok(Some(comparisons))
}

fn not_a_comparison(path: &Path, error: &serde_json::Error) -> Exit {
    Exit::usage(complaint!(
        help = "`taskdyno compare --format json --out FILE` writes a comparison; FORMAT.md describes each field",
        "{} is not a comparison: {error}",
        path.display()
    ))
}
