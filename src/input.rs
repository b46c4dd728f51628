//! Reads files that others wrote: never more than fits into memory, and never from a device without an end.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::system::memory::usable_memory_bytes;

/// The size limit, in bytes, of a file that needs about as much memory as its size, such as a file of records: an
/// eighth of the memory of this machine.
pub(crate) fn most_bytes() -> u64 {
    usable_memory_bytes() / 8
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused to read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a device.
    #[error("it is a device, not a file")]
    Device,
    /// It is longer than this many bytes.
    #[error("it is larger than the limit of {0} bytes")]
    TooLong(u64),
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidInput, other.to_string()),
        }
    }
}

/// All bytes of the file or pipe at `path`, at most `most_bytes`.
///
/// # Errors
///
/// If it cannot be read, is longer, or is a device: a terminal or `/dev/zero` never ends.
pub(crate) fn read_file(path: &Path, most_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return Err(ReadError::Device);
    }
    read_stream(file, most_bytes)
}

/// All bytes of `stream`, at most `most_bytes`.
///
/// # Errors
///
/// If it cannot be read, or is longer.
pub(crate) fn read_stream(stream: impl Read, most_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    stream
        .take(most_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        return Err(ReadError::TooLong(most_bytes));
    }
    Ok(bytes)
}

/// Why bytes are not text in UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub struct NotText {
    /// What they most likely are: "is compressed by gzip".
    pub what: String,
    /// What to do.
    pub help: String,
    /// The offset of the first wrong byte.
    pub offset: usize,
}

/// The text in `bytes`, without a byte order mark; `name` is the name of its file.
///
/// # Errors
///
/// If it is compressed or in another encoding. ASCII text in UTF-16 is also valid UTF-8, with a zero byte beside
/// each letter, and is refused.
pub(crate) fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, NotText> {
    match std::str::from_utf8(bytes) {
        Ok(text) if wide(name, bytes).is_none() => {
            Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
        }
        read => {
            let offset = read.map_or_else(|error| error.valid_up_to(), |_| 0);
            Err(foreign(name, bytes).unwrap_or_else(|| narrow(name, bytes, offset)))
        }
    }
}

/// Detects by its first bytes a file that is not text in UTF-8, even if all bytes are valid UTF-8; `None` if they do
/// not say so.
pub(crate) fn foreign(name: &str, bytes: &[u8]) -> Option<NotText> {
    packed(name, bytes).or_else(|| wide(name, bytes))
}

/// The first bytes of compressed files, and the commands that unpack them.
const PACKED: [(&[u8], &str, &str); 6] = [
    (b"\x1f\x8b", "gzip", "gzip -dc"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc"),
    (b"PK\x03\x04", "zip", "unzip -p"),
];

fn packed(name: &str, bytes: &[u8]) -> Option<NotText> {
    let mut all = PACKED.iter();
    let (_, tool, command) = all.find(|(magic, _, _)| bytes.starts_with(magic))?;
    Some(NotText {
        what: format!("is compressed by {tool}"),
        help: format!("unpack it first: `{command} {} > NEW`", argument(name)),
        offset: 0,
    })
}

/// Detects text with two or four bytes per letter.
fn wide(name: &str, bytes: &[u8]) -> Option<NotText> {
    let encoding = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => "UTF-32",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16",
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => "UTF-16LE",
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => "UTF-16BE",
        _ => return None,
    };
    Some(NotText {
        what: format!("is text in {encoding}, not in UTF-8"),
        help: conversion(encoding, name),
        offset: 0,
    })
}

/// Text with one byte per letter, or not text at all.
fn narrow(name: &str, bytes: &[u8], offset: usize) -> NotText {
    if bytes.contains(&0) {
        return NotText {
            what: "is not text".into(),
            help: "expected a text file in UTF-8: is this another kind of file?".into(),
            offset,
        };
    }
    NotText {
        what: "is not text in UTF-8, but most likely in ISO-8859-1 (Latin-1)".into(),
        help: conversion("ISO-8859-1", name),
        offset,
    }
}

fn conversion(encoding: &str, name: &str) -> String {
    format!(
        "convert it: `iconv -f {encoding} -t UTF-8 {} > NEW`",
        argument(name)
    )
}

/// `name` as a shell argument, or a placeholder if it would need quotes.
fn argument(name: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=".contains(&byte);
    match !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain) {
        true => name,
        false => "FILE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_file(&path, 10).unwrap(), b"0123456789");
        assert!(matches!(read_file(&path, 9), Err(ReadError::TooLong(9))));
        assert!(matches!(
            read_stream(io::repeat(b'x'), 1000),
            Err(ReadError::TooLong(1000))
        ));
    }

    #[test]
    fn devices_are_refused() {
        let read = read_file(Path::new("/dev/zero"), 1 << 20);
        assert!(matches!(read, Err(ReadError::Device)));
    }

    fn refused(bytes: &[u8]) -> String {
        let NotText { what, help, .. } = text("a.dot", bytes).unwrap_err();
        format!("{what}: {help}")
    }

    #[test]
    fn encodings_are_told_with_the_command_that_converts_them() {
        let latin = "is not text in UTF-8, but most likely in ISO-8859-1 (Latin-1): convert it: \
                     `iconv -f ISO-8859-1 -t UTF-8 a.dot > NEW`";
        assert_eq!(refused(b"digraph { \"caf\xe9\" }"), latin);
        let wide = |encoding: &str| {
            format!(
                "is text in {encoding}, not in UTF-8: convert it: `iconv -f {encoding} -t UTF-8 a.dot > NEW`"
            )
        };
        let utf16 = |mark: &[u8], to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let letters = "digraph {}".encode_utf16().flat_map(to_bytes);
            mark.iter().copied().chain(letters).collect()
        };
        assert_eq!(
            refused(&utf16(b"\xff\xfe", u16::to_le_bytes)),
            wide("UTF-16")
        );
        assert_eq!(
            refused(&utf16(b"\xfe\xff", u16::to_be_bytes)),
            wide("UTF-16")
        );
        assert_eq!(refused(&utf16(b"", u16::to_le_bytes)), wide("UTF-16LE"));
        assert_eq!(refused(&utf16(b"", u16::to_be_bytes)), wide("UTF-16BE"));
        assert_eq!(refused(b"\xff\xfe\0\0d\0\0\0"), wide("UTF-32"));
    }

    #[test]
    fn only_what_is_compressed_is_advised_to_be_unpacked() {
        assert_eq!(
            refused(b"\x1f\x8b\x08\0"),
            "is compressed by gzip: unpack it first: `gzip -dc a.dot > NEW`"
        );
        assert!(refused(b"PK\x03\x04\xff").contains("unzip -p"));
        let binary = refused(b"\x7fELF\x02\0\0\xff");
        assert!(binary.starts_with("is not text: expected"), "{binary}");
    }

    #[test]
    fn names_that_need_quotes_are_not_put_into_commands() {
        assert_eq!(argument("a/b-1.dot"), "a/b-1.dot");
        for name in ["", "-x", "a b", "a;b", "a\x1b[31m"] {
            assert_eq!(argument(name), "FILE");
        }
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        assert_eq!(text("x", b"\xef\xbb\xbfa"), Ok("a"));
    }
}
