//! The programs that runtimes are compiled for.

use super::join::{Sequential, walk};
use super::recursive::{KnownResult, Recursion, Splitting};
use super::run::{Folded, Run};
use super::state::{Carried, Words};
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

/// Any of the programs, for runtimes that are not compiled for each of them: every step looks up which it is.
impl Recursion for RecursiveProgram {
    type State = Words;

    fn root(&self, seed: u64) -> Words {
        self.visit(AskRoot(seed))
    }

    #[inline]
    fn split(&self, state: &mut Words) -> Splitting {
        self.visit(AskSplit(state))
    }

    #[inline]
    fn child(&self, parent: &Words, index: u32) -> Words {
        self.visit(AskChild(parent, index))
    }

    #[inline]
    fn combine(&self, parent: &Words, sum: u64) -> u64 {
        self.visit(AskCombine(parent, sum))
    }

    fn known(&self) -> KnownResult {
        Self::known(self)
    }

    fn check(&self) -> Result<(), String> {
        Self::check(self)
    }
}

struct AskRoot(u64);

impl ProgramVisitor for AskRoot {
    type Output = Words;

    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Words {
        program.root(self.0).to_words()
    }
}

struct AskSplit<'a>(&'a mut Words);

impl ProgramVisitor for AskSplit<'_> {
    type Output = Splitting;

    #[inline]
    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Splitting {
        let mut state = R::State::from_words(*self.0);
        let splitting = program.split(&mut state);
        *self.0 = state.to_words();
        splitting
    }
}

struct AskChild<'a>(&'a Words, u32);

impl ProgramVisitor for AskChild<'_> {
    type Output = Words;

    #[inline]
    fn visit<R: Recursion + ?Sized>(self, program: &R) -> Words {
        let parent = R::State::from_words(*self.0);
        program.child(&parent, self.1).to_words()
    }
}

struct AskCombine<'a>(&'a Words, u64);

impl ProgramVisitor for AskCombine<'_> {
    type Output = u64;

    #[inline]
    fn visit<R: Recursion + ?Sized>(self, program: &R) -> u64 {
        program.combine(&R::State::from_words(*self.0), self.1)
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
