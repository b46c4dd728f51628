//! The steps of one run of a program, and what is folded up the tree.

use super::recursive::{Recursion, Splitting};
use crate::random::fold;

/// The result of a task and of all tasks below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The value of the task; the sum of the values, for several children.
    pub value: u64,
    /// Depends on the seed of the run, on every value below, and on the place of each task among its siblings.
    pub digest: u64,
    /// How many tasks there were.
    pub task_count: u64,
}

impl Folded {
    /// Adds the results of other children of the same parent, in any order. The result of no child is the default.
    #[inline]
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            value: self.value.wrapping_add(other.value),
            digest: self.digest.wrapping_add(other.digest),
            task_count: self.task_count.wrapping_add(other.task_count),
        }
    }

    /// One word for all of it.
    pub fn word(self) -> u64 {
        fold(fold(self.digest, self.value), self.task_count)
    }

    /// The result of the child of this number. Multiplied by an odd number, which loses nothing, the digest tells the
    /// place of the child.
    #[inline]
    fn of_child(self, index: u32) -> Self {
        let place = 2 * u64::from(index) + 1;
        Self {
            digest: self.digest.wrapping_mul(place),
            ..self
        }
    }
}

/// What follows from the first step of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStep {
    /// The task has ended, with this result.
    Ended(Folded),
    /// It has this many children. [`Run::end`] ends it after them.
    Waits(u32),
}

/// One run of a program: what a runtime calls for every task.
pub struct Run<'a, R: ?Sized> {
    program: &'a R,
    seed: u64,
}

impl<R: ?Sized> Clone for Run<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: ?Sized> Copy for Run<'_, R> {}

impl<'a, R: Recursion + ?Sized> Run<'a, R> {
    /// A run with this seed. All digests depend on it, so no result can be remembered from another run.
    pub fn new(program: &'a R, seed: u64) -> Self {
        Self { program, seed }
    }

    /// The first task.
    pub fn root(&self) -> R::State {
        self.program.root(self.seed)
    }

    /// Begins a task.
    #[inline]
    pub fn begin(&self, state: &mut R::State) -> FirstStep {
        match self.program.split(state) {
            Splitting::Leaf(value) => FirstStep::Ended(Folded {
                value,
                digest: fold(self.seed, value),
                task_count: 1,
            }),
            Splitting::Children(count) => FirstStep::Waits(count),
        }
    }

    /// The child of this number of a task that waits.
    #[inline]
    pub fn child(&self, parent: &R::State, index: u32) -> R::State {
        self.program.child(parent, index)
    }

    /// The result of the child of this number, as its parent adds it.
    #[inline]
    pub fn joined(&self, index: u32, child: Folded) -> Folded {
        child.of_child(index)
    }

    /// Ends a task. `children` is the sum of the [joined](Self::joined) results of all its children.
    #[inline]
    pub fn end(&self, parent: &R::State, children: Folded) -> Folded {
        let value = self.program.combine(parent, children.value);
        Folded {
            value,
            digest: fold(children.digest, value ^ self.seed),
            task_count: children.task_count.wrapping_add(1),
        }
    }
}
