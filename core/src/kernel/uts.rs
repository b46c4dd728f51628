use std::io;

use super::support::recursive::{RecursiveKind, count, nothing};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::recursion::{RecursiveProgram, TreeShape, Uts};

/// An unbalanced tree, whose nodes are hashes that say how many children they have.
pub const UTS: RecursiveKind = RecursiveKind {
    name: "uts",
    why: "recursion: an unbalanced tree of SHA-1 hashes; nobody knows the size of a subtree beforehand",
    parameters: &[
        Parameter {
            name: "shape",
            why: "the distribution of the numbers of children",
            kind: ParameterKind::Choice(&[GEOMETRIC, BINOMIAL]),
            default: Some(DefaultValue::Text(GEOMETRIC)),
        },
        count("seed", "the seed of the root", (0, u32::MAX as u64), 19),
        count(
            "branching",
            "geometric: the mean number of children; binomial: the number of those that have any",
            (1, 100),
            4,
        ),
        count(
            "depth",
            "geometric: the level whose nodes have no children",
            (1, 1_000_000),
            5,
        ),
        count(
            "root_branching",
            "binomial: the number of children of the root",
            (1, 1_000_000),
            2000,
        ),
        count(
            "millionths",
            "binomial: how many of a million other nodes have children",
            (0, 999_999),
            124_875,
        ),
    ],
    cut_off: None,
    byte_len: nothing,
    program,
};

const GEOMETRIC: &str = "geometric";
const BINOMIAL: &str = "binomial";

fn program(given: &Parameters) -> io::Result<RecursiveProgram> {
    let branching = given.count("branching") as u32;
    let shape = match given.text("shape") {
        GEOMETRIC => TreeShape::Geometric {
            branching: f64::from(branching),
            depth: given.count("depth"),
        },
        _ => TreeShape::Binomial {
            root_branching: given.count("root_branching") as u32,
            branching,
            ratio: given.count("millionths") as f64 / 1e6,
        },
    };
    if let TreeShape::Binomial {
        branching, ratio, ..
    } = shape
        && f64::from(branching) * ratio >= 1.0
    {
        return Err(io::Error::other(format!(
            "the binomial tree may never end: `branching` times `millionths` is {}, and it must be below a million",
            f64::from(branching) * ratio * 1e6
        )));
    }
    Ok(RecursiveProgram::Uts(Uts {
        shape,
        seed: given.count("seed") as u32,
    }))
}
