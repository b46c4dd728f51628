//! Ends all processes of a tree.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, pidfd_send_signal,
    waitid,
};

use super::process::Process;
use super::{ProcessTree, raw_pid};

/// How long to go on killing all processes but the resource trackers, and then how long to go on killing all. A process
/// that starts the next one and ends may get away again and again, and one that waits for a broken disk does not die.
const LONGEST_KILLING: Duration = Duration::from_secs(5);

/// How long Python's resource trackers may take to remove what the others have left.
const LONGEST_CLEANING: Duration = Duration::from_secs(1);

/// How many processes are waited for at a time, so that few descriptors are open.
const MOST_WAITED: usize = 64;

/// How a tree ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// How many processes existed beside the child when the end began.
    pub left_behind_count: usize,
    /// The ids of those that could not be killed.
    pub survivors: Vec<i32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    AllButTrackers,
    All,
}

impl ProcessTree {
    /// Kills all processes of the tree until none is left, and reaps those that this process has adopted. Python's
    /// resource trackers come last: when all others have ended, they have a second to remove what these have left in
    /// `/dev/shm`.
    ///
    /// The child itself is killed, but not reaped: its owner waits for it, before this call or after it.
    pub(crate) fn end(&mut self) -> Ended {
        let members = self.members();
        let mut beside = self.reap(members);
        beside.retain(|one| one.identity != self.child);
        self.kill(Whom::AllButTrackers);
        self.wait_for_trackers();
        self.kill(Whom::All);
        Ended {
            left_behind_count: beside.len(),
            survivors: self
                .remaining()
                .iter()
                .map(|one| one.identity.pid)
                .collect(),
        }
    }

    /// As [`end`](Self::end), but the processes beside the child first have this long to end by themselves. One look at
    /// the processes of the machine takes milliseconds, so if nothing is left, there is only one.
    pub(crate) fn end_after(&mut self, at_most: Duration) -> Ended {
        let mut others = self.remaining();
        if others.is_empty() {
            return Ended {
                left_behind_count: 0,
                survivors: Vec::new(),
            };
        }
        others.retain(|one| one.identity != self.child);
        let exits: Vec<OwnedFd> = others.iter().filter_map(descriptor).collect();
        wait_for(&exits, Instant::now() + at_most);
        self.end()
    }

    /// The ids of the processes that have not ended.
    pub(crate) fn living_ids(&mut self) -> Vec<i32> {
        let remaining = self.remaining();
        let living = self.reap(remaining);
        living.iter().map(|one| one.identity.pid).collect()
    }

    /// Kills, again and again, until no such process is left.
    fn kill(&mut self, whom: Whom) {
        let deadline = Instant::now() + LONGEST_KILLING;
        let mut refused = Vec::new();
        while Instant::now() < deadline {
            let (trackers, mut meant): (Vec<_>, Vec<_>) = self
                .remaining()
                .into_iter()
                .filter(|one| !refused.contains(&one.identity))
                .partition(|one| whom == Whom::AllButTrackers && one.is_resource_tracker());
            if meant.is_empty() {
                return;
            }
            if trackers.is_empty() {
                self.kill_group(&meant);
            }
            // One that is reaped here may have started another one after the list was made. So look again in any case.
            meant = self.reap(meant);
            for some in meant.chunks(MOST_WAITED) {
                let mut exits = Vec::new();
                for one in some {
                    match kill(one) {
                        Err(Errno::PERM) => refused.push(one.identity),
                        exit => exits.extend(exit.ok().flatten()),
                    }
                }
                wait_for(&exits, deadline);
            }
        }
    }

    /// Kills the child's group at once, so that no process in it gets away by starting another one and ending. If there is
    /// a resource tracker, it is usually in this group.
    fn kill_group(&self, members: &[Process]) {
        let group = self.child.pid;
        // While a member is in the group, no other group has this id.
        if members.iter().any(|one| one.group == group) {
            // Fails if a process in it may not be killed. The others are.
            let _ = kill_process_group(raw_pid(group), Signal::KILL);
        }
    }

    fn wait_for_trackers(&mut self) {
        let mut trackers = self.remaining();
        trackers.retain(Process::is_resource_tracker);
        let exits: Vec<OwnedFd> = trackers.iter().filter_map(descriptor).collect();
        wait_for(&exits, Instant::now() + LONGEST_CLEANING);
    }

    /// The processes of the tree, without a child that has ended.
    fn remaining(&mut self) -> Vec<Process> {
        // Ask first: a child that ends after the list was made may have started a process that is not in the list.
        let has_child_ended = has_ended(self.child.pid);
        let mut members = self.members();
        members.retain(|one| !(has_child_ended && one.identity == self.child));
        members
    }
}

/// Whether a child of this process has ended. It is not enough that its first thread has.
fn has_ended(child: i32) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error says that it is no longer a child of this process: it was reaped.
    waitid(WaitId::Pid(raw_pid(child)), options).map_or(true, |status| status.is_some())
}

/// A descriptor of exactly this process; `None` if it no longer exists.
fn descriptor(process: &Process) -> Option<OwnedFd> {
    let pid = process.identity.pid;
    let descriptor = pidfd_open(raw_pid(pid), PidfdFlags::empty()).ok()?;
    // From here on, the descriptor means one process, whatever happens to the id.
    let is_same = Process::read(pid).is_some_and(|now| now.identity == process.identity);
    is_same.then_some(descriptor)
}

/// Kills a process, and returns a descriptor that is readable when it has ended; `None` if it no longer exists.
fn kill(process: &Process) -> Result<Option<OwnedFd>, Errno> {
    let Some(exit) = descriptor(process) else {
        return Ok(None);
    };
    match pidfd_send_signal(&exit, Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => Ok(Some(exit)),
        Err(error) => Err(error),
    }
}

/// Waits until all these processes have ended, or until the deadline.
fn wait_for(exits: &[OwnedFd], deadline: Instant) {
    for exit in exits {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(left) = Timespec::try_from(left) else {
                return;
            };
            let mut fds = [PollFd::new(exit, PollFlags::IN)];
            // A signal, such as that of Ctrl-C, only interrupts the wait.
            if poll(&mut fds, Some(&left)) != Err(Errno::INTR) {
                break;
            }
        }
    }
}
