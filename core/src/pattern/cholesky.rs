use super::{Pattern, Size, TILES, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};

/// The tiled Cholesky factorisation of a matrix of `tiles` by `tiles` tiles, looking right.
///
/// In round `k` one task factors tile `(k, k)`; for each `i > k`, one solves tile `(i, k)` with it; and for each
/// `i >= j > k`, one updates tile `(i, j)` with tiles `(i, k)` and `(j, k)`. A task depends on those that last wrote the
/// tiles it reads, its own among them. Ids go in the order of this text (Buttari, Langou, Kurzak, Dongarra, "A class
/// of parallel tiled linear algebra algorithms for multicore architectures", 2009).
pub const CHOLESKY: Cholesky = Cholesky;

/// See [`CHOLESKY`].
#[derive(Debug)]
pub struct Cholesky;

impl Pattern for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn why(&self) -> &'static str {
        "tiled Cholesky factorisation: a critical path of small tasks beside a mass of updates"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[TILES]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let n = u128::from(parameters.count("tiles"));
        Size {
            task_count: n * (n + 1) * (n + 2) / 6,
            // A tile's own history, a factor for each solve, one tile for an update on the diagonal and two
            // for every other.
            edge_count: (n - 1) * n * (n + 1) / 2,
        }
    }

    fn build(&self, parameters: &Parameters) -> Result<TaskGraph, GraphError> {
        let n = parameters.count("tiles") as usize;
        let mut builder = builder(self.size(parameters));
        // The task that last wrote each tile.
        let mut last: Vec<Option<TaskId>> = vec![None; n * n];
        for k in 0..n {
            let factor = builder.push(last[k * n + k])?;
            for i in k + 1..n {
                let own = last[i * n + k];
                last[i * n + k] = Some(builder.push(own.into_iter().chain([factor]))?);
            }
            for i in k + 1..n {
                for j in k + 1..=i {
                    let own = last[i * n + j];
                    let other = last[i * n + k].filter(|_| i != j);
                    let inputs = own.into_iter().chain(last[j * n + k]).chain(other);
                    last[i * n + j] = Some(builder.push(inputs)?);
                }
            }
        }
        Ok(builder.finish())
    }
}
