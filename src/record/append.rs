//! A file of records that grows only by whole lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::IgnoredAny;

use crate::disk::{self, FileLock};
use crate::input::{self, ReadError};

/// A file that records are appended to, one line per record. After an error, a crash or a full disk it contains every
/// record that was appended before, and no partial line. While this value exists, no other process can write the file.
#[derive(Debug)]
pub(crate) struct RecordFile {
    file: File,
    path: PathBuf,
    /// The length of all whole lines.
    len: u64,
    _lock: FileLock,
}

impl RecordFile {
    /// Creates a new, empty file at `path`. An existing file with records is renamed: `previous` is put before the
    /// extension. If a file of that name has more records, the name is `previous-2`, and so on: no file replaces a file
    /// with more records. The first `heading_count` lines of a file are not records.
    ///
    /// # Errors
    ///
    /// If the file cannot be created, another process writes it, or the existing file cannot be renamed.
    pub(crate) fn create(path: &Path, heading_count: usize) -> io::Result<Self> {
        let lock = FileLock::of(path)?;
        set_aside(path, heading_count)?;
        let file = disk::open_to_append(path)?;
        file.set_len(0)?;
        Ok(Self {
            file,
            path: path.into(),
            len: 0,
            _lock: lock,
        })
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one record, and returns when the operating system has written it to disk.
    ///
    /// # Errors
    ///
    /// If it cannot be written. The file is then truncated to the records before it.
    pub(crate) fn append(&mut self, record: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_string(record)?;
        line.push('\n');
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| disk::sync(&self.file, &self.path));
        match written {
            Ok(()) => self.len += line.len() as u64,
            // Truncating needs no space. If it fails nevertheless, the partial line is removed when the file is
            // resumed.
            Err(_) => drop(self.file.set_len(self.len)),
        }
        written
    }
}

/// Renames a file that has records, so that no records are lost.
fn set_aside(path: &Path, heading_count: usize) -> io::Result<()> {
    let count = record_count(path, heading_count)?;
    if count == 0 {
        return Ok(());
    }
    let mut aside = path.with_extension("previous.jsonl");
    let mut number = 1;
    while record_count(&aside, heading_count)? > count {
        number += 1;
        aside = path.with_extension(format!("previous-{number}.jsonl"));
    }
    disk::rename(path, &aside)
}

/// Returns the number of lines after the heading, whatever they contain; 0 if there is no file.
fn record_count(path: &Path, heading_count: usize) -> io::Result<usize> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => BufReader::new(file?),
    };
    let mut count = 0usize;
    // Read line by line, because the file may be larger than the memory.
    for line in file.split(b'\n') {
        count += usize::from(!line?.trim_ascii().is_empty());
    }
    Ok(count.saturating_sub(heading_count))
}

fn read_if_there(path: &Path) -> io::Result<Vec<u8>> {
    match input::read_file(path, input::most_bytes()) {
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        text => Ok(text?),
    }
}

/// A file of records to continue. It is locked and has been read, and is not changed yet.
#[derive(Debug)]
pub(crate) struct Resumable {
    path: PathBuf,
    text: Vec<u8>,
    /// See [`whole_len`].
    whole_len: usize,
    lock: FileLock,
}

impl Resumable {
    /// Reads the file at `path`. A missing file counts as empty.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or another process writes it.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let lock = FileLock::of(path)?;
        let text = read_if_there(path)?;
        Ok(Self {
            path: path.into(),
            whole_len: whole_len(&text),
            text,
            lock,
        })
    }

    /// The text that will be kept. Check it before calling [`Resumable::go_on`].
    pub(crate) fn text(&self) -> &[u8] {
        &self.text[..self.whole_len]
    }

    /// The number of the last line, from 1, if it is truncated and will be removed.
    pub(crate) fn cut_off_line(&self) -> Option<usize> {
        let is_cut_off = self.whole_len < self.text.len();
        is_cut_off.then(|| self.text().split(|byte| *byte == b'\n').count())
    }

    /// Opens the file to append to it. Removes a truncated last line, and completes a last line that only lacks its
    /// line end.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, created, truncated or written.
    pub(crate) fn go_on(self) -> io::Result<RecordFile> {
        let mut file = disk::open_to_append(&self.path)?;
        let mut len = self.whole_len as u64;
        let lacks_end = !matches!(self.text().last(), None | Some(b'\n'));
        if self.whole_len < self.text.len() {
            file.set_len(len)?;
            disk::sync(&file, &self.path)?;
        } else if lacks_end {
            file.write_all(b"\n")?;
            disk::sync(&file, &self.path)?;
            len += 1;
        }
        Ok(RecordFile {
            file,
            path: self.path,
            len,
            _lock: self.lock,
        })
    }
}

/// Returns how much of `text` to keep: all except a last line without a line end that is only the beginning of a JSON
/// value and follows other lines. Such a line was truncated when its writer died. After the machine died, it can end in
/// bytes that are 0: the file system knew its length, but not yet its content. The parser refuses any other mistake in a
/// file.
pub(crate) fn whole_len(text: &[u8]) -> usize {
    let end = text.iter().rposition(|byte| *byte == b'\n');
    let (before, last) = text.split_at(end.map_or(0, |end| end + 1));
    let written_len = last
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let (written, zeros) = last.split_at(written_len);
    let parsed = serde_json::from_slice::<IgnoredAny>(written);
    let is_begun = parsed.is_err_and(|error| error.is_eof());
    let is_cut_off = !last.is_empty() && (is_begun || !zeros.is_empty());
    if is_cut_off && !before.trim_ascii().is_empty() {
        before.len()
    } else {
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Returns a folder, and the path of a file in it with this text.
    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn resumed(text: &str) -> (String, Option<usize>) {
        let (_folder, path) = file(text);
        let found = Resumable::read(&path).unwrap();
        let cut_off = found.cut_off_line();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            text,
            "reading must not change it"
        );
        let mut file = found.go_on().unwrap();
        file.append(&7).unwrap();
        (fs::read_to_string(&path).unwrap(), cut_off)
    }

    #[test]
    fn a_truncated_last_line_is_removed_and_the_others_stay() {
        for cut_off in [
            "{",
            "{\"b\":",
            "{\"b\":\"x",
            "{\"b\":[1, 2",
            "{\"b\":\0\0",
            "{\"b\":2}\0",
            "\0\0\0",
        ] {
            let (text, line) = resumed(&format!("{{\"a\":1}}\n{cut_off}"));
            assert_eq!((text.as_str(), line), ("{\"a\":1}\n7\n", Some(2)));
        }
    }

    #[test]
    fn a_last_line_without_its_end_is_kept() {
        let (text, line) = resumed("{\"a\":1}\n{\"b\":2}");
        assert_eq!((text.as_str(), line), ("{\"a\":1}\n{\"b\":2}\n7\n", None));
        assert_eq!(resumed("{\"a\":1}"), ("{\"a\":1}\n7\n".into(), None));
        assert_eq!(resumed(""), ("7\n".into(), None));
    }

    #[test]
    fn other_mistakes_are_left_to_the_parser() {
        for text in ["{\"a\":", "oops", "{\"a\":1}\noops"] {
            assert_eq!(whole_len(text.as_bytes()), text.len(), "{text:?}");
        }
    }

    #[test]
    fn creating_a_file_renames_one_that_has_records() {
        let (folder, path) = file("{\"a\":1}\n");
        let steps = disk::steps_of(|| RecordFile::create(&path, 0).unwrap());
        let expected = [
            "rename records.previous.jsonl",
            "sync folder of records.previous.jsonl",
            "create records.jsonl",
            "sync folder of records.jsonl",
        ];
        assert_eq!(steps, expected);
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        let previous = folder.path().join("records.previous.jsonl");
        assert_eq!(fs::read_to_string(previous).unwrap(), "{\"a\":1}\n");
    }

    #[test]
    fn repeated_starts_never_lose_the_records_of_a_longer_run() {
        let (folder, path) = file("1\n2\n3\n");
        let start = |lines: &[u32]| {
            let mut file = RecordFile::create(&path, 0).unwrap();
            lines.iter().for_each(|line| file.append(line).unwrap());
        };
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        // Two runs that ended before their first record.
        start(&[]);
        start(&[]);
        assert_eq!(read("records.previous.jsonl"), "1\n2\n3\n");
        // A run that ended after its first record, followed by a new run.
        start(&[4]);
        start(&[5]);
        assert_eq!(read("records.previous.jsonl"), "1\n2\n3\n");
        assert_eq!(read("records.previous-2.jsonl"), "4\n");
        start(&[6, 7, 8, 9]);
        start(&[]);
        assert_eq!(read("records.previous.jsonl"), "6\n7\n8\n9\n");
    }

    #[test]
    fn a_heading_is_not_a_record() {
        let (folder, path) = file("heading\n1\n");
        for _ in 0..2 {
            let mut file = RecordFile::create(&path, 1).unwrap();
            file.append(&"heading").unwrap();
        }
        let previous = folder.path().join("records.previous.jsonl");
        assert_eq!(fs::read_to_string(previous).unwrap(), "heading\n1\n");
    }

    #[test]
    fn a_file_has_one_writer() {
        let (_folder, path) = file("");
        let first = RecordFile::create(&path, 0).unwrap();
        let refused = [
            RecordFile::create(&path, 0).map(drop).unwrap_err(),
            Resumable::read(&path).map(drop).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        }
        drop(first);
        let second = Resumable::read(&path).unwrap().go_on().unwrap();
        assert!(RecordFile::create(&path, 0).is_err());
        drop(second);
        assert!(RecordFile::create(&path, 0).is_ok());
    }

    #[test]
    fn a_record_is_on_disk_when_it_is_appended() {
        let (_folder, path) = file("");
        let mut file = RecordFile::create(&path, 0).unwrap();
        let steps = disk::steps_of(|| file.append(&1).unwrap());
        assert_eq!(steps, ["sync records.jsonl"]);
    }
}
