//! Reads the text of a file.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mistake::Mistake;
use crate::diagnostic::{did_you_mean, nearest};
use crate::input::{self, ReadError};

/// The text of a file.
pub(crate) struct SourceFile {
    /// The given path, for messages.
    pub(crate) name: String,
    /// The folder that contains it; `None` if it is built into the program.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) text: String,
}

/// The words of messages about one kind of files.
pub(crate) struct FileKind {
    /// One of them, such as "a workload file".
    pub(crate) one: &'static str,
    /// What a path was expected to name.
    pub(crate) expected: &'static str,
    /// What to do if the path of a file is a folder.
    pub(crate) folder_help: &'static str,
}

/// The size limit, in bytes. A file is about a page of text. The limit prevents a wrong path from filling the
/// memory.
const LONGEST_BYTES: u64 = 1 << 20;

/// Reads the file of this kind at `path`.
///
/// # Errors
///
/// That it cannot be read, or is not text.
pub(crate) fn read_file(path: &Path, kind: &FileKind) -> Result<SourceFile, Mistake> {
    if path.is_dir() {
        return Err(Mistake::new(
            format!("`{}` is a folder, not a file", path.display()),
            kind.folder_help,
        ));
    }
    let bytes = input::read_file(path, LONGEST_BYTES).map_err(|error| match error {
        ReadError::Io(error) => unreadable(path, &error, kind),
        ReadError::Device | ReadError::TooLong(_) => Mistake::new(
            format!("cannot read `{}`: {error}", path.display()),
            format!(
                "{} is a page of TOML: is this another kind of file?",
                kind.one
            ),
        ),
    })?;
    source(path, path.parent(), bytes)
}

/// The mistake that the path of a file of this kind cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error, kind: &FileKind) -> Mistake {
    let message = format!("cannot read `{}`: {error}", path.display());
    let expected = kind.expected;
    let help = match error.kind() {
        io::ErrorKind::NotFound => {
            let sibling = nearest_sibling(path).map(|sibling| sibling.display().to_string());
            format!("{}{expected}", did_you_mean(sibling.as_deref()))
        }
        io::ErrorKind::PermissionDenied => {
            "make it readable for this user, or do not name it".into()
        }
        _ => expected.into(),
    };
    Mistake::new(message, help)
}

/// The file in the same folder whose name is most similar to that of `path`; `None` if none is similar enough.
fn nearest_sibling(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent()? {
        parent if parent.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    };
    let entries = fs::read_dir(folder).ok()?.flatten();
    let names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let name = path.file_name()?.to_str()?;
    let sibling = nearest(name, names.iter().map(String::as_str))?;
    Some(path.with_file_name(sibling))
}

/// The text of a file that has these bytes.
///
/// # Errors
///
/// That they are not text.
pub(crate) fn source(
    path: &Path,
    folder: Option<&Path>,
    bytes: Vec<u8>,
) -> Result<SourceFile, Mistake> {
    let name = path.display().to_string();
    let foreign = match input::text(&name, &bytes) {
        Ok(text) => {
            let (folder, text) = (folder.map(Path::to_owned), text.to_owned());
            return Ok(SourceFile { name, folder, text });
        }
        Err(foreign) => foreign,
    };
    let (start, byte) = (foreign.offset, bytes[foreign.offset]);
    let shown = String::from_utf8_lossy(&bytes);
    let replaced = start..start + char::REPLACEMENT_CHARACTER.len_utf8();
    let mistake = Mistake::new(format!("`{name}` {}", foreign.what), foreign.help)
        .at(replaced, format!("the byte 0x{byte:02x} is not"));
    Err(mistake.in_file(&name, &shown))
}

/// The mistake that this text is not TOML.
pub(crate) fn not_toml(text: &str, error: &toml::de::Error) -> Mistake {
    let message = format!("not valid TOML: {}", error.message());
    let Some(span) = error.span() else {
        let help =
            "tables are nested more deeply than any file needs: is this another kind of file?";
        return Mistake::new(message, help).at(deepest_key(text), "most likely here");
    };
    let help =
        "the rules are at https://toml.io; strings need double quotes, and numbers have none";
    Mistake::new(message, help).at(span, "here")
}

/// The beginning of the line with the most dots. The parser gives no place only for a key with too many parts.
fn deepest_key(text: &str) -> Range<usize> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let place = start..start + 1;
        start += line.len();
        (line.matches('.').count(), place)
    });
    let deepest = lines.max_by_key(|(dot_count, _)| *dot_count);
    deepest.map_or(0..0, |(_, place)| place)
}
