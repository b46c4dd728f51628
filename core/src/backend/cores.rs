//! The cores that a thread may run on.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Some of the cores of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Cores(CpuSet);

impl Cores {
    /// Those that the calling thread may run on; at least one.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn allowed() -> io::Result<Self> {
        Ok(Self(sched_getaffinity(None)?))
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.count()
    }

    /// Their numbers, in ascending order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        // A set holds 1024 cores.
        let all = (0..CpuSet::MAX_CPU).filter(|core| self.0.is_set(*core));
        all.map(|core| core as u32)
    }

    /// Only this one.
    pub(super) fn only(number: u32) -> Self {
        let mut one = CpuSet::new();
        one.set(number as usize);
        Self(one)
    }

    /// Makes the calling thread run on these and no others.
    pub(super) fn bind_thread(&self) -> io::Result<()> {
        Ok(sched_setaffinity(None, &self.0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_bound_to_one_core_may_run_on_that_one() {
        // On a thread of its own: the others keep their cores.
        let bound = std::thread::spawn(|| {
            let last = Cores::allowed()?.numbers().last();
            let last = last.expect("a thread may run on at least one core");
            Cores::only(last).bind_thread()?;
            let cores = Cores::allowed()?;
            assert_eq!(cores.count(), 1);
            assert_eq!(cores.numbers().collect::<Vec<_>>(), [last]);
            io::Result::Ok(())
        });
        bound.join().unwrap().unwrap();
    }
}
