//! The programs as the documentation of each runtime writes them, without digests and counts.

use chili::Scope;

fn fib(n: u64) -> u64 {
    match n < 2 {
        true => n,
        false => fib(n - 1) + fib(n - 2),
    }
}

pub(crate) fn fib_rayon(n: u64, cut_off: u64) -> u64 {
    if n <= cut_off {
        return fib(n);
    }
    let (a, b) = rayon::join(|| fib_rayon(n - 1, cut_off), || fib_rayon(n - 2, cut_off));
    a + b
}

pub(crate) fn fib_chili(n: u64, cut_off: u64, scope: &mut Scope<'_>) -> u64 {
    if n <= cut_off {
        return fib(n);
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
