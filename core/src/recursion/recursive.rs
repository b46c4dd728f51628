//! The trait of recursive programs.

use super::state::Carried;

/// A recursive program.
///
/// The fields of a program are the same in all workers. What tasks write must be in shared memory, as in
/// [`Mergesort`](super::Mergesort), because workers may be processes.
pub trait Recursion: Send + Sync {
    /// What a task is: an array of up to four words, such as `[u64; 2]`. It must contain no addresses.
    type State: Carried;

    /// The first task of a run. Programs with data draw them from `seed`; others ignore it.
    fn root(&self, seed: u64) -> Self::State;

    /// Does the work of a task before its children. The task may change its state, which
    /// [`child`](Recursion::child) and [`combine`](Recursion::combine) then receive.
    fn split(&self, state: &mut Self::State) -> Splitting;

    /// The child of this number, from 0, of a task that was split.
    fn child(&self, parent: &Self::State, index: u32) -> Self::State;

    /// Does the work of a task after all its children, and returns its value. `sum` is the sum of their values, modulo
    /// 2^64. By default, the value is this sum.
    fn combine(&self, parent: &Self::State, sum: u64) -> u64 {
        let _ = parent;
        sum
    }

    /// What is known of the result beforehand. Nothing by default.
    fn known(&self) -> KnownResult {
        KnownResult::default()
    }

    /// Checks what the run that has just ended has written. Nothing runs. Nothing is checked by default.
    ///
    /// # Errors
    ///
    /// What is wrong, in a sentence.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splitting {
    /// It has this value and no children.
    Leaf(u64),
    /// It has this many children.
    Children(u32),
}

/// What is known of the result of a program, from a formula or a publication and not from a run of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownResult {
    /// The value of the root.
    pub value: Option<u64>,
    /// The number of tasks.
    pub task_count: Option<u64>,
}
