//! The trait of recursive programs, and the programs that runtimes are compiled for.

use super::join::{Sequential, walk};
use super::run::{Folded, Run};
use super::state::{Carried, Words};
use super::{Fib, Mergesort, NQueens, Quicksort, Skynets, TreeSum, Uts};

/// A recursive program.
///
/// The fields of a program are the same in all workers. What tasks write must be in shared memory, as in
/// [`Mergesort`], because workers may be processes.
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
    fn known(&self) -> Known {
        Known::default()
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
pub struct Known {
    /// The value of the root.
    pub value: Option<u64>,
    /// The number of tasks.
    pub task_count: Option<u64>,
}

/// The programs that every runtime is compiled for, and any other one.
pub enum Program {
    /// See [`Fib`].
    Fib(Fib),
    /// See [`NQueens`].
    NQueens(NQueens),
    /// See [`Uts`].
    Uts(Uts),
    /// See [`Mergesort`].
    Mergesort(Mergesort),
    /// See [`Quicksort`].
    Quicksort(Quicksort),
    /// See [`TreeSum`].
    TreeSum(TreeSum),
    /// See [`Skynets`].
    Skynet(Skynets),
    /// A program that is not in this list. Each of its steps is a virtual call.
    Other(Box<dyn Recursion<State = Words>>),
}

/// The code of a runtime that needs the type of the program.
pub trait ProgramVisitor {
    /// What it returns.
    type Output;

    /// Is called with the program.
    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Self::Output;
}

impl Program {
    /// Calls `visitor` with the program.
    pub fn visit<V: ProgramVisitor>(&self, visitor: V) -> V::Output {
        match self {
            Self::Fib(program) => visitor.visit(program),
            Self::NQueens(program) => visitor.visit(program),
            Self::Uts(program) => visitor.visit(program),
            Self::Mergesort(program) => visitor.visit(program),
            Self::Quicksort(program) => visitor.visit(program),
            Self::TreeSum(program) => visitor.visit(program),
            Self::Skynet(program) => visitor.visit(program),
            Self::Other(program) => visitor.visit(&**program),
        }
    }

    /// Runs all tasks of a run with this seed on the calling thread, without any scheduling.
    pub fn run_sequentially(&self, seed: u64) -> Folded {
        self.visit(RunSequentially(seed))
    }

    /// Checks the result of the root against what is known of it.
    ///
    /// # Errors
    ///
    /// What differs.
    pub fn check_root(&self, root: Folded) -> Result<(), String> {
        let known = self.known();
        let differs = |known: Option<u64>, found| known.filter(|known| *known != found);
        if let Some(count) = differs(known.task_count, root.task_count) {
            return Err(format!(
                "the recursive program has {count} tasks, and {} were joined",
                root.task_count
            ));
        }
        match differs(known.value, root.value) {
            Some(value) => Err(format!(
                "the recursive program yields {value}, and this run yielded {}",
                root.value
            )),
            None => Ok(()),
        }
    }

    /// What is known of its result, see [`Recursion::known`].
    pub fn known(&self) -> Known {
        struct Ask;
        impl ProgramVisitor for Ask {
            type Output = Known;
            fn visit<R: Recursion + ?Sized>(self, program: &R) -> Known {
                program.known()
            }
        }
        self.visit(Ask)
    }

    /// Checks what the last run has written, see [`Recursion::check`].
    ///
    /// # Errors
    ///
    /// What is wrong, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        struct Check;
        impl ProgramVisitor for Check {
            type Output = Result<(), String>;
            fn visit<R: Recursion + ?Sized>(self, program: &R) -> Self::Output {
                program.check()
            }
        }
        self.visit(Check)
    }
}

struct RunSequentially(u64);

impl ProgramVisitor for RunSequentially {
    type Output = Folded;

    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Folded {
        let run = Run::new(program, self.0);
        walk::<Sequential, R>(run, run.root(), &mut ())
    }
}
