//! WfFormat of WfCommons: scientific workflows with measured runtimes, as JSON.
//!
//! | version | tasks | runtimes |
//! |---|---|---|
//! | 1.0 to 1.2 | `workflow.jobs` | `runtime` in each |
//! | 1.3 | `workflow.tasks` | `runtime` in each |
//! | 1.4 | `workflow.tasks` | `runtimeInSeconds` in each |
//! | 1.5, 1.6 | `workflow.specification.tasks` | `workflow.execution.tasks`, by id |
//!
//! A file is read by its shape, and where that is of another version than the file names, a note says so: there are
//! files that were relabelled. Up to 1.4 published files name parents by `name`, although the schema of 1.4 says that
//! it is by id; so a task of these versions goes by its name, and is found by its id too.

use serde_json::error::Category;

use super::draft::Draft;
use super::refusal::{Refusal, offset_in, quoted};
use tasks::Tasks;
use wire::{WireFile, WireTask, WireWorkflow};

mod runtime;
mod tasks;
mod wire;

/// Both parts of the newest version that is known, whose first part all have.
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
            "its schema version {major}.{minor} is newer than those known here, and it is read as {major}.{newest} is"
        ));
    }
    let (shape, wire) = shape(&workflow, minor)?;
    if !shape.minors().contains(&minor) && minor <= NEWEST.1 {
        notes.push(format!(
            "it says that its schema version is {}, but has `{}` as {} have: read as such",
            version.0,
            shape.key(),
            shape.versions()
        ));
    }
    match shape {
        Shape::Jobs | Shape::Tasks => {
            let tasks = Tasks::by_name(text, wire)?;
            tasks.draft(tasks.own_runtimes(minor)?, notes)
        }
        Shape::Specification => {
            let tasks = Tasks::by_id(text, wire)?;
            let execution = workflow.execution.as_ref();
            let executed = execution.and_then(|execution| execution.tasks.as_deref());
            tasks.draft(
                tasks.executed_runtimes(executed.unwrap_or_default())?,
                notes,
            )
        }
    }
}

/// Where the tasks of a file stand.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Jobs,
    Tasks,
    Specification,
}

impl Shape {
    const ALL: [Self; 3] = [Self::Jobs, Self::Tasks, Self::Specification];

    /// The second parts of the versions that have it.
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

/// The shape of a workflow, and its tasks: that of its version if it has it, or the only other one that it has.
fn shape<'a>(
    workflow: &'a WireWorkflow<'a>,
    minor: u32,
) -> Result<(Shape, &'a [WireTask<'a>]), Refusal> {
    let is_own = |shape: &Shape| shape.minors().contains(&minor.min(NEWEST.1));
    let there = |shape: Shape| Some((shape, shape.of(workflow)?));
    let own = Shape::ALL
        .into_iter()
        .find(is_own)
        .expect("every version has a shape");
    let mut others = Shape::ALL
        .into_iter()
        .filter(|shape| *shape != own)
        .filter_map(there);
    match (there(own), others.next(), others.next()) {
        (Some(own), _, _) | (None, Some(own), None) => Ok(own),
        _ => Err(missing(own.key())),
    }
}

/// The second part of a version whose first part is known.
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
        "write the version that the file is of; a later one is to be converted to WfFormat 1.6 with the tools at \
         https://github.com/wfcommons/WfFormat",
    )
}

fn not_json(text: &str, error: &serde_json::Error) -> Refusal {
    // The message ends with the place, which is given in our own way, and may quote a string of any length.
    const LONGEST: usize = 200;
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let message: String = message.chars().take(LONGEST).collect();
    let help = match error.classify() {
        Category::Eof => "the file was cut off: fetch it again",
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
    // At the end of a text there is no line behind the last newline.
    let start = line.and_then(|line| offset_in(text, line));
    refusal.at_byte(start.map_or(text.len(), |start| start + error.column().saturating_sub(1)))
}

fn missing(key: &str) -> Refusal {
    Refusal::new(format!("`{key}` is missing"), EXPECTED)
}
