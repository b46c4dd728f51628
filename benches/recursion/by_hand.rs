//! The programs as the documentation of each runtime writes them: first without digests and counts, then with those that
//! the backends fold up the tree. The leaves of `fib` are those of the backends, so that both sides run the same code at the
//! same address, and the joins are what differs.

use chili::Scope;
use taskdyno_core::random::fold;
use taskdyno_core::recursion::Fib;

pub(crate) fn fib_rayon(n: u64, cut_off: u64) -> u64 {
    if n <= cut_off {
        return Fib::leaf(n);
    }
    let (a, b) = rayon::join(|| fib_rayon(n - 1, cut_off), || fib_rayon(n - 2, cut_off));
    a + b
}

pub(crate) fn fib_chili(n: u64, cut_off: u64, scope: &mut Scope<'_>) -> u64 {
    if n <= cut_off {
        return Fib::leaf(n);
    }
    let (a, b) = scope.join(
        |scope| fib_chili(n - 1, cut_off, scope),
        |scope| fib_chili(n - 2, cut_off, scope),
    );
    a + b
}

pub(crate) fn tree_rayon(node: u64, levels: u64) -> u64 {
    if node >> (levels - 1) != 0 {
        return node;
    }
    let (a, b) = rayon::join(
        || tree_rayon(2 * node, levels),
        || tree_rayon(2 * node + 1, levels),
    );
    node + a + b
}

pub(crate) fn tree_chili(node: u64, levels: u64, scope: &mut Scope<'_>) -> u64 {
    if node >> (levels - 1) != 0 {
        return node;
    }
    let (a, b) = scope.join(
        |scope| tree_chili(2 * node, levels, scope),
        |scope| tree_chili(2 * node + 1, levels, scope),
    );
    node + a + b
}

/// Value, digest and number of tasks.
type Checked = (u64, u64, u64);

fn leaf(value: u64, seed: u64) -> Checked {
    (value, fold(seed, value), 1)
}

fn parent(own: u64, (a, b): (Checked, Checked), seed: u64) -> Checked {
    let value = own + a.0 + b.0;
    let digest = a.1.wrapping_add(b.1.wrapping_mul(3));
    (value, fold(digest, value ^ seed), a.2 + b.2 + 1)
}

pub(crate) fn checked_fib_rayon(n: u64, cut_off: u64, seed: u64) -> Checked {
    if n <= cut_off {
        return leaf(Fib::leaf(n), seed);
    }
    let children = rayon::join(
        || checked_fib_rayon(n - 1, cut_off, seed),
        || checked_fib_rayon(n - 2, cut_off, seed),
    );
    parent(0, children, seed)
}

pub(crate) fn checked_fib_chili(n: u64, cut_off: u64, seed: u64, scope: &mut Scope<'_>) -> Checked {
    if n <= cut_off {
        return leaf(Fib::leaf(n), seed);
    }
    let children = scope.join(
        |scope| checked_fib_chili(n - 1, cut_off, seed, scope),
        |scope| checked_fib_chili(n - 2, cut_off, seed, scope),
    );
    parent(0, children, seed)
}

pub(crate) fn checked_tree_rayon(node: u64, levels: u64, seed: u64) -> Checked {
    if node >> (levels - 1) != 0 {
        return leaf(node, seed);
    }
    let children = rayon::join(
        || checked_tree_rayon(2 * node, levels, seed),
        || checked_tree_rayon(2 * node + 1, levels, seed),
    );
    parent(node, children, seed)
}

pub(crate) fn checked_tree_chili(
    node: u64,
    levels: u64,
    seed: u64,
    scope: &mut Scope<'_>,
) -> Checked {
    if node >> (levels - 1) != 0 {
        return leaf(node, seed);
    }
    let children = scope.join(
        |scope| checked_tree_chili(2 * node, levels, seed, scope),
        |scope| checked_tree_chili(2 * node + 1, levels, seed, scope),
    );
    parent(node, children, seed)
}
