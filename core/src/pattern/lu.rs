use super::{Pattern, Size, TILES, builder};
use crate::graph::{GraphError, TaskGraph, TaskId};
use crate::parameter::{Parameter, Parameters};

/// The tiled LU factorisation, without pivoting, of a matrix of `tiles` by `tiles` tiles, looking right.
///
/// In round `k` one task factors tile `(k, k)`; for each `i > k`, one solves tile `(i, k)` and one tile `(k, i)` with it;
/// and for all `i, j > k`, one updates tile `(i, j)` with tiles `(i, k)` and `(k, j)`. A task depends on those that last
/// wrote the tiles it reads, its own among them. Ids go in the order of this text.
pub const LU: Lu = Lu;

/// See [`LU`].
#[derive(Debug)]
pub struct Lu;

impl Pattern for Lu {
    fn name(&self) -> &'static str {
        "lu"
    }

    fn why(&self) -> &'static str {
        "tiled LU factorisation: like cholesky, with twice the updates and both sides to solve"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[TILES]
    }

    fn size(&self, parameters: &Parameters) -> Size {
        let n = u128::from(parameters.count("tiles"));
        Size {
            task_count: n * (n + 1) * (2 * n + 1) / 6,
            // A tile's own history, a factor for each solve, and two tiles for each update.
            edge_count: (n - 1) * n * (2 * n + 1) / 2,
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
                for tile in [i * n + k, k * n + i] {
                    last[tile] = Some(builder.push(last[tile].into_iter().chain([factor]))?);
                }
            }
            for i in k + 1..n {
                for j in k + 1..n {
                    let own = last[i * n + j].into_iter();
                    let (left, above) = (last[i * n + k], last[k * n + j]);
                    // In the order of their ids, which the builder takes without sorting.
                    let inputs = own.chain(left.min(above)).chain(left.max(above));
                    last[i * n + j] = Some(builder.push(inputs)?);
                }
            }
        }
        Ok(builder.finish())
    }
}
