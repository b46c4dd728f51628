//! A check of the time between slices: a child waits there without output, and leaves the cores to others.

use std::time::Duration;

use super::manners::after_a_slice;
use crate::conform::bench::Bench;
use crate::conform::claims::ClaimedBackend;
use crate::conform::fault::Setback;
use crate::conform::passed::Passed;

/// How long a child is watched before its CPU time is judged, and judged again if it was too short to tell.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is judged at most. The CPU time of processes that have ended is known to 20 ms for each process that
/// waited for some. After six seconds, this is a third of what a child may use.
const MOST_LOOKS: u32 = 6;
/// The part of one core that a child may use.
const MOST_RATIO: f64 = 0.01;

pub(super) fn silence(bench: &Bench<'_>) -> Result<Passed, Setback> {
    bench.each(|backend| is_silent(bench, backend))
}

fn is_silent(bench: &Bench<'_>, backend: &ClaimedBackend) -> Result<Passed, Setback> {
    let mut session = after_a_slice(bench, backend)?;
    let exchange = &mut session.exchange;
    let before = exchange.usage();
    let mut ratios = (0.0, 0.0);
    for _ in 0..MOST_LOOKS {
        if exchange.line_within(LOOK)?.is_some() {
            return Err(exchange.fault(
                "it wrote a line that nobody asked for",
                "write to standard output only in reply to a request",
            ));
        }
        ratios = exchange.usage().since(&before).core_ratios();
        match is_idle(ratios) {
            None => continue,
            Some(true) => {
                session.close()?;
                return Ok(Passed::Yes);
            }
            Some(false) => {
                return Err(exchange.fault(
                    format!("it used {} of one core between two slices", per_cent(ratios)),
                    "let the process and its workers block between slices, in a read or on a lock, without polling, and \
                     start no processes meanwhile",
                ));
            }
        }
    }
    session.close()?;
    Ok(Passed::CannotTell(format!(
        "processes came and went while it waited, and the kernel knows their CPU time only roughly: {} of one core",
        per_cent(ratios)
    )))
}

/// Whether a child uses little enough, if it uses between the first and the second of these parts of a core; `None` if
/// this cannot be told.
fn is_idle((least, most): (f64, f64)) -> Option<bool> {
    match () {
        () if least > MOST_RATIO => Some(false),
        () if most <= MOST_RATIO => Some(true),
        () => None,
    }
}

fn per_cent((least, most): (f64, f64)) -> String {
    let (least, most) = (100.0 * least, 100.0 * most);
    match most - least < 0.05 {
        true => format!("{least:.1}%"),
        false => format!("{least:.1}% to {most:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_on_either_side_of_the_limit_cannot_be_told() {
        assert_eq!(is_idle((0.0, 0.01)), Some(true));
        assert_eq!(is_idle((0.0, 0.02)), None);
        assert_eq!(is_idle((0.009, 0.011)), None);
        assert_eq!(is_idle((0.011, 0.011)), Some(false));
    }

    #[test]
    fn a_figure_that_is_known_roughly_shows_its_ends() {
        assert_eq!(per_cent((0.5, 0.5)), "50.0%");
        assert_eq!(per_cent((0.01, 0.05)), "1.0% to 5.0%");
    }
}
