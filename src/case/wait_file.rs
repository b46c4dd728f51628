//! What the tasks of a child wait for, read by the parent when the child does not end.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::process;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::record::{CaseError, ErrorKind};
use crate::sync::WaitTable;

/// The most parties that an error names.
const MOST_NAMED: usize = 8;

/// The table in which the tasks of one child say what they wait for. It exists until this is dropped.
pub(super) struct WaitFile {
    file: File,
    table: WaitTable,
}

impl WaitFile {
    /// A table for `party_count` tasks.
    ///
    /// # Errors
    ///
    /// If the system has no memory for it.
    pub(super) fn new(party_count: usize) -> io::Result<Self> {
        let file = File::from(memfd_create("taskdyno-waits", MemfdFlags::CLOEXEC)?);
        file.set_len(WaitTable::byte_len(party_count) as u64)?;
        let table = WaitTable::map(&file, party_count)?;
        Ok(Self { file, table })
    }

    /// Where other processes of this user find the table.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd())
    }

    /// Adds to the error of a child that did not answer in time what its tasks wait for.
    pub(super) fn explain(&self, mut error: CaseError) -> CaseError {
        let waiting = self.table.waiting();
        if error.kind == ErrorKind::Timeout && !waiting.is_empty() {
            error.message += &format!("; {}", describe(&waiting));
        }
        error
    }
}

/// `party 0 waits for lock 1, party 1 waits for lock 0`.
fn describe(waiting: &[(usize, String)]) -> String {
    let named = waiting.iter().take(MOST_NAMED);
    let named = named.map(|(party, what)| format!("party {party} waits for {what}"));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if let more @ 1.. = waiting.len().saturating_sub(MOST_NAMED) {
        text += &format!(", and {more} more wait");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskId;
    use crate::sync::Party;

    #[test]
    fn a_time_out_names_the_parties_that_wait() {
        let waits = WaitFile::new(2).unwrap();
        let late = || CaseError::new(ErrorKind::Timeout, "no answer");
        assert_eq!(waits.explain(late()), late());

        // As a child does it.
        let file = File::options().read(true).write(true).open(waits.path());
        let table = WaitTable::map(&file.unwrap(), 2).unwrap();
        let _first = Party::new(&table, TaskId(0)).waits_for("lock 1");
        let _second = Party::new(&table, TaskId(1)).waits_for("lock 0");
        let expected = "no answer; party 0 waits for lock 1, party 1 waits for lock 0";
        assert_eq!(waits.explain(late()).message, expected);
        let other = CaseError::new(ErrorKind::Protocol, "rubbish");
        assert_eq!(waits.explain(other.clone()), other);
    }

    #[test]
    fn only_the_first_parties_are_named() {
        let all: Vec<_> = (0..10).map(|party| (party, "it".into())).collect();
        let text = describe(&all);
        assert!(
            text.ends_with("party 7 waits for it, and 2 more wait"),
            "{text}"
        );
    }
}
