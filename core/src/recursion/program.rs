//! The programs that runtimes are compiled for.

use super::join::{Sequential, walk};
use super::recursive::{KnownResult, Recursion};
use super::run::{Folded, Run};
use super::state::Words;
use super::{Fib, Mergesort, NQueens, Quicksort, Skynets, TreeSum, Uts};

/// The programs that every runtime is compiled for, and any other one.
pub enum RecursiveProgram {
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

impl RecursiveProgram {
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
    pub fn known(&self) -> KnownResult {
        struct Ask;
        impl ProgramVisitor for Ask {
            type Output = KnownResult;
            fn visit<R: Recursion + ?Sized>(self, program: &R) -> KnownResult {
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
