//! What stands in a file of any version.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireFile<'a> {
    #[serde(borrow)]
    pub(super) schema_version: Option<Text<'a>>,
    pub(super) workflow: Option<WireWorkflow<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireWorkflow<'a> {
    /// From 1.5 on.
    #[serde(borrow)]
    pub(super) specification: Option<WireSpecification<'a>>,
    /// From 1.5 on.
    pub(super) execution: Option<WireExecution<'a>>,
    /// In 1.3 and 1.4.
    pub(super) tasks: Option<Vec<WireTask<'a>>>,
    /// Up to 1.2.
    pub(super) jobs: Option<Vec<WireTask<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct WireSpecification<'a> {
    #[serde(borrow)]
    pub(super) tasks: Option<Vec<WireTask<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct WireExecution<'a> {
    #[serde(borrow)]
    pub(super) tasks: Option<Vec<WireExecuted<'a>>>,
}

/// A task as it is specified. Runtimes are kept as they are written: read as numbers here, a bad one would be told
/// without its task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTask<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    pub(super) id: Option<Text<'a>>,
    pub(super) parents: Option<Vec<Text<'a>>>,
    pub(super) children: Option<Vec<Text<'a>>>,
    /// In 1.4.
    #[serde(borrow)]
    pub(super) runtime_in_seconds: Option<&'a RawValue>,
    /// Up to 1.3.
    #[serde(borrow)]
    pub(super) runtime: Option<&'a RawValue>,
}

/// A task as it was executed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireExecuted<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) runtime_in_seconds: Option<&'a RawValue>,
}

/// A string that is a part of the file, unless it has escapes in it. (Without this type, strings in a list are
/// copied.)
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);
