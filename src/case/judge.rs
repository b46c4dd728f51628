//! Judges what a child says of its samples.

use std::rc::Rc;

use super::failed::failed;
use super::protocol::Hex;
use super::work::Work;
use crate::measure::{MOST_NS, expect};
use crate::record::{CaseError, ErrorKind, Sample};

/// Compares what a child computed with what it must compute.
#[derive(Default)]
pub(super) struct Judge {
    /// `None` in version 1.
    pub(super) work: Option<Rc<Work>>,
    /// The number of nonces used so far. They alternate.
    nonce_count: usize,
    /// A shorter run is a failure.
    pub(super) least_wall_ns: u64,
}

impl Judge {
    /// A judge of the samples of `work`.
    pub(super) fn of(work: Rc<Work>, least_wall_ns: u64) -> Self {
        Self {
            work: Some(work),
            nonce_count: 0,
            least_wall_ns,
        }
    }

    /// The nonce of the next runs, and the digest that they must have; nonce 0 and `None` in version 1.
    pub(super) fn next_nonce(&mut self) -> (Hex, Option<Hex>) {
        let Some(work) = &self.work else {
            return (Hex(0), None);
        };
        let index = self.nonce_count % work.nonces.len();
        self.nonce_count += 1;
        (work.nonces[index], Some(work.expected.digests[index]))
    }

    /// Checks the digest of a sample, and returns it; 0 in version 1, whose child compares it.
    pub(super) fn check_digest(
        &self,
        expected: Option<Hex>,
        found: Option<Hex>,
    ) -> Result<Hex, CaseError> {
        let Some(expected) = expected else {
            return Ok(found.unwrap_or_default());
        };
        let Some(found) = found else {
            let message = "a sample has no `digest`, so it cannot be verified";
            return Err(CaseError::new(ErrorKind::Protocol, message));
        };
        expect(expected.0, found.0).map_err(failed)?;
        Ok(found)
    }
}

/// Checks the numbers of a sample that was to have this many runs; 0 if that is not known.
pub(super) fn check_sample(sample: &Sample, run_count: u64) -> Result<(), CaseError> {
    let message = match sample {
        // Such a time has no ratio and no logarithm.
        Sample { wall_ns: 0, .. } => "a sample took no time".into(),
        Sample { wall_ns, .. } if *wall_ns > MOST_NS => {
            format!("a sample took {wall_ns} ns: at most {MOST_NS} are possible")
        }
        Sample {
            run_count: found, ..
        } if *found == 0 || (run_count > 0 && *found != run_count) => {
            format!("a sample has {found} runs, but {run_count} were requested")
        }
        _ => return Ok(()),
    };
    Err(CaseError::new(ErrorKind::Protocol, message))
}
