//! WfFormat of WfCommons: scientific workflows with measured runtimes, as JSON.
//!
//! | version | tasks | runtimes |
//! |---|---|---|
//! | 1.0 to 1.2 | `workflow.jobs` | `runtime` in each |
//! | 1.3 | `workflow.tasks` | `runtime` in each |
//! | 1.4 | `workflow.tasks` | `runtimeInSeconds` in each |
//! | 1.5, 1.6 | `workflow.specification.tasks` | `workflow.execution.tasks`, by id |
//!
//! A file is read by its structure. If that belongs to a different version than the file names, a note says so: some
//! published files were relabelled. Up to 1.4, published files name parents by `name`, although the schema of 1.4
//! says by id. A task of these versions is therefore found by its name and also by its id.

use serde_json::error::Category;

use super::draft::Draft;
use super::refusal::{Refusal, offset_in, quoted};
use tasks::NamedTasks;
use wire::{WireFile, WireTask, WireWorkflow};

mod runtime;
mod tasks;
mod wire;

/// The major and minor number of the newest supported version. All supported versions have this major number.
const NEWEST: (u32, u32) = (1, 6);

const EXPECTED: &str = "expected WfFormat 1.0 to 1.6; its schema is at https://wfcommons.org";

pub(super) fn parse(text: &str) -> Result<Draft, Refusal> {
    let file: WireFile<'_> = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    let workflow = file.workflow.ok_or_else(|| missing("workflow"))?;
    let version = file
        .schema_version
        .ok_or_else(|| missing("schemaVersion"))?;
    let minor =
        minor(&version.0).ok_or_else(|| unknown_version(&version.0).at(text, &version.0))?;
    let mut notes = Vec::new();
    if minor > NEWEST.1 {
        let (major, newest) = NEWEST;
        notes.push(format!(
            "its schema version {major}.{minor} is newer than the supported versions: read as {major}.{newest}"
        ));
    }
    let (shape, wire) = shape(&workflow, minor)?;
    if !shape.minors().contains(&minor) && minor <= NEWEST.1 {
        notes.push(format!(
            "its schema version is {}, but it has `{}`, as in versions {}: read as such",
            version.0,
            shape.key(),
            shape.versions()
        ));
    }
    match shape {
        FileShape::Jobs | FileShape::Tasks => {
            let tasks = NamedTasks::by_name(text, wire)?;
            tasks.draft(tasks.own_runtimes(minor)?, notes)
        }
        FileShape::Specification => {
            let tasks = NamedTasks::by_id(text, wire)?;
            let execution = workflow.execution.as_ref();
            let executed = execution.and_then(|execution| execution.tasks.as_deref());
            tasks.draft(
                tasks.executed_runtimes(executed.unwrap_or_default())?,
                notes,
            )
        }
    }
}

/// The structure that holds the tasks of a file.
#[derive(Clone, Copy, PartialEq)]
enum FileShape {
    Jobs,
    Tasks,
    Specification,
}

impl FileShape {
    const ALL: [Self; 3] = [Self::Jobs, Self::Tasks, Self::Specification];

    /// The minor numbers of the versions with this structure.
    fn minors(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Self::Jobs => 0..=2,
            Self::Tasks => 3..=4,
            Self::Specification => 5..=NEWEST.1,
        }
    }

    fn versions(self) -> &'static str {
        match self {
            Self::Jobs => "1.0 to 1.2",
            Self::Tasks => "1.3 and 1.4",
            Self::Specification => "1.5 and 1.6",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Jobs => "workflow.jobs",
            Self::Tasks => "workflow.tasks",
            Self::Specification => "workflow.specification.tasks",
        }
    }

    fn of<'a>(self, workflow: &'a WireWorkflow<'a>) -> Option<&'a [WireTask<'a>]> {
        match self {
            Self::Jobs => workflow.jobs.as_deref(),
            Self::Tasks => workflow.tasks.as_deref(),
            Self::Specification => workflow.specification.as_ref()?.tasks.as_deref(),
        }
    }
}

/// The structure of a workflow, and its tasks: the structure of its version if present, or else the only other one
/// present.
fn shape<'a>(
    workflow: &'a WireWorkflow<'a>,
    minor: u32,
) -> Result<(FileShape, &'a [WireTask<'a>]), Refusal> {
    let is_own = |shape: &FileShape| shape.minors().contains(&minor.min(NEWEST.1));
    let there = |shape: FileShape| Some((shape, shape.of(workflow)?));
    let own = FileShape::ALL
        .into_iter()
        .find(is_own)
        .expect("every version has a shape");
    let mut others = FileShape::ALL
        .into_iter()
        .filter(|shape| *shape != own)
        .filter_map(there);
    match (there(own), others.next(), others.next()) {
        (Some(own), _, _) | (None, Some(own), None) => Ok(own),
        _ => Err(missing(own.key())),
    }
}

/// The minor number of a version with the supported major number.
fn minor(version: &str) -> Option<u32> {
    let (major, minor) = version.split_once('.')?;
    let minor = minor.parse().ok()?;
    (major.parse() == Ok(NEWEST.0)).then_some(minor)
}

fn unknown_version(version: &str) -> Refusal {
    Refusal::new(
        format!(
            "the schema version is {}, expected 1.0 to 1.6",
            quoted(version)
        ),
        "write the version of the file; convert a later version to WfFormat 1.6 with the tools at \
         https://github.com/wfcommons/WfFormat",
    )
}

fn not_json(text: &str, error: &serde_json::Error) -> Refusal {
    // The message ends with the place, which is reported separately, and may quote a string of any length.
    const LONGEST: usize = 200;
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let message: String = message.chars().take(LONGEST).collect();
    let help = match error.classify() {
        Category::Eof => "the file is incomplete: fetch it again",
        Category::Data => EXPECTED,
        Category::Syntax | Category::Io => "expected WfFormat, which is JSON",
    };
    let message = match error.classify() {
        Category::Data => format!("not WfFormat: {message}"),
        _ => format!("not valid JSON: {message}"),
    };
    let line = text
        .split_inclusive('\n')
        .nth(error.line().saturating_sub(1));
    let refusal = Refusal::new(message, help);
    // At the end of a text there is no line after the last newline.
    let start = line.and_then(|line| offset_in(text, line));
    refusal.at_byte(start.map_or(text.len(), |start| start + error.column().saturating_sub(1)))
}

fn missing(key: &str) -> Refusal {
    Refusal::new(format!("`{key}` is missing"), EXPECTED)
}
