//! Reads the values of keys that several kinds of files have.

use std::ops::{Range, RangeInclusive};

use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, quoted};
use super::value::{Entry, describe, to_count};
use crate::diagnostic::{did_you_mean, nearest};

/// A key that a file, or a table in it, may have.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// An example, for messages.
    pub(crate) example: &'static str,
}

impl Key {
    /// `example` is a line that sets it.
    pub(crate) const fn new(name: &'static str, example: &'static str) -> Self {
        Self { name, example }
    }
}

/// A table that is being read, and the mistakes so far.
pub(crate) struct Keys<'a> {
    pub(crate) table: &'a DeTable<'a>,
    pub(crate) mistakes: Vec<Mistake>,
    /// Where a missing key is reported: a place in the file, and what to say about it.
    place: (Range<usize>, &'static str),
    /// The keys that were probably meant by unknown ones. Only the unknown key is reported, not that the other is
    /// missing.
    meant: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// The keys of `table`, which is at `span` in the file. `place` says so for messages, such as "in this file".
    pub(crate) fn new(table: &'a DeTable<'a>, span: Range<usize>, place: &'static str) -> Self {
        Self {
            table,
            mistakes: Vec::new(),
            place: (span, place),
            meant: Vec::new(),
        }
    }

    /// Refuses all keys but the `known` ones of `owner`, such as "a workload". `place_of` says where a key belongs that
    /// is known elsewhere.
    pub(crate) fn refuse_unknown(
        &mut self,
        known: &[&Key],
        owner: &str,
        place_of: impl Fn(&str) -> Option<String>,
    ) {
        let known: Vec<&'static str> = known.iter().map(|key| key.name).collect();
        let unknown = self.table.keys();
        for key in unknown.filter(|key| !known.contains(&&**key.get_ref())) {
            let name = key.get_ref();
            let help = place_of(name).unwrap_or_else(|| {
                let near = nearest(name, known.iter().copied());
                self.meant.extend(near);
                format!("{}known keys: {}", did_you_mean(near), known.join(", "))
            });
            let mistake = Mistake::new(format!("unknown key {}", quoted(name)), help);
            self.mistakes
                .push(mistake.at(key.span(), format!("not a key of {owner}")));
        }
    }

    /// Whether an unknown key was probably meant to be this one.
    pub(crate) fn is_meant(&self, key: &Key) -> bool {
        self.meant.contains(&key.name)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &Key) -> Option<&'a Entry<'a>> {
        let value = self.table.get(key.name);
        if value.is_none() {
            self.missing(key);
        }
        value
    }

    /// Reports that `key` is missing, unless an unknown key was probably meant to be it.
    pub(crate) fn missing(&mut self, key: &Key) {
        if self.is_meant(key) {
            return;
        }
        let mistake = Mistake::new(
            format!("`{}` is missing", key.name),
            format!("add a line `{}`", key.example),
        );
        let (span, place) = self.place.clone();
        self.mistakes.push(mistake.at(span, place));
    }

    /// The name under a required key, and its place: words of lower case letters and digits, joined by hyphens.
    pub(crate) fn name(&mut self, key: &Key) -> Option<(String, Range<usize>)> {
        let (name, span) = self.text(key)?;
        if is_kebab_case(&name) {
            return Some((name, span));
        }
        let kebab = to_kebab_case(&name);
        let help = if is_kebab_case(&kebab) {
            format!("write `{} = \"{kebab}\"`", key.name)
        } else {
            format!("write it like `{}`", key.example)
        };
        let message = format!("`{}` cannot be {}", key.name, quoted(&name));
        let expected = "expected lower case letters and digits in words joined by `-`";
        self.mistakes
            .push(Mistake::new(message, help).at(span, expected));
        None
    }

    /// The text under a required key. A string over several lines becomes one line.
    pub(crate) fn line(&mut self, key: &Key) -> Option<String> {
        let (text, span) = self.text(key)?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let problem = if line.is_empty() {
            "is empty"
        } else if line.contains(char::is_control) {
            "contains a control character"
        } else {
            return Some(line);
        };
        let message = format!("`{}` {problem}", key.name);
        let help = format!("write it like `{}`", key.example);
        self.mistakes
            .push(Mistake::new(message, help).at(span, "expected a line of text"));
        None
    }

    /// The string under a required key.
    fn text(&mut self, key: &Key) -> Option<(String, Range<usize>)> {
        let value = self.required(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            _ => {
                let help = format!("write it like `{}`", key.example);
                self.refuse(key, value, "expected a string in double quotes", help);
                None
            }
        }
    }

    /// The whole number under a key that may be absent.
    pub(crate) fn count(&mut self, key: &Key, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.table.get(key.name)?;
        let count = to_count(value.get_ref()).filter(|count| range.contains(count));
        if count.is_none() {
            let expected = format!(
                "expected a whole number from {} to {}",
                range.start(),
                range.end()
            );
            let help = format!(
                "write it like `{}`, or leave it out for the default",
                key.example
            );
            self.refuse(key, value, expected, help);
        }
        count
    }

    /// The truth value under a key that may be absent.
    pub(crate) fn boolean(&mut self, key: &Key) -> Option<bool> {
        let value = self.table.get(key.name)?;
        if let DeValue::Boolean(is_so) = value.get_ref() {
            return Some(*is_so);
        }
        let help = format!("write it like `{}`, or leave it out", key.example);
        self.refuse(key, value, "expected true or false", help);
        None
    }

    /// Reports that `key` cannot have this value.
    pub(crate) fn refuse(
        &mut self,
        key: &Key,
        value: &Entry<'_>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) {
        let message = format!("`{}` cannot be {}", key.name, describe(value.get_ref()));
        self.mistakes
            .push(Mistake::new(message, help).at(value.span(), expected));
    }
}

/// Whether a name consists of words of lower case letters and digits, joined by single hyphens, and begins with a
/// letter.
fn is_kebab_case(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(is_word)
}

fn to_kebab_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}
