//! Makes text from others safe for its destination: one function per kind of destination.
//!
//! Names and messages come from files, arguments and the measured programs. In each destination some characters
//! would have an effect instead of being shown.

use std::fmt::Write;

/// Text for a terminal or a page. Line feeds and tabs stay, and so do carriage returns at line ends. All other
/// invisible characters with an effect are escaped, such as `\u001b`. JSON has the same escapes, so JSON keeps its
/// meaning.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_line = c == '\r' && rest.peek() == Some(&'\n');
        if !is_hidden(c) || ends_line {
            visible.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(visible, "\\u{unit:04x}");
        }
    }
    visible
}

/// Whether `c` is a control character, changes the direction of text, breaks it, has no width, or is not allowed in
/// XML and HTML.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e007f}' => true,
        // The last two of every 65,536 code points are not characters.
        c => c.is_control() || u32::from(c) & 0xFFFE == 0xFFFE,
    }
}

/// Text in one line: white space between words becomes a single space, and the rest is [`visible`].
pub(crate) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    visible(&words.join(" "))
}

/// The words of a text in lines of at most `width` characters, each with a line feed. Lines after the first are indented.
/// A word that is longer has a line of its own.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines = String::new();
    let mut len = 0;
    for word in text.split_whitespace() {
        let word_len = word.chars().count();
        let is_first = len == 0;
        if !is_first && len + 1 + word_len > width {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            len = indent;
        } else if !is_first {
            lines.push(' ');
            len += 1;
        }
        lines += word;
        len += word_len;
    }
    lines.push('\n');
    lines
}

/// The text, cut to at most `width` characters. The last one is then an ellipsis.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.into(),
        Some(_) => {
            let kept = text.chars().take(width.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

/// The styles of words in reports and verdicts: bold, dimmed, red, green, yellow, and the end of each.
const STYLES: [&str; 6] = ["[1m", "[2m", "[31m", "[32m", "[33m", "[0m"];

/// [`visible`] text that keeps the styles of reports and verdicts. Text from others within it must already be
/// visible; otherwise it could use these styles.
pub(crate) fn styled(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut styled = visible(parts.next().unwrap_or_default());
    for part in parts {
        let style = STYLES.iter().find(|style| part.starts_with(**style));
        styled += match style {
            Some(_) => "\u{1b}",
            None => "\\u001b",
        };
        styled += &visible(part);
    }
    styled
}

/// Part of a file to which a message points: every byte keeps its position.
pub(crate) fn excerpt(text: &str) -> String {
    let mut excerpt = String::with_capacity(text.len());
    for c in text.chars() {
        match c != '\r' && is_hidden(c) {
            true => excerpt.extend(std::iter::repeat_n('?', c.len_utf8())),
            false => excerpt.push(c),
        }
    }
    excerpt
}

/// Text for an element or an attribute of XML.
pub(crate) fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in visible(text).chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            c => escaped.push(c),
        }
    }
    escaped
}

/// Literal text for one table cell in Markdown. Text between two backticks stays code, as it is in messages.
pub(crate) fn markdown(text: &str) -> String {
    let text = line(text);
    let parts: Vec<&str> = text.split('`').collect();
    // An even number of backticks, and none beside another, which together would mean something else.
    let is_paired = parts.len() % 2 == 1;
    let within = &parts[1..parts.len().max(2) - 1];
    if !is_paired
        || within
            .iter()
            .any(|part| part.is_empty() || part.contains('|'))
    {
        return literal(&text);
    }
    let parts = parts
        .iter()
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => literal(part),
            _ => format!("`{part}`"),
        });
    parts.collect()
}

/// What ends a name, a reference or an address for a forge, and shows nothing. A backslash does not, because forges look
/// for these in the text that is shown.
const BREAK: &str = "<!-- -->";

/// Text in Markdown of which no character has an effect. Only characters that could have one are escaped.
fn literal(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '_' if is_word(before) && is_word(after) => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            // A heading, if it begins a line.
            '#' if before == ' ' && !is_word(after) => escaped += "\\#",
            // A reference to an issue or a person, or an address.
            '#' | '@' if is_word(after) => escaped.extend([&*c.to_string(), BREAK]),
            ':' if after == '/' => escaped.extend([":", BREAK]),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped.replace("www.", &format!("www{BREAK}."))
}

/// Code for one table cell in Markdown.
pub(crate) fn markdown_code(text: &str) -> String {
    // A pipe would end the cell even in code, and a backtick would end the code.
    let text = line(text).replace('`', "'").replace('|', "\\|");
    format!("`{text}`")
}

/// One field of comma-separated values. Spreadsheets treat text that begins like a formula as a formula, so an
/// apostrophe goes before it; numbers stay as they are. A field with a comma, a quote or a line break is quoted.
pub(crate) fn csv_field(text: &str) -> String {
    const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\n', '＝', '＋', '－', '＠'];
    let mut field = visible(text);
    if field.starts_with(FORMULA) && !is_number(&field) {
        field.insert(0, '\'');
    }
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

/// Whether `text` is a number in digits, such as -0.5 or +1e-9.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}

/// The value of a label, or the help text of an OpenMetrics family.
pub(crate) fn metric(text: &str) -> String {
    visible(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        let acts = [
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{9b}2J", "\\u009b2J"),
            ("a\u{202e}b", "a\\u202eb"),
            ("\u{fffe}\u{ffff}", "\\ufffe\\uffff"),
            ("\u{e0041}", "\\udb40\\udc41"),
            ("a\rb", "a\\u000db"),
        ];
        for (text, expected) in acts {
            assert_eq!(visible(text), expected);
            assert_eq!(styled(text), expected);
        }
        let harmless = "é 中 👩‍👩‍👧 a\tb\r\nc\n";
        assert_eq!(visible(harmless), harmless);
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}\u{ffff}\"\\";
        let json = serde_json::to_string(text).unwrap();
        let read: String = serde_json::from_str(&visible(&json)).unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn only_styles_of_our_own_stay() {
        let ours = "\u{1b}[1mtitle\u{1b}[0m \u{1b}[31mred\u{1b}[0m\r\n";
        assert_eq!(styled(ours), ours);
        let foreign = "\u{1b}[8mhidden\u{1b}[2J\u{1b}c\u{1b}";
        let shown = "\\u001b[8mhidden\\u001b[2J\\u001bc\\u001b";
        assert_eq!(styled(foreign), shown);
    }

    #[test]
    fn lines_have_no_breaks() {
        assert_eq!(line(" a\r\n b\u{2028}c\u{1b}[1m "), "a b c\\u001b[1m");
    }

    #[test]
    fn excerpts_keep_their_bytes() {
        let text = "a\u{1b}\u{9b}\u{202e}\té\r\n";
        assert_eq!(excerpt(text), "a??????\té\r\n");
        assert_eq!(excerpt(text).len(), text.len());
    }

    #[test]
    fn no_field_is_a_formula() {
        let fields = [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1+1", "'+1+1"),
            ("-x", "'-x"),
            ("-inf", "'-inf"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\\u000d=1"),
            ("\n=1", "\"'\n=1\""),
            ("＝1", "'＝1"),
            ("=1,2", "\"'=1,2\""),
            ("-0.5", "-0.5"),
            ("+1e-9", "+1e-9"),
            ("chain/width=4", "chain/width=4"),
            ("say \"so\"", "\"say \"\"so\"\"\""),
        ];
        for (text, expected) in fields {
            assert_eq!(csv_field(text), expected);
        }
    }

    #[test]
    fn xml_and_markdown_and_metrics_escape_their_marks() {
        assert_eq!(
            xml("<a b=\"&\">\u{0}"),
            "&lt;a b=&quot;&amp;&quot;&gt;\\u0000"
        );
        assert_eq!(
            markdown("a|b\n*c* @d\u{7}"),
            "a\\|b \\*c\\* @<!-- -->d\\\\u0007"
        );
        assert_eq!(markdown_code("a|b`c"), "`a\\|b'c`");
        assert_eq!(metric("a\n\"b\"\u{7}"), "a\\n\\\"b\\\"\\\\u0007");
    }

    #[test]
    fn markdown_escapes_nothing_that_has_no_effect() {
        for text in [
            "CPU @ 2.20GHz, 2 cores, Linux 6.18",
            "`--pin=never` and `taskdyno doctor`",
            "src/my_file.rs: 5.10 → 5.50 ms (+7.8%), C# 8",
        ] {
            assert_eq!(markdown(text), text);
        }
    }

    #[test]
    fn markdown_from_others_stays_text() {
        for (text, expected) in [
            ("see #12 of @all", "see #<!-- -->12 of @<!-- -->all"),
            ("https://x www.x.y", "https:<!-- -->//x www<!-- -->.x.y"),
            ("a`b", "a\\`b"),
            ("``a``", "\\`\\`a\\`\\`"),
            ("`a``b`", "\\`a\\`\\`b\\`"),
            ("`a|b`", "\\`a\\|b\\`"),
            ("a\\`b` <c>", "a\\\\`b` &lt;c&gt;"),
            ("# title", "\\# title"),
            ("_a_ ~b~ $c$ ![d](e)", "\\_a\\_ \\~b\\~ \\$c\\$ !\\[d\\](e)"),
            ("", ""),
        ] {
            assert_eq!(markdown(text), expected, "{text}");
        }
    }
}
