//! How long a run takes at best, where somebody has proved it.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::mistake::Mistake;
use super::top_key::CERTIFIED_OPTIMUM;
use super::value::{describe, to_number};

/// The shortest schedule that there is: a proof, or the certificate of a solver, is somebody else's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertifiedOptimum {
    /// The same for every number of workers.
    Any(Duration),
    /// By the number of workers. For others it is not known.
    ByWorkers(BTreeMap<u32, Duration>),
}

impl CertifiedOptimum {
    /// That of so many workers, if it is known.
    pub fn of(&self, workers: u32) -> Option<Duration> {
        match self {
            Self::Any(optimum) => Some(*optimum),
            Self::ByWorkers(optima) => optima.get(&workers).copied(),
        }
    }

    /// Reads it from a workload file.
    pub(super) fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Mistake> {
        let DeValue::Table(table) = value.get_ref() else {
            return milliseconds(value).map(Self::Any);
        };
        let by_workers = table.iter().map(|(key, value)| {
            let workers = key.get_ref().parse().ok().filter(|count| *count > 0);
            let workers: u32 = workers.ok_or_else(|| {
                mistake(&format!("hold a value for {:?} workers", key.get_ref()))
                    .at(key.span(), "expected a number of workers, from 1 up")
            })?;
            Ok((workers, milliseconds(value)?))
        });
        by_workers.collect::<Result<_, _>>().map(Self::ByWorkers)
    }
}

fn milliseconds(value: &Spanned<DeValue<'_>>) -> Result<Duration, Mistake> {
    // A year, as for every time in milliseconds.
    const MOST: f64 = 365.0 * 24.0 * 3600.0 * 1000.0;
    let number = to_number(value.get_ref()).filter(|number| *number > 0.0 && *number <= MOST);
    match number {
        Some(number) => Ok(Duration::from_secs_f64(number / 1000.0)),
        None => Err(mistake(&format!("be {}", describe(value.get_ref()))).at(
            value.span(),
            "expected milliseconds, more than 0 and at most a year",
        )),
    }
}

fn mistake(cannot: &str) -> Mistake {
    Mistake::new(
        format!("`{}` cannot {cannot}", CERTIFIED_OPTIMUM.name),
        format!(
            "write it like `{}`, by the number of workers, or leave it out",
            CERTIFIED_OPTIMUM.example
        ),
    )
}
