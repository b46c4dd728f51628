//! All processes that belong to a case: the child that was started for it, and everything that this child has started.
//!
//! A process that leaves its family (a double fork, `setsid`, an empty environment) still belongs to its case. Two
//! things find it. First, this process is a *subreaper*: the kernel makes it the parent of every descendant whose
//! parent has died. Second, the child is started with a *mark* that all its descendants inherit and that no other
//! process has, so the adopted processes of several cases are told apart. Only descendants of this process are ever
//! looked at, so a process of the user is never touched.
//!
//! The mark is the soft limit on file locks (`RLIMIT_LOCKS`), which has had no effect since Linux 2.4.25. Unlike an
//! environment variable, it stays when a process clears its environment, it can be read from a process that has ended,
//! and it needs no permission. If the kernel refuses to set it, only the processes that are still below the child are
//! found.
//!
//! | module | what it does |
//! |---|---|
//! | [`process`] | reads what the kernel says about a process |
//! | [`reading`] | the resources that the processes of a tree have used |
//! | [`end`] | ends all processes of a tree |

pub(crate) mod end;
mod process;
pub(crate) mod reading;

use std::collections::HashSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, getrlimit, set_child_subreaper,
    set_parent_process_death_signal, setrlimit,
};

use self::process::{Identity, Process};
use super::usage::Usage;
use crate::foreign::pid;

/// What the descendants of one child have in common with no other process: their soft limit on file locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CaseMark(u64);

impl CaseMark {
    /// A mark that no other process below this one has.
    fn fresh() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: the numbers must differ, and nothing else is shared through them.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // A case may itself run cases, whose marks must differ from ours. So the id of this process is a part.
        let own = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
        Self((own << 32) | (count & 0xFFFF_FFFF))
    }

    /// Gives this mark to the calling process.
    fn wear(self) {
        let hard = getrlimit(Resource::Locks).maximum;
        let marked = Rlimit {
            current: Some(self.0),
            maximum: hard,
        };
        // Refused if the hard limit is lower. The processes below the child are then still found.
        let _ = setrlimit(Resource::Locks, marked);
    }
}

/// Prepares a command so that everything it starts can be found and ended: it gets a mark and a process group of its
/// own, and is killed when the calling *thread* ends. From now on, this process adopts its orphans.
///
/// # Errors
///
/// If the kernel does not make this process a subreaper.
pub(crate) fn prepare_command(command: &mut Command) -> io::Result<CaseMark> {
    set_child_subreaper(Some(getpid()))?;
    let mark = CaseMark::fresh();
    let parent = getpid();
    // Ctrl-C reaches only the parent, which then ends the child.
    command.process_group(0);
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before this call.
        if getppid() != Some(parent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        mark.wear();
        Ok(())
    };
    // SAFETY: between fork and exec it makes system calls only: it takes no lock and allocates nothing. `parent` and
    // `mark` are copies.
    unsafe { command.pre_exec(before_exec) };
    Ok(mark)
}

/// The processes of one case.
#[derive(Debug)]
pub(crate) struct ProcessTree {
    child: Identity,
    mark: CaseMark,
    /// The processes that the last look found. They belong to the tree even if they are orphaned later.
    known: HashSet<Identity>,
    /// What the adopted processes had used when this process reaped them.
    reaped: Usage,
    peak_memory_bytes: u64,
}

impl ProcessTree {
    /// The tree of a child that was started with a command from [`prepare_command`] and was not yet waited for.
    ///
    /// # Errors
    ///
    /// If the kernel does not show the child, for example without `/proc`.
    pub(crate) fn new(child: &Child, mark: CaseMark) -> io::Result<Self> {
        let number = pid(child).as_raw_nonzero().get();
        let missing = || {
            let message = format!("/proc/{number}/stat cannot be read: /proc must be mounted");
            io::Error::new(io::ErrorKind::NotFound, message)
        };
        let process = Process::read(number).ok_or_else(missing)?;
        Ok(Self {
            child: process.identity,
            mark,
            known: HashSet::from([process.identity]),
            reaped: Usage::default(),
            peak_memory_bytes: 0,
        })
    }

    /// The processes of the tree now, including those that have ended and that nobody has waited for.
    fn members(&mut self) -> Vec<Process> {
        let own = own_id();
        let all = Process::all();
        let mut found: HashSet<i32> = HashSet::new();
        let mut rest: Vec<Process> = Vec::new();
        for process in all.into_iter().filter(|one| one.identity.pid != own) {
            // A marked process whose parent is another one belongs to the tree through this parent.
            let is_adopted = process.parent == own && process.mark() == Some(self.mark.0);
            if is_adopted || self.known.contains(&process.identity) {
                found.insert(process.identity.pid);
            }
            rest.push(process);
        }
        // A child has been found at the latest in the round after its parent.
        loop {
            let children = rest.iter().filter(|one| found.contains(&one.parent));
            let children: Vec<i32> = children.map(|one| one.identity.pid).collect();
            let before = found.len();
            found.extend(children);
            if found.len() == before {
                break;
            }
        }
        rest.retain(|one| found.contains(&one.identity.pid));
        self.known = rest.iter().map(|one| one.identity).collect();
        rest
    }

    /// Reaps those of these members that were adopted and have ended, and returns the others. The child itself is never
    /// reaped here, because its owner waits for it.
    fn reap(&mut self, mut members: Vec<Process>) -> Vec<Process> {
        let own = own_id();
        members.retain(|one| {
            let is_ours = one.is_zombie && one.parent == own && one.identity != self.child;
            match is_ours.then(|| process::reap(one.identity.pid)).flatten() {
                Some(usage) => {
                    self.reaped = self.reaped.plus(usage);
                    false
                }
                None => true,
            }
        });
        members
    }
}

fn own_id() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// The id as the system calls take it.
fn raw_pid(number: i32) -> Pid {
    Pid::from_raw(number).expect("process ids are positive")
}

#[cfg(test)]
mod tests;
