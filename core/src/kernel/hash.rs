use std::io;

use sha2::{Digest, Sha256};

use super::sequence::in_sequence;
use super::{Kernel, KernelKind, Setting};
use crate::graph::TaskId;
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};

/// A task that keeps a core busy: SHA-256 over a fixed block, a number of times.
pub const HASH: HashKind = HashKind;

/// See [`HASH`].
#[derive(Debug)]
pub struct HashKind;

impl KernelKind for HashKind {
    fn name(&self) -> &'static str {
        "hash"
    }

    fn why(&self) -> &'static str {
        "computes: SHA-256 over a fixed block, each round chained to the one before"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "block_bytes",
                why: "size of the block that is hashed",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 30,
                },
                default: Some(DefaultValue::Count(4096)),
            },
            Parameter {
                name: "times",
                why: "how many times a task hashes it",
                kind: ParameterKind::Count {
                    min: 1,
                    max: 1 << 40,
                },
                default: Some(DefaultValue::Count(1)),
            },
        ]
    }

    fn size_parameter(&self) -> Option<&'static str> {
        Some("times")
    }

    fn byte_len(&self, parameters: &Parameters) -> u64 {
        parameters.count("block_bytes")
    }

    fn build(&self, parameters: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Hash {
            block: block(parameters.count("block_bytes") as usize),
            times: parameters.count("times"),
        }))
    }
}

/// A block with some pattern in it. Its content does not change what hashing costs.
fn block(len: usize) -> Box<[u8]> {
    (0..len).map(|index| (index * 31) as u8).collect()
}

struct Hash {
    block: Box<[u8]>,
    times: u64,
}

impl Kernel for Hash {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        in_sequence(seed, |seed| rounds(&self.block, seed, self.times))
    }
}

/// Hashes `block` so many times, each round chained to the one before and the first to `seed`.
pub(super) fn rounds(block: &[u8], seed: u64, times: u64) -> u64 {
    let mut link = seed;
    for _ in 0..times {
        // The link goes in first, so no round can start before the one before it has ended.
        let digest = Sha256::new()
            .chain_update(link.to_le_bytes())
            .chain_update(block)
            .finalize();
        link = first_word(&digest);
    }
    link
}

fn first_word(digest: &[u8]) -> u64 {
    let bytes = digest.first_chunk().expect("a SHA-256 digest has 32 bytes");
    u64::from_le_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_depends_on_the_seed_and_on_the_round_before() {
        let once = Hash {
            block: block(64),
            times: 1,
        };
        let twice = Hash {
            block: block(64),
            times: 2,
        };
        let task = TaskId(0);
        assert_ne!(once.run(task, 1), once.run(task, 2));
        assert_eq!(once.run(task, once.run(task, 1)), twice.run(task, 1));
    }
}
