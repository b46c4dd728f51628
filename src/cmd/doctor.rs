//! `doctor`: is this machine fit for measuring?

use std::io::Write;

use super::{OK, Outcome};
use crate::measure::doctor;

pub(super) fn main() -> Outcome {
    let text = doctor::render(&doctor::examine());
    anstream::stdout().write_all(text.as_bytes())?;
    Ok(OK)
}
