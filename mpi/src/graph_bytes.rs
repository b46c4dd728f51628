//! The graph of a case, from the bytes that FORMAT.md defines. The first rank reads the file, and all ranks read the bytes.

use taskdyno_core::graph::{Rows, TaskGraph, TaskId};

use crate::trouble::Trouble;

const HEADER_BYTES: usize = 32;

/// What the bytes held.
pub struct HandedOver {
    /// The graph, with durations if they are stated.
    pub graph: TaskGraph,
    /// The bytes that each task hands on.
    pub output_bytes: u32,
}

/// The next numbers.
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Trouble> {
        let (bytes, rest) = self
            .0
            .split_at_checked(len)
            .ok_or_else(|| Trouble::set_up("the graph file is shorter than its header says"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn u32s(&mut self, count: usize) -> Result<Box<[u32]>, Trouble> {
        let (words, _) = self.bytes(4 * count)?.as_chunks();
        Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    fn rows(&mut self, tasks: usize, edges: usize) -> Result<Rows, Trouble> {
        let offsets = self.u32s(tasks + 1)?;
        let ids = self.u32s(edges)?.iter().map(|id| TaskId(*id)).collect();
        Rows::new(offsets, ids).map_err(|error| Trouble::set_up(error.to_string()))
    }
}

/// Reads the graph file in `bytes`.
///
/// # Errors
///
/// If it is not a graph file of version 1.
pub fn read(bytes: &[u8]) -> Result<HandedOver, Trouble> {
    let mut numbers = Numbers(bytes);
    if bytes.len() < HEADER_BYTES || numbers.bytes(8)? != b"taskdyno" {
        return Err(Trouble::set_up("the graph file is not one of taskdyno"));
    }
    let header = numbers.u32s(6)?;
    let [version, flags, task_count, edge_count, output_bytes, zero] = header[..] else {
        return Err(Trouble::set_up("the header of the graph file is too short"));
    };
    if (version, flags & !1, zero) != (1, 0, 0) {
        return Err(Trouble::set_up(format!(
            "the graph file has version {version} and flags {flags:#x}; this program reads version 1"
        )));
    }
    let (tasks, edges) = (task_count as usize, edge_count as usize);
    let predecessors = numbers.rows(tasks, edges)?;
    let successors = numbers.rows(tasks, edges)?;
    let mut graph = TaskGraph::from_rows(predecessors, successors)
        .map_err(|error| Trouble::set_up(error.to_string()))?;
    if flags & 1 != 0 {
        let (words, _) = numbers.bytes(8 * tasks)?.as_chunks();
        graph = graph.with_durations(words.iter().map(|word| u64::from_le_bytes(*word)).collect());
    }
    match numbers.0.len() {
        0 => Ok(HandedOver {
            graph,
            output_bytes,
        }),
        left => Err(Trouble::set_up(format!(
            "the graph file has {left} bytes too many"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The graph of five tasks that FORMAT.md shows.
    fn example() -> Vec<u8> {
        let mut bytes = b"taskdyno".to_vec();
        let words: [&[u32]; 5] = [
            &[1, 1, 5, 6, 64, 0],
            &[0, 0, 1, 2, 4, 6],
            &[0, 0, 2, 1, 3, 0],
            &[0, 3, 4, 5, 6, 6],
            &[1, 2, 4, 3, 3, 4],
        ];
        bytes.extend(words.concat().iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend((1..=5u64).flat_map(|us| (1000 * us).to_le_bytes()));
        bytes
    }

    #[test]
    fn the_example_of_the_format_is_read() {
        let HandedOver {
            graph,
            output_bytes,
        } = read(&example()).ok().unwrap();
        assert_eq!((graph.task_count(), graph.edge_count()), (5, 6));
        assert_eq!(output_bytes, 64);
        assert_eq!(graph.predecessors(TaskId(3)), [TaskId(2), TaskId(1)]);
        assert_eq!(graph.durations_ns().unwrap()[4], 5000);
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_refused() {
        let whole = example();
        for len in 0..whole.len() {
            assert!(read(&whole[..len]).is_err(), "{len}");
        }
        assert!(read(&[whole, vec![0]].concat()).is_err());
    }
}
