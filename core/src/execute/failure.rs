//! The first failure of a run, kept in shared pages so that threads and forked processes report in the same way.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::graph::TaskId;
use crate::memory::{Shareable, SharedSlice};

/// The run cannot continue. The reason is in the [`Job`](super::Job). A worker that sees this stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halt;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was killed by this signal.
    Signal(i32),
    /// It left with this exit code.
    Exit(i32),
    /// Unknown: the program makes the Linux kernel reap its children, so the status is lost.
    Unknown,
}

/// Set in the packed form of an exit; no signal number has this bit.
const EXIT: u32 = 1 << 16;
/// The packed form of an unknown ending.
const UNKNOWN: u32 = 1 << 17;

impl Ending {
    fn pack(self) -> u32 {
        match self {
            Self::Signal(signal) => signal as u32,
            // The system keeps the low 8 bits of an exit code.
            Self::Exit(code) => EXIT | (code as u32 & 0xFF),
            Self::Unknown => UNKNOWN,
        }
    }

    fn unpack(word: u32) -> Self {
        match word & (EXIT | UNKNOWN) {
            0 => Self::Signal(word as i32),
            EXIT => Self::Exit((word & !EXIT) as i32),
            _ => Self::Unknown,
        }
    }
}

/// The signals that commonly end processes.
const SIGNAL_NAMES: &[(i32, &str)] = &[
    (libc::SIGHUP, "SIGHUP"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGALRM, "SIGALRM"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGXCPU, "SIGXCPU"),
    (libc::SIGXFSZ, "SIGXFSZ"),
    (libc::SIGSYS, "SIGSYS"),
];

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => {
                write!(f, "was killed by signal {signal}")?;
                let known = SIGNAL_NAMES.iter().find(|(number, _)| number == signal);
                known.map_or(Ok(()), |(_, name)| write!(f, " ({name})"))
            }
            Self::Exit(code) => write!(f, "left with exit code {code}"),
            Self::Unknown => write!(f, "ended for an unknown reason"),
        }
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A task started before one of its inputs was available: the backend broke the order.
    #[error("task {task} ran before its predecessor {predecessor} had finished")]
    MissingInput {
        /// The task that started too early.
        task: TaskId,
        /// The predecessor without an output.
        predecessor: TaskId,
    },
    /// A task ran twice in one run, or did not run in the previous run.
    #[error("task {task} ran twice, or was lost in the previous run")]
    NotOnce {
        /// The task.
        task: TaskId,
    },
    /// A task did not run.
    #[error("task {task} was lost: the run ended without its output")]
    Lost {
        /// The task.
        task: TaskId,
    },
    /// The dependents of a task were not counted down exactly once for each of its predecessors.
    #[error("the predecessors of task {task} were not counted exactly once each")]
    Miscounted {
        /// The task with the wrong count.
        task: TaskId,
    },
    /// A byte that a task received from a predecessor is not the byte that the predecessor wrote.
    #[error("byte {byte} that task {task} received from its predecessor {predecessor} is wrong")]
    WrongPayload {
        /// The task that read the byte.
        task: TaskId,
        /// The predecessor that wrote the byte.
        predecessor: TaskId,
        /// The index of the byte, from 0.
        byte: u32,
    },
    /// The kernel panicked.
    #[error("the kernel panicked in task {task}: {message}")]
    Panicked {
        /// The task that ran.
        task: TaskId,
        /// The panic message, shortened if it is too long.
        message: String,
    },
    /// The outputs differ from those of a serial run.
    #[error("the digest is {found:016x}, but a serial run gives {expected:016x}")]
    WrongDigest {
        /// The digest of this run.
        found: u64,
        /// The digest of a serial run.
        expected: u64,
    },
    /// The kernel's own check failed.
    #[error("the kernel's check failed: {message}")]
    Kernel {
        /// What is wrong.
        message: String,
    },
    /// The run was faster than any schedule can be: some task did not wait for its predecessors, or did not do its
    /// work.
    #[error("a run took {wall_ns} ns, but no schedule of this graph takes less than {bound_ns} ns")]
    BeatBound {
        /// The wall time of one run.
        wall_ns: u64,
        /// The lower bound of the wall time.
        bound_ns: u64,
    },
    /// A worker process died while it ran a task, and the task had no attempts left.
    #[error(
        "worker {worker} {ending} while it ran task {task}, which was tried {attempt_count} time{}",
        if *attempt_count == 1 { "" } else { "s" }
    )]
    WorkerDied {
        /// The task that the worker ran.
        task: TaskId,
        /// The number of the worker, from 0.
        worker: u32,
        /// How it ended.
        ending: Ending,
        /// How often the task had been tried, including this attempt.
        attempt_count: u32,
    },
    /// The backend could not continue.
    #[error("the backend failed: {message}")]
    Backend {
        /// What is wrong.
        message: String,
    },
}

impl Failure {
    /// The name of the failure in records.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::MissingInput { .. } => "missing-input",
            Self::NotOnce { .. } => "not-once",
            Self::Lost { .. } => "lost-task",
            Self::Miscounted { .. } => "miscounted",
            Self::WrongPayload { .. } => "wrong-payload",
            Self::Panicked { .. } => "panic",
            Self::WrongDigest { .. } => "wrong-digest",
            Self::Kernel { .. } => "kernel-check",
            Self::BeatBound { .. } => "beat-bound",
            Self::WorkerDied { .. } => "worker-died",
            Self::Backend { .. } => "backend",
        }
    }

    /// The task that the failure is about; `None` if it is about no single task.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Self::MissingInput { task, .. }
            | Self::NotOnce { task }
            | Self::Lost { task }
            | Self::Miscounted { task }
            | Self::WrongPayload { task, .. }
            | Self::Panicked { task, .. }
            | Self::WorkerDied { task, .. } => Some(*task),
            Self::WrongDigest { .. }
            | Self::Kernel { .. }
            | Self::BeatBound { .. }
            | Self::Backend { .. } => None,
        }
    }
}

/// How many bytes of a message are kept.
const MESSAGE_BYTES: usize = 512;

/// States of a [`FailureCell`]. They only increase: empty, writing, set.
const EMPTY: u32 = 0;
const WRITING: u32 = 1;
const SET: u32 = 2;

/// The kinds that can occur before the end of a sample, as numbers for the cell.
const MISSING_INPUT: u32 = 0;
const NOT_ONCE: u32 = 1;
const PANICKED: u32 = 2;
const BACKEND: u32 = 3;
const WORKER_DIED: u32 = 4;
const WRONG_PAYLOAD: u32 = 5;
const LOST: u32 = 6;
const MISCOUNTED: u32 = 7;

/// The most numbers that a failure has besides its task.
const DETAIL_COUNT: usize = 3;

/// Space for one failure in shared pages. The first writer wins.
#[derive(Debug)]
struct FailureWords {
    state: AtomicU32,
    kind: AtomicU32,
    task: AtomicU32,
    details: [AtomicU32; DETAIL_COUNT],
    message_len: AtomicU32,
    message: [AtomicU32; MESSAGE_BYTES / 4],
}

// SAFETY: zero is the valid value "empty, no message"; every field is atomic and needs no drop.
unsafe impl Shareable for FailureWords {}

/// The first failure of a task, readable from every process of the run.
pub(super) struct FailureCell(SharedSlice<FailureWords>);

impl FailureCell {
    pub(super) fn new() -> std::io::Result<Self> {
        SharedSlice::new(1).map(Self)
    }

    /// Whether a failure has been recorded, or is being recorded.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        // Relaxed: it only says that the reader must stop. The Acquire in `get` orders what is read of the failure.
        self.0[0].state.load(Ordering::Relaxed) != EMPTY
    }

    /// Records `failure`, unless another is already recorded.
    #[cold]
    pub(super) fn set(&self, failure: &Failure) -> Halt {
        let none = [0; DETAIL_COUNT];
        let (kind, details, message) = match failure {
            Failure::MissingInput { predecessor, .. } => (MISSING_INPUT, [predecessor.0, 0, 0], ""),
            Failure::NotOnce { .. } => (NOT_ONCE, none, ""),
            Failure::WrongPayload {
                predecessor, byte, ..
            } => (WRONG_PAYLOAD, [predecessor.0, *byte, 0], ""),
            Failure::Panicked { message, .. } => (PANICKED, none, message.as_str()),
            Failure::WorkerDied {
                worker,
                ending,
                attempt_count,
                ..
            } => (WORKER_DIED, [*worker, ending.pack(), *attempt_count], ""),
            Failure::Backend { message } => (BACKEND, none, message.as_str()),
            Failure::Lost { .. } => (LOST, none, ""),
            Failure::Miscounted { .. } => (MISCOUNTED, none, ""),
            Failure::WrongDigest { .. } | Failure::Kernel { .. } | Failure::BeatBound { .. } => {
                unreachable!("only the verifier finds this, and it returns it directly")
            }
        };
        let task = failure.task().map_or(0, |task| task.0);
        let cell = &self.0[0];
        // Relaxed: winning the exchange only makes this the only writer; nothing is read here.
        let won = cell
            .state
            .compare_exchange(EMPTY, WRITING, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() {
            cell.kind.store(kind, Ordering::Relaxed);
            cell.task.store(task, Ordering::Relaxed);
            for (detail, value) in cell.details.iter().zip(details) {
                detail.store(value, Ordering::Relaxed);
            }
            cell.write_message(message);
            // Release: a thread that reads SET reads everything stored above.
            cell.state.store(SET, Ordering::Release);
        } else {
            cell.await_winner();
        }
        Halt
    }

    /// The failure; `None` if there is none. A failure that is being recorded is awaited, because [`is_set`](Self::is_set)
    /// has already told others to stop.
    pub(super) fn get(&self) -> Option<Failure> {
        let cell = &self.0[0];
        if self.is_set() {
            cell.await_winner();
        }
        // Acquire: pairs with the Release in `set`.
        if cell.state.load(Ordering::Acquire) != SET {
            return None;
        }
        let task = TaskId(cell.task.load(Ordering::Relaxed));
        let detail = |index: usize| cell.details[index].load(Ordering::Relaxed);
        Some(match cell.kind.load(Ordering::Relaxed) {
            MISSING_INPUT => Failure::MissingInput {
                task,
                predecessor: TaskId(detail(0)),
            },
            NOT_ONCE => Failure::NotOnce { task },
            LOST => Failure::Lost { task },
            MISCOUNTED => Failure::Miscounted { task },
            WRONG_PAYLOAD => Failure::WrongPayload {
                task,
                predecessor: TaskId(detail(0)),
                byte: detail(1),
            },
            PANICKED => Failure::Panicked {
                task,
                message: cell.read_message(),
            },
            WORKER_DIED => Failure::WorkerDied {
                task,
                worker: detail(0),
                ending: Ending::unpack(detail(1)),
                attempt_count: detail(2),
            },
            _ => Failure::Backend {
                message: cell.read_message(),
            },
        })
    }
}

impl FailureWords {
    /// Waits until the winner has written its failure, so that every caller that must halt can read the reason.
    fn await_winner(&self) {
        // Bounded because the winner may be a process that was killed while it wrote.
        const TURNS: u32 = 10_000;
        let mut turns = 0..TURNS;
        // Relaxed: the Acquire in `get` orders what is read of the failure.
        while self.state.load(Ordering::Relaxed) != SET && turns.next().is_some() {
            std::thread::yield_now();
        }
    }

    fn write_message(&self, message: &str) {
        let bytes = &message.as_bytes()[..message.len().min(MESSAGE_BYTES)];
        for (word, chunk) in self.message.iter().zip(bytes.chunks(4)) {
            let mut padded = [0; 4];
            padded[..chunk.len()].copy_from_slice(chunk);
            word.store(u32::from_ne_bytes(padded), Ordering::Relaxed);
        }
        self.message_len
            .store(bytes.len() as u32, Ordering::Relaxed);
    }

    fn read_message(&self) -> String {
        let words = self.message.iter();
        let mut bytes: Vec<u8> = words
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
            .collect();
        bytes.truncate(self.message_len.load(Ordering::Relaxed) as usize);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stays() {
        let cell = FailureCell::new().unwrap();
        assert!(!cell.is_set());
        assert_eq!(cell.get(), None);
        let first = Failure::Panicked {
            task: TaskId(3),
            message: "out of cheese".into(),
        };
        cell.set(&first);
        cell.set(&Failure::NotOnce { task: TaskId(9) });
        assert!(cell.is_set());
        assert_eq!(cell.get(), Some(first));
    }

    #[test]
    fn a_failure_that_is_being_recorded_is_awaited() {
        let failure = Failure::NotOnce { task: TaskId(9) };
        // Each cell is read as soon as somebody has begun to write it.
        for _ in 0..200 {
            let cell = FailureCell::new().unwrap();
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| cell.set(&failure));
                while !cell.is_set() {
                    std::hint::spin_loop();
                }
                assert_eq!(cell.get(), Some(failure.clone()));
                writer.join().unwrap();
            });
        }
        // A writer that died in the middle is not awaited forever.
        let cell = FailureCell::new().unwrap();
        cell.0[0].state.store(WRITING, Ordering::Relaxed);
        assert_eq!(cell.get(), None);
    }

    #[test]
    fn a_long_message_is_shortened() {
        let cell = FailureCell::new().unwrap();
        cell.set(&Failure::Backend {
            message: "x".repeat(5 * MESSAGE_BYTES),
        });
        let expected = Failure::Backend {
            message: "x".repeat(MESSAGE_BYTES),
        };
        assert_eq!(cell.get(), Some(expected));
    }
}
