use super::recursive::{KnownResult, Recursion, Splitting};

/// Tasks that spawn ten tasks each, down to the last level, whose tasks return their numbers, from 0. The sum for a
/// million of them is 499,999,500,000.
#[derive(Debug)]
pub struct Skynets {
    /// How many levels of tasks spawn others.
    pub levels: u64,
}

impl Recursion for Skynets {
    /// The first number below the task, and how many numbers there are.
    type State = [u64; 2];

    fn root(&self, _: u64) -> Self::State {
        [0, self.leaf_count()]
    }

    #[inline]
    fn split(&self, [first, count]: &mut Self::State) -> Splitting {
        match *count {
            1 => Splitting::Leaf(*first),
            _ => Splitting::Children(10),
        }
    }

    #[inline]
    fn child(&self, [first, count]: &Self::State, index: u32) -> Self::State {
        let part = count / 10;
        [first + u64::from(index) * part, part]
    }

    fn known(&self) -> KnownResult {
        let leaf_count = self.leaf_count();
        KnownResult {
            value: Some(leaf_count * (leaf_count - 1) / 2),
            // 1 + 10 + 100 + ..
            task_count: Some((10 * leaf_count - 1) / 9),
        }
    }
}

impl Skynets {
    fn leaf_count(&self) -> u64 {
        10u64.pow(self.levels as u32)
    }
}
