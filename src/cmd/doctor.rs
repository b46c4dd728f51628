//! `doctor`: is this machine fit for measuring?

use super::{OK, Outcome, say};
use crate::measure::doctor;

pub(super) fn main() -> Outcome {
    say(&doctor::render(&doctor::examine()))?;
    Ok(OK)
}
