//! What stands in a command for the workers of a case.

use std::ops::Range;

use crate::diagnostic::{did_you_mean, nearest};
use crate::record::Case;
use crate::toml_file::{Mistake, quoted};

/// How the workers of a case are divided among processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkerPlaces {
    workers: u32,
    threads: u32,
}

/// The words that stand for a number in a command.
const WORDS: [&str; 3] = ["workers", "ranks", "threads"];

impl WorkerPlaces {
    /// So many processes with one thread each.
    pub(crate) fn processes(workers: u32) -> Self {
        Self {
            workers,
            threads: 1,
        }
    }

    /// Those of a case. If its workers were not given as processes with threads, each is a process of its own.
    pub(crate) fn of(case: &Case) -> Self {
        Self {
            workers: case.workers,
            threads: case.process_threads.unwrap_or(1).max(1),
        }
    }

    fn number(self, word: &str) -> Option<u32> {
        match word {
            "workers" => Some(self.workers),
            "ranks" => Some((self.workers / self.threads).max(1)),
            "threads" => Some(self.threads),
            _ => None,
        }
    }

    /// `text` with `{workers}`, `{ranks}` (processes) and `{threads}` (of each process) replaced by numbers. `{{word}}` is
    /// the text `{word}`. Everything else stays as it is.
    pub(crate) fn fill(self, text: &str) -> String {
        let mut filled = String::new();
        let mut end = 0;
        for place in placeholders(text) {
            filled += &text[end..place.start];
            let inner = &text[place.start + 1..place.end - 1];
            match self.number(inner) {
                Some(number) => filled += &number.to_string(),
                // The inner braces of `{{word}}` belong to the text.
                None if inner.starts_with('{') => filled += inner,
                None => filled += &text[place.clone()],
            }
            end = place.end;
        }
        filled + &text[end..]
    }
}

/// The mistakes in the words of a command: words in braces that stand for nothing, and those in the name of the program.
pub(super) fn mistakes<'a>(
    command: impl Iterator<Item = &'a (String, Range<usize>)>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (index, (text, span)) in command.enumerate() {
        for place in placeholders(text) {
            let word = &text[place.start + 1..place.end - 1];
            if word.starts_with('{') {
                continue;
            }
            let is_known = WORDS.contains(&word);
            if is_known && index > 0 {
                continue;
            }
            let (message, help) = match is_known {
                true => (
                    format!("the program cannot depend on {}", quoted(&text[place])),
                    "only its arguments can: start the program with a script".into(),
                ),
                false => {
                    let near = did_you_mean(nearest(word, WORDS));
                    let known = WORDS.map(|word| format!("`{{{word}}}`")).join(", ");
                    (
                        format!("nothing is known that {} stands for", quoted(&text[place])),
                        format!("{near}known: {known}; write `{{{{{word}}}}}` for the text itself"),
                    )
                }
            };
            let mistake = Mistake::new(message, help);
            mistakes.push(mistake.at(span.clone(), "expected a known word in braces"));
        }
    }
    mistakes
}

/// Where `text` has words of small letters in braces, `{word}` or `{{word}}`, with their braces.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{') {
        let start = from + open;
        let count = text[start..]
            .bytes()
            .take_while(|byte| *byte == b'{')
            .count();
        let rest = &text[start + count..];
        let letters = rest.bytes().take_while(|byte| is_in_word(*byte)).count();
        let closing = rest[letters..]
            .bytes()
            .take_while(|byte| *byte == b'}')
            .count();
        let end = start + count + letters + closing;
        if letters > 0 && count == closing && count <= 2 {
            found.push(start..end);
        }
        from = start + count;
    }
    found
}

fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_braces_become_numbers_and_everything_else_stays() {
        let places = WorkerPlaces {
            workers: 6,
            threads: 3,
        };
        for (text, expected) in [
            ("{ranks}", "2"),
            ("-n{ranks}x{threads}/{workers}.", "-n2x3/6."),
            ("{{ranks}} {ranks}", "{ranks} 2"),
            ("{other}", "{other}"),
            ("${HOME} {} { ranks } {ranks", "${HOME} {} { ranks } {ranks"),
            ("{{{ranks}}}", "{{{ranks}}}"),
            ("é{threads}é", "é3é"),
            ("", ""),
        ] {
            assert_eq!(places.fill(text), expected, "{text}");
        }
        let plain = WorkerPlaces::processes(4);
        assert_eq!(plain.fill("{workers} {ranks} {threads}"), "4 4 1");
    }
}
