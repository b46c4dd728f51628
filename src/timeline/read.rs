use std::path::{Path, PathBuf};

use super::{
    CHECKSUM_BYTES, MAGIC, PREFIX_BYTES, PlacedTask, Timeline, TimelineHead, VERSION, varint,
};
use crate::diagnostic::Diagnostic;
use crate::input::{self, ReadError};

/// Why the file of a traced run could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimelineError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ReadError,
    },
    /// Its bytes are wrong.
    #[error("{}, byte {offset}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The offset of the first wrong byte, from 0.
        offset: usize,
        /// What was expected there, and what was found.
        what: String,
    },
}

impl Diagnostic for TimelineError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreadable { .. } => {
                "the records beside the folder of traces name its files; `taskdyno run --trace` writes them"
            }
            Self::Wrong { .. } => {
                "the file was cut off, changed, or written by another version: `taskdyno run --trace` writes it again"
            }
        };
        Some(help.into())
    }
}

/// Reads the file at `path`.
///
/// # Errors
///
/// Why it is not the file of a traced run, with the place.
pub(crate) fn read(path: &Path) -> Result<Timeline, TimelineError> {
    let bytes = input::read_file(path, input::most_bytes());
    let bytes = bytes.map_err(|error| TimelineError::Unreadable {
        path: path.into(),
        error,
    })?;
    parse(&bytes).map_err(|TimelineFault { offset, what }| TimelineError::Wrong {
        path: path.into(),
        offset,
        what,
    })
}

/// What is wrong with the bytes of a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TimelineFault {
    pub(crate) offset: usize,
    pub(crate) what: String,
}

impl TimelineFault {
    fn new(offset: usize, what: impl Into<String>) -> Self {
        Self {
            offset,
            what: what.into(),
        }
    }
}

/// Parses the bytes of a file. It never takes more memory than a small multiple of their number.
///
/// # Errors
///
/// The first thing that is wrong.
pub(crate) fn parse(bytes: &[u8]) -> Result<Timeline, TimelineFault> {
    let mut parts = TraceParts { bytes, offset: 0 };
    if parts.bytes(MAGIC.len(), "the name of the format")? != MAGIC {
        let what = "expected the file of a traced run, which begins with `tdtrace`";
        return Err(TimelineFault::new(0, what));
    }
    let version = parts.word("the version")?;
    if version != VERSION {
        let what = format!("version {version} is unknown: this program reads version {VERSION}");
        return Err(TimelineFault::new(parts.offset - 4, what));
    }
    let head_len = parts.word("the length of the head")?;
    let head = parts.bytes(head_len as usize, "the head")?;
    let head: TimelineHead = serde_json::from_slice(head)
        .map_err(|error| TimelineFault::new(PREFIX_BYTES, format!("the head is wrong: {error}")))?;
    if head.lane_count > head.task_count {
        let what = format!(
            "the head has {} lanes for {} tasks",
            head.lane_count, head.task_count
        );
        return Err(TimelineFault::new(PREFIX_BYTES, what));
    }
    // Each task has three bytes at least, so a wrong number cannot take much memory.
    let room = bytes.len() / 3;
    let mut tasks = Vec::with_capacity(room.min(head.task_count as usize));
    let mut start_ns = 0;
    for _ in 0..head.task_count {
        let task = parts.task(&head, start_ns, tasks.len())?;
        start_ns = task.start_ns;
        tasks.push(task);
    }
    let mut critical = Vec::with_capacity(bytes.len().min(head.critical_count as usize));
    let mut last = None;
    for _ in 0..head.critical_count {
        let id = parts.critical(&head, last)?;
        critical.push(id);
        last = Some(id);
    }
    parts.end()?;
    Ok(Timeline {
        head,
        tasks,
        critical,
    })
}

/// Takes one part of the file after the other.
struct TraceParts<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> TraceParts<'a> {
    fn bytes(&mut self, len: usize, what: &str) -> Result<&'a [u8], TimelineFault> {
        let rest = &self.bytes[self.offset..];
        let Some(taken) = rest.get(..len) else {
            return Err(TimelineFault::new(
                self.bytes.len(),
                format!("the file ends here, in {what}"),
            ));
        };
        self.offset += len;
        Ok(taken)
    }

    fn word(&mut self, what: &str) -> Result<u32, TimelineFault> {
        let bytes = self.bytes(4, what)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    /// The next integer, which is `what` of task `task`, of `count`.
    fn integer(&mut self, what: &str, index: usize, count: u32) -> Result<u64, TimelineFault> {
        match varint::take(&self.bytes[self.offset..]) {
            Some((value, len)) => {
                self.offset += len;
                Ok(value)
            }
            None => Err(TimelineFault::new(
                self.offset,
                format!("expected {what} {index} of {count}, and the file ends or has no number"),
            )),
        }
    }

    fn task(
        &mut self,
        head: &TimelineHead,
        before_ns: u64,
        index: usize,
    ) -> Result<PlacedTask, TimelineFault> {
        let count = head.task_count;
        let at = self.offset;
        let difference = self.integer("the start of task", index, count)?;
        let start_ns = before_ns.checked_add_signed(varint::unzigzag(difference));
        let duration_ns = self.integer("the duration of task", index, count)?;
        let end_ns = start_ns.and_then(|start| start.checked_add(duration_ns));
        let (Some(start_ns), Some(_)) = (start_ns, end_ns) else {
            let what = format!("the times of task {index} do not fit into 64 bits");
            return Err(TimelineFault::new(at, what));
        };
        let at = self.offset;
        let lane = self.integer("the lane of task", index, count)?;
        if lane >= u64::from(head.lane_count) {
            let what = format!(
                "task {index} is in lane {lane}, and there are {}",
                head.lane_count
            );
            return Err(TimelineFault::new(at, what));
        }
        Ok(PlacedTask {
            start_ns,
            duration_ns,
            lane: lane as u32,
        })
    }

    fn critical(&mut self, head: &TimelineHead, last: Option<u32>) -> Result<u32, TimelineFault> {
        let at = self.offset;
        let difference = self.integer("the id of critical task", 0, head.critical_count)?;
        let id = difference.checked_add(last.unwrap_or(0).into());
        match id.filter(|id| *id < head.task_count.into()) {
            Some(id) if last.is_none() || difference > 0 => Ok(id as u32),
            _ => Err(TimelineFault::new(
                at,
                format!(
                    "expected the id of a critical task above the one before it and below {}",
                    head.task_count
                ),
            )),
        }
    }

    /// Checks that only the right checksum follows.
    fn end(&mut self) -> Result<(), TimelineFault> {
        let at = self.offset;
        let found = self.word("the checksum")?;
        if self.offset != self.bytes.len() {
            let more = self.bytes.len() - self.offset;
            return Err(TimelineFault::new(
                self.offset,
                format!("the file should end here, and {more} bytes follow"),
            ));
        }
        let expected = crc32fast::hash(&self.bytes[..self.bytes.len() - CHECKSUM_BYTES]);
        match found == expected {
            true => Ok(()),
            false => Err(TimelineFault::new(
                at,
                format!(
                    "the checksum is {found:08x}, and that of the bytes before it is {expected:08x}"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::timeline::fixture::timeline;
    use crate::timeline::write::encode;

    fn small() -> Timeline {
        timeline(&[(10, 500, 0), (5, 7, 1), (500, 100_000, 1)], &[0, 2])
    }

    /// The bytes of a file with a right checksum.
    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.truncate(bytes.len() - CHECKSUM_BYTES);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        for timeline in [small(), timeline(&[], &[])] {
            assert_eq!(parse(&encode(&timeline)), Ok(timeline));
        }
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused_with_the_place() {
        let bytes = encode(&small());
        for len in 0..bytes.len() {
            let fault = parse(&bytes[..len]).unwrap_err();
            assert!(fault.offset <= len, "{len}: {fault:?}");
            assert!(fault.what.contains("file ends"), "{len}: {fault:?}");
        }
    }

    #[test]
    fn a_changed_bit_is_found() {
        let bytes = encode(&small());
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn hostile_files_are_refused_and_say_where() {
        let refused = |change: &dyn Fn(&mut Timeline)| {
            let mut timeline = small();
            change(&mut timeline);
            parse(&encode(&timeline)).unwrap_err().what
        };
        assert!(refused(&|one| one.head.lane_count = 1).contains("task 1 is in lane 1"));
        assert!(refused(&|one| one.head.task_count = u32::MAX).contains("task"));
        assert!(refused(&|one| one.head.lane_count = u32::MAX).contains("lanes for 3 tasks"));
        assert!(refused(&|one| one.critical[1] = 3).contains("critical task above"));
        assert!(refused(&|one| one.tasks[2].start_ns = u64::MAX).contains("64 bits"));
        let mut other = encode(&small());
        other[8] = 9;
        let fault = parse(&sealed(other)).unwrap_err();
        assert_eq!(fault.offset, 8);
        assert!(fault.what.starts_with("version 9 is unknown"), "{fault:?}");
        let fault = parse(b"{\"schema_version\": 3}").unwrap_err();
        assert!(fault.what.contains("begins with `tdtrace`"), "{fault:?}");
        let mut longer = encode(&small());
        longer.push(0);
        assert!(parse(&longer).unwrap_err().what.contains("1 bytes follow"));
    }

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.trace");
        assert!(read(&path).unwrap_err().to_string().contains("x.trace"));
        let bytes = encode(&small());
        std::fs::write(&path, &bytes[..bytes.len() - 6]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("x.trace, byte "), "{error}");
        assert!(error.help().unwrap().contains("run --trace"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_in_another_way(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let mut after_head = encode(&small());
            after_head.truncate(after_head.len() - 12);
            after_head.extend(bytes);
            let _ = parse(&sealed(after_head));
        }
    }
}
