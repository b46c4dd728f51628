//! Recursion for runtimes that run two closures, possibly at the same time.

use super::recursive::Recursion;
use super::run::{FirstStep, Folded, Run};

/// A runtime that runs two closures, possibly at the same time, and waits for both.
pub trait Join {
    /// What a closure needs to join others; `()` if it needs nothing.
    type Scope<'s>;

    /// Runs both, and returns their results in this order.
    fn join<A, B>(scope: &mut Self::Scope<'_>, a: A, b: B) -> (Folded, Folded)
    where
        A: FnOnce(&mut Self::Scope<'_>) -> Folded + Send,
        B: FnOnce(&mut Self::Scope<'_>) -> Folded + Send;
}

/// Runs the task `state` and all tasks below it with the join of `J`.
pub fn walk<J: Join, R: Recursion + ?Sized>(
    run: Run<'_, R>,
    mut state: R::State,
    scope: &mut J::Scope<'_>,
) -> Folded {
    match run.begin(&mut state) {
        FirstStep::Ended(folded) => folded,
        FirstStep::Waits(count) => {
            let children = walk_children::<J, R>(run, &state, (0, count), scope);
            run.end(&state, children)
        }
    }
}

/// Runs the children from the first up to but not including the second number. Halves of many children are joined.
#[inline]
fn walk_children<J: Join, R: Recursion + ?Sized>(
    run: Run<'_, R>,
    parent: &R::State,
    (first, end): (u32, u32),
    scope: &mut J::Scope<'_>,
) -> Folded {
    match end - first {
        0 => Folded::default(),
        1 => {
            let child = walk::<J, R>(run, run.child(parent, first), scope);
            run.joined(first, child)
        }
        // With numbers that the compiler knows, closures carry less and the first child is joined without a product.
        2 if first == 0 => {
            let child = |index, scope: &mut J::Scope<'_>| {
                let folded = walk::<J, R>(run, run.child(parent, index), scope);
                run.joined(index, folded)
            };
            let (left, right) = J::join(
                scope,
                |scope: &mut J::Scope<'_>| child(0, scope),
                |scope: &mut J::Scope<'_>| child(1, scope),
            );
            left.plus(right)
        }
        count => {
            let middle = first + count / 2;
            let (left, right) = J::join(
                scope,
                |scope: &mut J::Scope<'_>| walk_half::<J, R>(run, parent, (first, middle), scope),
                |scope: &mut J::Scope<'_>| walk_half::<J, R>(run, parent, (middle, end), scope),
            );
            left.plus(right)
        }
    }
}

/// [`walk_children`], not inlined into itself.
fn walk_half<J: Join, R: Recursion + ?Sized>(
    run: Run<'_, R>,
    parent: &R::State,
    range: (u32, u32),
    scope: &mut J::Scope<'_>,
) -> Folded {
    walk_children::<J, R>(run, parent, range, scope)
}

/// One after the other, on the calling thread: the work without any scheduling.
pub struct Sequential;

impl Join for Sequential {
    type Scope<'s> = ();

    #[inline]
    fn join<A, B>(scope: &mut (), a: A, b: B) -> (Folded, Folded)
    where
        A: FnOnce(&mut ()) -> Folded + Send,
        B: FnOnce(&mut ()) -> Folded + Send,
    {
        (a(scope), b(scope))
    }
}
