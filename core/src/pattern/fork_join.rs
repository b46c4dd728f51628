//! Trees that fork on the way down and join on the way up.

use super::{Size, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};

/// The size of a tree in which each task forks `fan_out`, `depth` times over, together with the joins.
pub(super) fn size(depth: u64, fan_out: u64) -> Size {
    let node_count = |depth: u64| (0..=depth).map(|level| power(fan_out, level)).sum::<u128>();
    let forked = node_count(depth);
    let joined = depth.checked_sub(1).map_or(0, node_count);
    Size {
        task_count: forked + joined,
        // Each task but the root is forked by one, and its result is joined by one.
        edge_count: 2 * (forked - 1),
    }
}

/// `fan_out` to the power of `level`, or 2^80 where it is more: far beyond any memory, and sums of such
/// numbers do not overflow.
fn power(fan_out: u64, level: u64) -> u128 {
    const MOST: u128 = 1 << 80;
    u128::from(fan_out)
        .checked_pow(level as u32)
        .map_or(MOST, |power| power.min(MOST))
}

/// The tree whose size is [`size`]. Ids go level by level, forks from the root down and then joins from the
/// leaves up; within a level, those of siblings follow each other.
pub(super) fn build(depth: u64, fan_out: u64) -> Result<TaskGraph, GraphError> {
    let width = |level: u64| power(fan_out, level) as u32;
    let each = fan_out as u32;
    let mut builder = builder(size(depth, fan_out));
    let mut above = 0;
    builder.push([])?;
    for level in 1..=depth {
        let first = above + width(level - 1);
        for index in 0..width(level) {
            builder.push([TaskId(above + index / each)])?;
        }
        above = first;
    }
    for level in (0..depth).rev() {
        let first = above + width(level + 1);
        for index in 0..width(level) {
            let children = above + index * each;
            builder.push((children..children + each).map(TaskId))?;
        }
        above = first;
    }
    Ok(builder.finish())
}
