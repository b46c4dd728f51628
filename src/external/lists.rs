//! Reads lists: of words, and of tables; and tables of words.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{did_you_mean, nearest};
use crate::toml_file::{Entry, Key, Keys, Mistake, quoted};

/// A word and its place in the file.
pub(super) type Word = (String, Range<usize>);

/// Whether a list may be empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Least {
    None,
    One,
}

/// The list of strings under a key that may be absent; `None` too if it is something else, which is reported. No
/// string is empty.
pub(super) fn words(keys: &mut Keys<'_>, key: &Key, least: Least) -> Option<Vec<Word>> {
    let value = keys.table.get(key.name)?;
    let word = |item: &Entry<'_>| match item.get_ref() {
        DeValue::String(text) if !text.is_empty() => Some((text.to_string(), item.span())),
        _ => None,
    };
    let words = match value.get_ref() {
        DeValue::Array(items) => items.iter().map(word).collect::<Option<Vec<Word>>>(),
        _ => None,
    };
    unless_refused(
        keys,
        key,
        words,
        least,
        "expected a list of strings in double quotes",
    )
}

/// The strings in the table under a key that may be absent, each with its name; empty too if it is something else, which is
/// reported. No string is empty.
pub(super) fn named_texts(keys: &mut Keys<'_>, key: &Key) -> Vec<(Word, String)> {
    let Some(value) = keys.table.get(key.name) else {
        return Vec::new();
    };
    let table = value.get_ref().as_table();
    let texts = table.and_then(|table| {
        let texts = table.iter().map(|(name, value)| match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => {
                Some(((name.get_ref().to_string(), name.span()), text.to_string()))
            }
            _ => None,
        });
        texts.collect::<Option<Vec<_>>>()
    });
    let expected = "expected a table of strings in double quotes";
    unless_refused(keys, key, texts, Least::None, expected).unwrap_or_default()
}

/// The list of tables under a key that may be absent, with their places; `None` too if it is something else, which is
/// reported.
pub(super) fn tables<'a>(
    keys: &mut Keys<'a>,
    key: &Key,
    least: Least,
) -> Option<Vec<(&'a DeTable<'a>, Range<usize>)>> {
    let value = keys.table.get(key.name)?;
    let tables = match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| Some((item.get_ref().as_table()?, item.span())))
            .collect::<Option<Vec<_>>>(),
        _ => None,
    };
    unless_refused(keys, key, tables, least, "expected a list of tables")
}

/// The list, or the mistake that there is none or that it is too short.
fn unless_refused<T>(
    keys: &mut Keys<'_>,
    key: &Key,
    list: Option<Vec<T>>,
    least: Least,
    expected: &str,
) -> Option<Vec<T>> {
    let list = list.filter(|list| least == Least::None || !list.is_empty());
    if list.is_none() {
        let value = keys.table.get(key.name)?;
        let help = format!("write it like `{}`", key.example);
        keys.refuse(key, value, expected, help);
    }
    list
}

/// Reports each of `words` that is not `known`. `what` is what they name, such as "workload".
pub(super) fn known_words(keys: &mut Keys<'_>, words: &[Word], what: &str, known: &[&str]) {
    for (word, span) in words.iter().filter(|(word, _)| !known.contains(&&**word)) {
        let near = did_you_mean(nearest(word, known.iter().copied()));
        let help = format!("{near}known: {}", known.join(", "));
        let mistake = Mistake::new(format!("there is no {what} {}", quoted(word)), help);
        let expected = format!("expected the name of a {what}");
        keys.mistakes.push(mistake.at(span.clone(), expected));
    }
}

/// Reports each of `words` that has come before. `what` is what they are, such as "option of this name".
pub(super) fn refuse_repeated(keys: &mut Keys<'_>, words: &[Word], what: &str) {
    for (index, (word, span)) in words.iter().enumerate() {
        let mut before = words[..index].iter();
        if let Some((_, first)) = before.find(|(other, _)| other == word) {
            let message = format!("{} is there twice", quoted(word));
            let mistake = Mistake::new(
                message,
                format!("remove or rename one: a second {what} has no use"),
            );
            let mistake = mistake.at(first.clone(), "first here");
            keys.mistakes.push(mistake.at(span.clone(), "again here"));
        }
    }
}

/// The texts of these words.
pub(super) fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|(text, _)| text).collect()
}
