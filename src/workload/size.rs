//! Checks that a graph fits into 32-bit ids and into memory.

use crate::execute::job_byte_len;
use crate::kernel::KernelKind;
use crate::parameter::Parameters;
use crate::pattern::Size;
use crate::units;

/// The memory of a job in addition to its graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MemoryNeed {
    /// The bytes that each task passes to its dependents.
    output_bytes: u32,
    /// The bytes of the kernel that do not depend on the graph.
    kernel_bytes: u64,
    /// The bytes of the kernel per task.
    kernel_task_bytes: u64,
}

impl MemoryNeed {
    pub(super) fn new(output_bytes: u32) -> Self {
        Self {
            output_bytes,
            ..Self::default()
        }
    }

    /// The same with this kernel.
    pub(super) fn with_kernel(self, kernel: &dyn KernelKind, parameters: &Parameters) -> Self {
        Self {
            kernel_bytes: kernel.byte_len(parameters),
            kernel_task_bytes: kernel.task_byte_len(),
            ..self
        }
    }

    /// The bytes of the kernel for a graph of `size`.
    pub(super) fn kernel_byte_len(self, size: Size) -> u128 {
        let of_tasks = size
            .task_count
            .saturating_mul(self.kernel_task_bytes.into());
        of_tasks.saturating_add(self.kernel_bytes.into())
    }

    /// The bytes of the job, including the kernel.
    pub(super) fn byte_len(self, size: Size) -> u128 {
        job_bytes(size, self.output_bytes).saturating_add(self.kernel_byte_len(size))
    }
}

/// The error that a graph does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} tasks with {} dependences{} need {} of memory{}; {limit}",
    size.task_count,
    size.edge_count,
    handing_on(load.output_bytes),
    units::size(job_bytes(*size, load.output_bytes)),
    and_the_kernel(load.kernel_byte_len(*size))
)]
pub struct SizeError {
    size: Size,
    load: MemoryNeed,
    limit: Limit,
}

fn handing_on(output_bytes: u32) -> String {
    match output_bytes {
        0 => String::new(),
        count => format!(" and {} of output per task", units::size(count)),
    }
}

fn and_the_kernel(kernel_bytes: u128) -> String {
    match kernel_bytes {
        0 => String::new(),
        count => format!(", and the kernel {}", units::size(count)),
    }
}

/// What the graph is too large for, and how many such tasks would fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Limit {
    #[error("ids have 32 bits, which is enough for {fit_count} tasks of this pattern")]
    Ids { fit_count: u128 },
    #[error("this machine has {}, which is enough for {fit_count} tasks of this pattern", units::size(*memory_bytes))]
    Memory { memory_bytes: u128, fit_count: u128 },
}

impl SizeError {
    /// The largest number of tasks of the same pattern that would fit.
    pub(super) fn fit_count(&self) -> u128 {
        match self.limit {
            Limit::Ids { fit_count } | Limit::Memory { fit_count, .. } => fit_count,
        }
    }
}

/// Checks that ids can number a graph of `size`, and that its job with its kernel fits into `memory_bytes`.
pub(super) fn check(size: Size, load: MemoryNeed, memory_bytes: u64) -> Result<(), SizeError> {
    let memory_bytes = u128::from(memory_bytes);
    // The number of tasks that fit if each has as many dependences and bytes as a task of this graph on average.
    let fit_count = |capacity: u128, need: u128| size.task_count * capacity / need.max(1);

    let ids = u128::from(u32::MAX);
    let numbered = size.task_count.max(size.edge_count);
    let bytes = load.byte_len(size);
    // The fixed part of the kernel's memory is not available for tasks.
    let fixed = u128::from(load.kernel_bytes);
    let for_ids = fit_count(ids, numbered);
    let for_memory = fit_count(memory_bytes.saturating_sub(fixed), bytes - fixed);
    let limit = if bytes > memory_bytes && for_memory <= for_ids {
        Limit::Memory {
            memory_bytes,
            fit_count: for_memory,
        }
    } else if numbered > ids {
        Limit::Ids { fit_count: for_ids }
    } else {
        return Ok(());
    };
    Err(SizeError { size, load, limit })
}

/// Like [`job_byte_len`], for sizes beyond 64 bits. The number of bytes is proportional to the graph, so it is computed
/// for a smaller graph of the same shape and scaled.
fn job_bytes(size: Size, output_bytes: u32) -> u128 {
    const SMALL: u128 = 1 << 20;
    if size.task_count == 0 {
        return 0;
    }
    let edge_count = size.edge_count.saturating_mul(SMALL) / size.task_count;
    let edge_count = u64::try_from(edge_count).unwrap_or(u64::MAX);
    let small = u128::from(job_byte_len(SMALL as u64, edge_count, output_bytes));
    small.saturating_mul(size.task_count) / SMALL
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
            assert_eq!(
                MemoryNeed::new(output_bytes).byte_len(stencil),
                u128::from(expected)
            );
        }
        assert_eq!(MemoryNeed::new(1000).byte_len(size(0, 0)), 0);
    }

    #[test]
    fn the_count_that_fits_does_fit_and_a_tenth_more_does_not() {
        let error = check(size(1 << 31, 3 << 31), MemoryNeed::new(8), GIGABYTE).unwrap_err();
        let fit_count = error.fit_count();
        assert_eq!(
            check(size(fit_count, 3 * fit_count), MemoryNeed::new(8), GIGABYTE),
            Ok(())
        );
        let more = fit_count * 11 / 10;
        assert!(check(size(more, 3 * more), MemoryNeed::new(8), GIGABYTE).is_err());
    }

    #[test]
    fn what_the_kernel_holds_is_counted_with_the_job() {
        let graph = size(1_000_000, 0);
        let load = MemoryNeed {
            kernel_bytes: GIGABYTE / 2,
            kernel_task_bytes: 8,
            ..MemoryNeed::new(0)
        };
        let job_bytes = MemoryNeed::new(0).byte_len(graph) as u64;
        let needed = job_bytes + 8_000_000 + GIGABYTE / 2;
        assert_eq!(check(graph, load, needed), Ok(()));
        let error = check(graph, load, needed - 1).unwrap_err();
        assert_eq!(error.fit_count(), 999_999);
        let expected = "1000000 tasks with 0 dependences need 30.5 MiB of memory, and the kernel 484 MiB; \
                        this machine has 515 MiB, which is enough for 999999 tasks of this pattern";
        assert_eq!(error.to_string(), expected);
        // No task fits if there is no memory for the job.
        let error = check(graph, load, GIGABYTE / 4).unwrap_err();
        assert_eq!(error.fit_count(), 0);
    }

    #[test]
    fn ids_limit_where_memory_does_not() {
        let huge_memory = u64::MAX;
        let most = u128::from(u32::MAX);
        assert_eq!(
            check(size(most, 0), MemoryNeed::new(0), huge_memory),
            Ok(())
        );
        let error = check(size(most + 1, 0), MemoryNeed::new(0), huge_memory).unwrap_err();
        assert_eq!(error.fit_count(), most);
        // Edges need ids too.
        assert!(check(size(10, most + 1), MemoryNeed::new(0), huge_memory).is_err());
    }

    #[test]
    fn the_largest_parameters_do_not_overflow() {
        let extent = u128::from(u32::MAX);
        let error = check(
            size(extent * extent, 3 * extent * extent),
            MemoryNeed::new(0),
            GIGABYTE,
        )
        .unwrap_err();
        insta::assert_snapshot!(error);
    }
}
