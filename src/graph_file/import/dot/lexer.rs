//! The words of the language.

use std::borrow::Cow;

use super::super::refusal::{Refusal, quoted};

/// A word, and where it begins.
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// A name, a number or a text in quotes.
    Id(Cow<'a, str>),
    /// A name that has a meaning of its own, in lower case.
    Keyword(Keyword),
    /// One of `{}[];,=:`.
    Sign(u8),
    /// `->`
    Arrow,
    /// `--`
    Line,
    /// The end of the file.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Keyword {
    Strict,
    Graph,
    Digraph,
    Subgraph,
    Node,
    Edge,
}

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        let all = [
            ("strict", Self::Strict),
            ("graph", Self::Graph),
            ("digraph", Self::Digraph),
            ("subgraph", Self::Subgraph),
            ("node", Self::Node),
            ("edge", Self::Edge),
        ];
        let found = all.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, keyword)| *keyword)
    }
}

impl Kind<'_> {
    /// As messages show it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Id(text) => quoted(text),
            Self::Keyword(keyword) => format!("`{}`", format!("{keyword:?}").to_lowercase()),
            Self::Sign(sign) => format!("`{}`", char::from(*sign)),
            Self::Arrow => "`->`".into(),
            Self::Line => "`--`".into(),
            Self::End => "the end of the file".into(),
        }
    }
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    place: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, place: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.place..]
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Refusal> {
        self.skip_space()?;
        let start = self.place;
        let kind = self.kind()?;
        Ok(Token { kind, start })
    }

    fn kind(&mut self) -> Result<Kind<'a>, Refusal> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Kind::End);
        };
        if rest.starts_with("->") {
            return Ok(self.sign(Kind::Arrow, 2));
        }
        if rest.starts_with("--") {
            return Ok(self.sign(Kind::Line, 2));
        }
        match first {
            '{' | '}' | '[' | ']' | ';' | ',' | '=' | ':' => {
                Ok(self.sign(Kind::Sign(first as u8), 1))
            }
            '"' => self.quoted_id(),
            '<' => self.html(),
            '-' | '.' | '0'..='9' => self.number(),
            _ if is_name(first) => Ok(self.name()),
            _ => Err(self.refuse(
                format!("{first:?} has no meaning here"),
                "a name with other characters than letters, digits and `_` stands in double quotes",
            )),
        }
    }

    fn sign(&mut self, kind: Kind<'a>, len: usize) -> Kind<'a> {
        self.place += len;
        kind
    }

    fn take(&mut self, len: usize) -> &'a str {
        let taken = &self.rest()[..len];
        self.place += len;
        taken
    }

    fn name(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let len = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let word = self.take(len);
        match Keyword::of(word) {
            Some(keyword) => Kind::Keyword(keyword),
            None => Kind::Id(word.into()),
        }
    }

    fn number(&mut self) -> Result<Kind<'a>, Refusal> {
        let rest = self.rest();
        let behind_sign = rest.strip_prefix('-').unwrap_or(rest);
        let end = behind_sign.find(|c: char| !c.is_ascii_digit() && c != '.');
        let digits = &behind_sign[..end.unwrap_or(behind_sign.len())];
        let next = behind_sign[digits.len()..].chars().next();
        // Graphviz takes `a-1` for two names, which is not what was meant.
        let is_joined = self.text[..self.place].ends_with(is_name);
        if is_joined || next.is_some_and(is_name) || digits.parse::<f64>().is_err() {
            let message = "a number that touches a name";
            let help = "put it into double quotes, all of it; what is no number does not begin with a digit, `-` or `.`";
            return Err(self.refuse(message, help));
        }
        let len = rest.len() - behind_sign.len() + digits.len();
        Ok(Kind::Id(self.take(len).into()))
    }

    /// A text in quotes, or several joined by `+`.
    fn quoted_id(&mut self) -> Result<Kind<'a>, Refusal> {
        let mut id = self.quoted_part()?;
        loop {
            let end = self.place;
            self.skip_space()?;
            if !self.rest().starts_with('+') {
                self.place = end;
                return Ok(Kind::Id(id));
            }
            self.place += 1;
            self.skip_space()?;
            if !self.rest().starts_with('"') {
                return Err(self.refuse(
                    "expected a text in double quotes behind `+`",
                    "add it, or take `+` out",
                ));
            }
            let part = self.quoted_part()?;
            id.to_mut().push_str(&part);
        }
    }

    /// A text in quotes. As Graphviz has it, `\"` is a quote and `\` before the end of a line joins it with the next
    /// one; every other `\` stands for itself.
    fn quoted_part(&mut self) -> Result<Cow<'a, str>, Refusal> {
        let inner = &self.rest()[1..];
        let mut changed: Option<String> = None;
        // Up to where `inner` has been copied, if it is.
        let mut copied = 0;
        let mut place = 0;
        loop {
            let Some(found) = inner[place..].find(['"', '\\']) else {
                return Err(self.refuse(
                    "the text that begins here has no closing quote",
                    "close it; if the file was cut off, fetch it again",
                ));
            };
            let at = place + found;
            if inner.as_bytes()[at] == b'"' {
                self.place += at + 2;
                return Ok(match changed {
                    Some(changed) => Cow::Owned(changed + &inner[copied..at]),
                    None => Cow::Borrowed(&inner[..at]),
                });
            }
            let behind = &inner[at + 1..];
            let (skipped, kept) = match behind.as_bytes() {
                [b'"', ..] => (1, 1),
                [b'\n', ..] => (2, 0),
                [b'\r', b'\n', ..] => (3, 0),
                // Neither of two is removed, and the second one escapes nothing.
                [b'\\', ..] => (0, 2),
                _ => (0, 1),
            };
            if skipped > 0 {
                let changed = changed.get_or_insert_default();
                changed.push_str(&inner[copied..at]);
                copied = at + skipped;
            }
            place = at + skipped + kept;
        }
    }

    /// A text in angle brackets, which may stand within each other.
    fn html(&mut self) -> Result<Kind<'a>, Refusal> {
        let rest = self.rest();
        let mut depth = 0usize;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'<' => depth += 1,
                b'>' => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                return Ok(Kind::Id(self.take(at + 1).into()));
            }
        }
        Err(self.refuse(
            "the text that begins here has no closing `>`",
            "close it; if the file was cut off, fetch it again",
        ))
    }

    /// Skips white space, comments, and lines that begin with `#`.
    fn skip_space(&mut self) -> Result<(), Refusal> {
        loop {
            self.place = self.text.len() - self.rest().trim_start().len();
            let rest = self.rest();
            let begins_line = self.place == 0 || self.text.as_bytes()[self.place - 1] == b'\n';
            if rest.starts_with("//") || (begins_line && rest.starts_with('#')) {
                self.place += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.refuse(
                        "the comment that begins here has no end",
                        "close it with `*/`; if the file was cut off, fetch it again",
                    ));
                };
                self.place += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn refuse(&self, message: impl Into<String>, help: &str) -> Refusal {
        Refusal::new(message, help).at_byte(self.place)
    }
}

/// Whether a name without quotes may hold it. A digit must not come first.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}
