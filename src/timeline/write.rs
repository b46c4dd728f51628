use std::io::{self, Write};
use std::path::Path;

use super::{MAGIC, Timeline, VERSION, varint};
use crate::disk;
use crate::record::write_whole_with;

/// Writes `timeline` to `path`, as a whole or not at all. Creates the folder if necessary.
///
/// # Errors
///
/// If it cannot be written. No temporary file is left behind.
pub(crate) fn write(timeline: &Timeline, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        disk::create_folder(folder)?;
    }
    let bytes = encode(timeline);
    write_whole_with(path, |file| file.write_all(&bytes))
}

/// The bytes of the file.
pub(crate) fn encode(timeline: &Timeline) -> Vec<u8> {
    let head = serde_json::to_vec(&timeline.head).expect("a head is plain data");
    let mut bytes = Vec::with_capacity(64 + head.len() + 8 * timeline.tasks.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(head);
    let mut before_ns = 0;
    for task in &timeline.tasks {
        let difference = task.start_ns.wrapping_sub(before_ns) as i64;
        varint::put(&mut bytes, varint::zigzag(difference));
        varint::put(&mut bytes, task.duration_ns);
        varint::put(&mut bytes, task.lane.into());
        before_ns = task.start_ns;
    }
    let mut before = 0;
    for id in &timeline.critical {
        varint::put(&mut bytes, u64::from(id - before));
        before = *id;
    }
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::fixture::timeline;

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traces/x.trace");
        // A file that is always full stands for a full disk.
        std::os::unix::fs::symlink("/dev/full", folder.path().join("full")).unwrap();
        let error = write(&timeline(&[(0, 1, 0)], &[0]), &folder.path().join("full"));
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
        write(&timeline(&[(0, 1, 0)], &[0]), &path).unwrap();
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(files.count(), 1);
    }
}
