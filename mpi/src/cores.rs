//! Sets of cores.

use crate::trouble::Trouble;

/// Cores as bits: as many as the kernel's own set has.
pub type Cores = [u64; CORE_WORDS];

/// The words of a set of cores.
pub const CORE_WORDS: usize = size_of::<libc::cpu_set_t>() / 8;

/// The cores that this rank may use. A launcher may have bound it to some.
pub fn affinity() -> Cores {
    let mut cores = [0; CORE_WORDS];
    // SAFETY: the place has the size that is stated. Failure leaves it empty.
    unsafe { libc::sched_getaffinity(0, size_of::<Cores>(), cores.as_mut_ptr().cast()) };
    cores
}

/// How many cores are in any of these sets, but at least one.
pub fn union_count(sets: impl Iterator<Item = Cores>) -> usize {
    let mut all = [0; CORE_WORDS];
    for set in sets {
        for (all, one) in all.iter_mut().zip(set) {
            *all |= one;
        }
    }
    let count: u32 = all.iter().map(|word: &u64| word.count_ones()).sum();
    count.max(1) as usize
}

/// The core with the lowest number, or 0.
pub fn first_of(cores: &Cores) -> u64 {
    (0..64 * CORE_WORDS as u64)
        .find(|core| has(cores, *core))
        .unwrap_or(0)
}

/// The core with the highest number, or 0.
pub fn last_of(cores: &Cores) -> u64 {
    (0..64 * CORE_WORDS as u64)
        .rfind(|core| has(cores, *core))
        .unwrap_or(0)
}

/// Whether this core is one of them.
pub fn has(cores: &Cores, core: u64) -> bool {
    let word = cores.get((core / 64) as usize);
    word.is_some_and(|word| word >> (core % 64) & 1 == 1)
}

/// This core alone.
pub fn only(core: u64) -> Cores {
    let mut cores = [0; CORE_WORDS];
    if let Some(word) = cores.get_mut((core / 64) as usize) {
        *word = 1 << (core % 64);
    }
    cores
}

/// The core of each of so many threads of a rank that may use the cores `own`. The ranks of its host take cores in turn, and
/// this one is number `index` of them. With more threads than cores, they begin again at the first.
pub fn seats(own: &Cores, index: usize, threads: usize) -> Vec<u64> {
    let all = (0..64 * CORE_WORDS as u64).filter(|core| has(own, *core));
    let first = index * threads;
    all.cycle().skip(first).take(threads).collect()
}

/// Lets this thread run on this core only.
///
/// # Errors
///
/// If the system does not permit it.
pub fn sit_down(core: u64) -> Result<(), Trouble> {
    let seat = only(core);
    bind(&seat);
    match affinity() == seat {
        true => Ok(()),
        false => Err(Trouble::set_up(format!(
            "the system does not let a rank bind a thread to core {core}: leave out `bind=cores`"
        ))),
    }
}

/// Lets this thread run on these cores only. Where the system does not permit it, nothing changes.
pub fn bind(cores: &Cores) {
    // SAFETY: the set has the size that is stated.
    unsafe { libc::sched_setaffinity(0, size_of::<Cores>(), cores.as_ptr().cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_of_several_ranks_are_counted_once() {
        let with = |cores: &[usize]| {
            let mut set = [0; CORE_WORDS];
            cores
                .iter()
                .for_each(|core| set[core / 64] |= 1 << (core % 64));
            set
        };
        let (low, high) = (with(&[0, 3]), with(&[3, 70]));
        assert_eq!(union_count([low, high].into_iter()), 3);
        assert_eq!(union_count([with(&[])].into_iter()), 1);
        assert_eq!((first_of(&low), last_of(&low)), (0, 3));
        assert_eq!((first_of(&high), last_of(&high)), (3, 70));
        assert_eq!(only(70), with(&[70]));
        assert!(has(&high, 70) && !has(&high, 71) && !has(&high, 1 << 40));
        assert!(union_count([affinity()].into_iter()) >= 1);
        // Two ranks with three threads each, and four cores.
        let four = with(&[1, 2, 5, 70]);
        assert_eq!(seats(&four, 0, 3), [1, 2, 5]);
        assert_eq!(seats(&four, 1, 3), [70, 1, 2]);
        assert_eq!(seats(&with(&[9]), 5, 1), [9]);
        assert!(seats(&with(&[]), 1, 1).is_empty());
    }
}
