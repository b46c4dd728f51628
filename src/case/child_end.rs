//! How a child ended after its last reply.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::execute::Ending;

/// How long a child that has sent its last reply may take to exit by itself.
pub(super) const LONGEST_EXIT: Duration = Duration::from_secs(2);

/// How a child that had nothing left to do ended, and what it had started.
#[derive(Debug)]
pub struct ChildEnd {
    /// How it exited; `None` if it did not exit by itself and was killed.
    pub status: Option<ExitStatus>,
    /// The number of processes that existed beside it, or after it.
    pub left_behind_count: usize,
    /// The ids of those that could not be killed.
    pub survivors: Vec<i32>,
}

impl ChildEnd {
    /// What was wrong with it, one sentence each; empty if all is well. The samples that were taken before are valid.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        remarks.extend(self.exit_remark());
        match self.left_behind_count {
            0 => {}
            1 => remarks.push("it left 1 process behind, which was killed".into()),
            count => remarks.push(format!(
                "it left {count} processes behind, which were killed"
            )),
        }
        if !self.survivors.is_empty() {
            let ids: Vec<String> = self.survivors.iter().map(i32::to_string).collect();
            remarks.push(format!(
                "these processes could not be killed and may disturb later cases: {}",
                ids.join(", ")
            ));
        }
        remarks
    }

    fn exit_remark(&self) -> Option<String> {
        let Some(status) = self.status else {
            let limit = LONGEST_EXIT.as_secs();
            return Some(format!(
                "it did not exit within {limit} s after its last reply and was killed"
            ));
        };
        let ending = match (status.signal(), status.code()) {
            _ if status.success() => return None,
            (Some(signal), _) => Ending::Signal(signal),
            (None, code) => Ending::Exit(code?),
        };
        Some(format!("it {ending} after its last reply"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orderly_end_has_no_remarks_and_every_other_end_says_what_was_wrong() {
        let end = |status: Option<i32>, left_behind_count, survivors: &[i32]| {
            let end = ChildEnd {
                status: status.map(ExitStatus::from_raw),
                left_behind_count,
                survivors: survivors.to_vec(),
            };
            end.remarks()
        };
        let code = |code: i32| Some(code << 8);
        assert!(end(code(0), 0, &[]).is_empty());
        assert_eq!(
            end(code(3), 0, &[]),
            ["it left with exit code 3 after its last reply"]
        );
        assert_eq!(
            end(None, 1, &[]),
            [
                "it did not exit within 2 s after its last reply and was killed",
                "it left 1 process behind, which was killed"
            ]
        );
        let killed = end(Some(libc::SIGSEGV), 2, &[71, 82]).join("; ");
        for words in [
            "killed by signal 11",
            "left 2 processes behind",
            "later cases: 71, 82",
        ] {
            assert!(killed.contains(words), "{killed}");
        }
    }
}
