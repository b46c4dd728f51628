use super::recursive::{KnownResult, Recursion, Splitting};

/// The ways to place queens on a board so that none attacks another. A task places the queen of one row, with a child
/// per free column; below the cut-off a task counts the rest itself.
#[derive(Debug)]
pub struct NQueens {
    /// The number of queens, rows and columns; at most 32.
    pub n: u64,
    /// How many rows are placed by tasks.
    pub rows: u64,
}

/// The numbers of solutions for boards of size 1 and more (sequence A000170 of the On-Line Encyclopedia of Integer
/// Sequences).
const SOLUTIONS: [u64; 18] = [
    1,
    0,
    0,
    2,
    10,
    4,
    40,
    92,
    352,
    724,
    2680,
    14200,
    73712,
    365_596,
    2_279_184,
    14_772_512,
    95_815_104,
    666_090_624,
];

/// The columns and the two kinds of diagonals that are attacked, as seen from the next row.
type Attacked = [u64; 3];

impl Recursion for NQueens {
    type State = Attacked;

    fn root(&self, _: u64) -> Attacked {
        [0; 3]
    }

    #[inline]
    fn split(&self, state: &mut Attacked) -> Splitting {
        let row = u64::from(state[0].count_ones());
        match row >= self.rows.min(self.n) {
            true => Splitting::Leaf(self.leaf(*state)),
            false => Splitting::Children(self.free(state).count_ones()),
        }
    }

    #[inline]
    fn child(&self, parent: &Attacked, index: u32) -> Attacked {
        let mut free = self.free(parent);
        (0..index).for_each(|_| free &= free - 1);
        placed(parent, free & free.wrapping_neg())
    }

    fn known(&self) -> KnownResult {
        let index = (self.n as usize).checked_sub(1);
        KnownResult {
            value: index.and_then(|index| SOLUTIONS.get(index).copied()),
            task_count: None,
        }
    }
}

impl NQueens {
    /// The columns of the next row that are not attacked.
    #[inline]
    fn free(&self, [columns, left, right]: &Attacked) -> u64 {
        !(columns | left | right) & ((1 << self.n) - 1)
    }

    /// The value of a task without children. Backends call this and not [`count`](Self::count), for the reason that the
    /// leaf of [`Fib`](super::Fib) has.
    #[inline(never)]
    fn leaf(&self, state: Attacked) -> u64 {
        self.count(state)
    }

    /// The solutions that contain the queens placed so far.
    fn count(&self, state: Attacked) -> u64 {
        if u64::from(state[0].count_ones()) == self.n {
            return 1;
        }
        let mut free = self.free(&state);
        let mut count = 0;
        while free != 0 {
            count += self.count(placed(&state, free & free.wrapping_neg()));
            free &= free - 1;
        }
        count
    }
}

/// What is attacked after a queen was placed in `column`, as seen from the row after it.
#[inline]
fn placed([columns, left, right]: &Attacked, column: u64) -> Attacked {
    [
        columns | column,
        (left | column) << 1,
        (right | column) >> 1,
    ]
}
