//! Parses the text of one file into backends.

use std::ops::Range;

use toml::de::DeTable;

use super::existing::Existing;
use super::given::Given;
use super::key::{BACKEND, COMMAND, FAMILY, KERNELS, NAME, WHY, backend_keys, top_keys};
use super::lists::{Least, tables};
use super::{External, Files};
use crate::toml_file::{Keys, Mistake, SourceFile, not_toml};

/// A backend, and the place of its name in the file.
pub(super) struct ParsedBackend {
    pub(super) external: External,
    pub(super) name_span: Range<usize>,
}

/// Parses the text of `source`. `files` makes the place of the files that its commands name.
///
/// # Errors
///
/// All independent mistakes; at least one.
pub(super) fn parse(
    source: &SourceFile,
    known: &Existing<'_>,
    files: impl Fn() -> Files,
) -> Result<Vec<ParsedBackend>, Vec<Mistake>> {
    let table =
        DeTable::parse(&source.text).map_err(|error| vec![not_toml(&source.text, &error)])?;
    let mut top = Keys::new(table.get_ref(), 0..0, "in this file");
    top.refuse_unknown(&top_keys(), "a file of backends", |key| {
        (key == NAME.name).then(|| "each backend has its own: write it below `[[backend]]`".into())
    });
    let defaults = Given::read(&mut top, known);
    let mut parsed = Vec::new();
    let mut mistakes = Vec::new();
    if !top.table.contains_key(BACKEND.name) {
        top.missing(&BACKEND);
    }
    for (table, span) in tables(&mut top, &BACKEND, Least::One).unwrap_or_default() {
        let mut keys = Keys::new(table, span, "in this backend");
        keys.refuse_unknown(&backend_keys(), "a backend", |_| None);
        let name = keys.name(&NAME);
        let given = Given::read(&mut keys, known).or(&defaults);
        for key in [&WHY, &FAMILY, &COMMAND, &KERNELS] {
            if !table.contains_key(key.name) && !top.table.contains_key(key.name) {
                keys.missing(key);
            }
        }
        mistakes.append(&mut keys.mistakes);
        let complete = name.and_then(|(name, name_span)| {
            let external = given.external(name, files())?;
            Some(ParsedBackend {
                external,
                name_span,
            })
        });
        parsed.extend(complete);
    }
    mistakes.append(&mut top.mistakes);
    mistakes.sort_by_key(Mistake::offset);
    match mistakes.is_empty() {
        true => Ok(parsed),
        false => Err(mistakes),
    }
}
