//! A file of records that only ever grows by whole lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A file that records are appended to, one line each. After an error, a crash or a full disk it holds
/// every record that was appended before, and no half line.
#[derive(Debug)]
pub struct RecordFile {
    file: File,
    path: PathBuf,
    /// The length up to which the file holds whole lines.
    len: u64,
}

impl RecordFile {
    /// A new, empty file at `path`. One that is there already is kept under another name: `previous`
    /// before the extension. What stood under that name goes.
    ///
    /// # Errors
    ///
    /// When the file cannot be made, or the one that is there cannot be moved.
    pub fn create(path: &Path) -> io::Result<Self> {
        match std::fs::rename(path, path.with_extension("previous.jsonl")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Self::open(path),
        }
    }

    /// Opens the file at `path` to go on where it ends; makes it if it is not there. A last line that was
    /// cut off is removed.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, read or cut.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        let text = std::fs::read(path)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let len = whole.map_or(0, |end| end as u64 + 1);
        if len < text.len() as u64 {
            file.set_len(len)?;
        }
        file.rewind()?;
        Ok(Self {
            file,
            path: path.into(),
            len,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one record, and returns once the operating system has it on disk.
    ///
    /// # Errors
    ///
    /// When it cannot be written. The file is then cut back to the records before it.
    pub fn append(&mut self, record: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_string(record)?;
        line.push('\n');
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.len += line.len() as u64,
            // Cutting needs no space; should it fail all the same, `open` cuts the line off later.
            Err(_) => drop(self.file.set_len(self.len)),
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_is_removed_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        std::fs::write(&path, "{\"a\":1}\n{\"b\":").unwrap();
        RecordFile::open(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n");
    }

    #[test]
    fn creating_anew_keeps_the_file_before_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        std::fs::write(&path, "{\"a\":1}\n").unwrap();
        RecordFile::create(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        let previous = folder.path().join("records.previous.jsonl");
        assert_eq!(std::fs::read_to_string(previous).unwrap(), "{\"a\":1}\n");
    }
}
