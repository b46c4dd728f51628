//! What textbooks on concurrency claim, as data, and how it is measured. [`crate::compare::judged_claims`] decides the
//! claims from the records.

use crate::parameter::Value;
use crate::record::Quantity;

mod case;
mod list;
mod measure;

pub(crate) use case::case_ids;
pub(crate) use list::CLAIMS;
pub(crate) use measure::{ClaimPlan, measure};

/// A statement that textbooks make.
pub(crate) struct Claim {
    /// The id: a number.
    pub id: &'static str,
    /// The statement.
    pub statement: &'static str,
    /// What is measured. A name is unique within the claim.
    pub sides: &'static [Contender],
    /// Whether its rounds take seconds. These claims are measured last, so that the others have a verdict even if the
    /// time runs out.
    pub takes_long: bool,
    /// What the statement means: each must hold.
    pub parts: &'static [ClaimPart],
}

/// A case that is a side of a claim.
pub(crate) struct Contender {
    /// Its name.
    pub name: &'static str,
    /// The backend.
    pub backend: &'static str,
    /// The options of the backend that differ from the default.
    pub options: &'static [(&'static str, &'static str)],
    /// The number of workers.
    pub workers: Count,
    /// The number of independent tasks.
    pub tasks: Count,
    /// What each task does.
    pub kernel: &'static str,
    /// The parameters of the kernel.
    pub parameters: &'static [(&'static str, ClaimValue)],
    /// How many tasks must run one after the other in any schedule. It is stated for tasks that sleep, because
    /// work ÷ workers is a smaller bound if the last round is not full.
    pub rounds: Option<u32>,
    /// Whether it is left out if this machine does not have the backend.
    pub is_optional: bool,
}

/// A number of workers or tasks.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    /// This number.
    Of(u32),
    /// This many for each usable core.
    PerCore(u32),
}

impl Count {
    /// The number on a machine with this many usable cores.
    fn on(self, core_count: u32) -> u32 {
        match self {
            Self::Of(count) => count,
            Self::PerCore(count) => count * core_count,
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Copy)]
pub(crate) enum ClaimValue {
    /// The same for every run.
    Fixed(u64),
    /// A word.
    Word(&'static str),
    /// A number that the textbook's seconds determine: the default run takes a fraction of it.
    Scaled(f64),
}

impl ClaimValue {
    /// The value in a run at this scale.
    fn at(self, scale: f64) -> Value {
        match self {
            Self::Fixed(count) => Value::Count(count),
            Self::Word(word) => Value::Text(word.into()),
            Self::Scaled(full) if (full * scale).fract() == 0.0 => {
                Value::Count((full * scale) as u64)
            }
            Self::Scaled(full) => Value::Number(full * scale),
        }
    }
}

/// A part of a claim: the median of one side is more than `factor` × the median of another.
pub(crate) struct ClaimPart {
    /// The inequality in words.
    pub statement: &'static str,
    /// What is compared.
    pub quantity: Quantity,
    /// The name of the side that is to be larger.
    pub more: &'static str,
    /// The name of the side that is to be smaller.
    pub less: &'static str,
    /// The factor.
    pub factor: f64,
    /// Whether it is only reported, and does not decide the claim.
    pub is_aside: bool,
}
