//! Sets of cores.

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

/// Lets this rank run on these cores only. Where the system does not permit it, nothing changes.
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
    }
}
