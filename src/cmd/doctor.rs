//! `doctor`: checks whether this machine is fit for measuring.

use super::{CommandResult, OK, say};
use crate::machine::doctor;

pub(super) fn main() -> CommandResult {
    say(&doctor::render(&doctor::examine()))?;
    Ok(OK)
}
