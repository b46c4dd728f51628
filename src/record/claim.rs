//! One side of a claim, as records hold it.

use serde::{Deserialize, Serialize};

/// Which side of a claim a record is, and which pair each of its samples belongs to.
///
/// All sides of a claim are measured in rounds. A round takes one sample of each side, in random order. The samples of
/// two sides from the same round are a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimSide {
    /// The id of the claim.
    pub id: String,
    /// The claim, in the words of textbooks.
    pub statement: String,
    /// The name of this side, unique within the claim.
    pub side: String,
    /// By how much the times of the textbook were multiplied.
    pub scale_ratio: f64,
    /// The inequalities in which this side is the larger one.
    pub inequalities: Vec<Inequality>,
    /// The round of each sample, from 0.
    pub rounds: Vec<u64>,
    /// How many increments of a shared counter were not lost in each sample; empty for all other kernels.
    #[serde(default)]
    pub kept_update_counts: Vec<u64>,
    /// The median time at which a result arrived in each sample; empty unless an inequality of the claim needs it.
    #[serde(default)]
    pub arrivals_ns: Vec<u64>,
}

/// A part of a claim: the median of this side is more than `factor_ratio` × the median of another side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Inequality {
    /// The inequality in words.
    pub statement: String,
    /// What is compared.
    pub quantity: Quantity,
    /// The name of the other side.
    pub less: String,
    /// The factor, above 0.
    pub factor_ratio: f64,
    /// Whether it is only reported, and does not decide the claim.
    pub is_aside: bool,
}

/// What an inequality compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// The wall time of one run.
    WallTime,
    /// The time to start the workers, plus the wall time of one run, minus the shortest possible run time.
    Overhead,
    /// The increments of a shared counter that one run did not lose.
    KeptUpdates,
    /// The time from the start of a run until the median of its results arrived.
    Arrival,
}
