use super::recursive::{KnownResult, Recursion, Splitting};

/// The Fibonacci numbers by their definition. The two calls of a number above the cut-off are tasks; a task computes
/// those of smaller numbers itself.
#[derive(Debug)]
pub struct Fib {
    /// Which number.
    pub n: u64,
    /// The largest number that a task computes without children; at least 1.
    pub cut_off: u64,
}

impl Recursion for Fib {
    type State = [u64; 1];

    fn root(&self, _: u64) -> Self::State {
        [self.n]
    }

    #[inline]
    fn split(&self, [n]: &mut Self::State) -> Splitting {
        match *n <= self.cut_off {
            true => Splitting::Leaf(Self::leaf(*n)),
            false => Splitting::Children(2),
        }
    }

    #[inline]
    fn child(&self, [n]: &Self::State, index: u32) -> Self::State {
        [n - 1 - u64::from(index)]
    }

    fn known(&self) -> KnownResult {
        KnownResult {
            value: Some(by_addition(self.n)),
            task_count: Some(self.task_count()),
        }
    }
}

impl Fib {
    /// The work of a task without children: the number of this index, with a call for each addition.
    ///
    /// Backends call this and not the recursive function behind it, which would then be a symbol of this crate that others
    /// see, and would call itself through a table: a quarter slower. A program to compare with should call this too: copies of
    /// the same few instructions take up to a third longer where they cross a cache line.
    #[inline(never)]
    pub fn leaf(n: u64) -> u64 {
        by_definition(n)
    }

    /// Numbers up to the cut-off are leaves. The tree of the number `cut_off + k` then has as many leaves as the number
    /// `k + 2` says, and one inner task less than leaves.
    fn task_count(&self) -> u64 {
        match self.n <= self.cut_off {
            true => 1,
            false => 2 * by_addition(self.n - self.cut_off + 2) - 1,
        }
    }
}

/// The number of this index, with a call for each addition.
fn by_definition(n: u64) -> u64 {
    match n < 2 {
        true => n,
        false => by_definition(n - 1) + by_definition(n - 2),
    }
}

/// The number of this index, in as many steps.
fn by_addition(n: u64) -> u64 {
    let step = |(one, next): (u64, u64), _| (next, one + next);
    (0..n).fold((0, 1), step).0
}
