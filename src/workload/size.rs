//! Whether a graph fits: into 32-bit ids, and into memory.

use crate::execute::job_byte_len;
use crate::pattern::Size;

/// A graph that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} tasks with {} dependences{} need {} of memory; {limit}",
    size.task_count,
    size.edge_count,
    handing_on(*output_bytes),
    bytes_text(byte_len(*size, *output_bytes))
)]
pub struct SizeError {
    size: Size,
    output_bytes: u32,
    limit: Limit,
}

fn handing_on(output_bytes: u32) -> String {
    match output_bytes {
        0 => String::new(),
        count => format!(" and {} to hand on each", bytes_text(count.into())),
    }
}

/// What a graph is too large for, and how many such tasks would fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Limit {
    #[error("ids have 32 bits, which is enough for {fit_count} tasks of this pattern")]
    Ids { fit_count: u128 },
    #[error("this machine has {}, which is enough for {fit_count} tasks of this pattern", bytes_text(*memory_bytes))]
    Memory { memory_bytes: u128, fit_count: u128 },
}

impl SizeError {
    /// How many tasks of the same pattern would fit.
    pub(super) fn fit_count(&self) -> u128 {
        match self.limit {
            Limit::Ids { fit_count } | Limit::Memory { fit_count, .. } => fit_count,
        }
    }
}

/// Checks that a graph of `size` can be numbered, and that its job, with `output_bytes` that each task hands on,
/// fits into `memory_bytes`.
pub(super) fn check(size: Size, output_bytes: u32, memory_bytes: u64) -> Result<(), SizeError> {
    let memory_bytes = u128::from(memory_bytes);
    // As many tasks as fit if each brings as many dependences and bytes as the tasks of this graph do.
    let fit_count = |capacity: u128, need: u128| size.task_count * capacity / need.max(1);

    let ids = u128::from(u32::MAX);
    let numbered = size.task_count.max(size.edge_count);
    let bytes = byte_len(size, output_bytes);
    let for_ids = fit_count(ids, numbered);
    let for_memory = fit_count(memory_bytes, bytes);
    if bytes > memory_bytes && for_memory <= for_ids {
        let limit = Limit::Memory {
            memory_bytes,
            fit_count: for_memory,
        };
        return Err(SizeError {
            size,
            output_bytes,
            limit,
        });
    }
    if numbered > ids {
        let limit = Limit::Ids { fit_count: for_ids };
        return Err(SizeError {
            size,
            output_bytes,
            limit,
        });
    }
    Ok(())
}

/// [`job_byte_len`] for sizes beyond 64 bits. Bytes grow in proportion to the graph, so they are counted
/// for a graph of the same shape that is small enough.
pub(super) fn byte_len(size: Size, output_bytes: u32) -> u128 {
    const SMALL: u128 = 1 << 20;
    if size.task_count == 0 {
        return 0;
    }
    let edge_count = size.edge_count.saturating_mul(SMALL) / size.task_count;
    let edge_count = u64::try_from(edge_count).unwrap_or(u64::MAX);
    let small = u128::from(job_byte_len(SMALL as u64, edge_count, output_bytes));
    small.saturating_mul(size.task_count) / SMALL
}

/// A number of bytes for people: "1.5 GB".
pub(super) fn bytes_text(bytes: u128) -> String {
    const UNITS: [&str; 8] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} bytes"),
        _ => format!("{amount:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIGABYTE: u64 = 1_000_000_000;

    fn size(task_count: u128, edge_count: u128) -> Size {
        Size {
            task_count,
            edge_count,
        }
    }

    #[test]
    fn agrees_with_the_job_for_sizes_it_can_count() {
        let stencil = size(10_000_000, 30_000_000);
        for output_bytes in [0, 1000] {
            let expected = job_byte_len(10_000_000, 30_000_000, output_bytes);
            assert_eq!(byte_len(stencil, output_bytes), u128::from(expected));
        }
        assert_eq!(byte_len(size(0, 0), 1000), 0);
    }

    #[test]
    fn the_count_that_fits_does_fit_and_a_tenth_more_does_not() {
        let error = check(size(1 << 31, 3 << 31), 8, GIGABYTE).unwrap_err();
        let fit_count = error.fit_count();
        assert_eq!(check(size(fit_count, 3 * fit_count), 8, GIGABYTE), Ok(()));
        let more = fit_count * 11 / 10;
        assert!(check(size(more, 3 * more), 8, GIGABYTE).is_err());
    }

    #[test]
    fn ids_limit_where_memory_does_not() {
        let huge_memory = u64::MAX;
        let most = u128::from(u32::MAX);
        assert_eq!(check(size(most, 0), 0, huge_memory), Ok(()));
        let error = check(size(most + 1, 0), 0, huge_memory).unwrap_err();
        assert_eq!(error.fit_count(), most);
        // Edges are numbered too.
        assert!(check(size(10, most + 1), 0, huge_memory).is_err());
    }

    #[test]
    fn the_largest_parameters_do_not_overflow() {
        let extent = u128::from(u32::MAX);
        let error = check(size(extent * extent, 3 * extent * extent), 0, GIGABYTE).unwrap_err();
        insta::assert_snapshot!(error);
    }
}
