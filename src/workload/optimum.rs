//! The shortest possible run time, if it is certified.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::top_key::CERTIFIED_OPTIMUM;
use crate::toml_file::{Mistake, describe, to_number};

/// The duration of the shortest possible schedule, as stated in a workload file. The program does not check the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertifiedOptimum {
    /// The same for every number of workers.
    Any(Duration),
    /// One per number of workers. It is not known for other numbers.
    ByWorkers(BTreeMap<u32, Duration>),
}

impl CertifiedOptimum {
    /// The optimum with this number of workers; `None` if it is not known.
    pub fn of(&self, workers: u32) -> Option<Duration> {
        match self {
            Self::Any(optimum) => Some(*optimum),
            Self::ByWorkers(optima) => optima.get(&workers).copied(),
        }
    }

    /// Parses the value in a workload file.
    pub(super) fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Mistake> {
        let DeValue::Table(table) = value.get_ref() else {
            return milliseconds(value).map(Self::Any);
        };
        let by_workers = table.iter().map(|(key, value)| {
            let workers = key.get_ref().parse().ok().filter(|count| *count > 0);
            let workers: u32 = workers.ok_or_else(|| {
                mistake(&format!("hold a value for {:?} workers", key.get_ref()))
                    .at(key.span(), "expected a number of workers, at least 1")
            })?;
            Ok((workers, milliseconds(value)?))
        });
        by_workers.collect::<Result<_, _>>().map(Self::ByWorkers)
    }
}

fn milliseconds(value: &Spanned<DeValue<'_>>) -> Result<Duration, Mistake> {
    // One year, the limit of all times in milliseconds.
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
            "write it like `{}`, with one value per number of workers, or leave it out",
            CERTIFIED_OPTIMUM.example
        ),
    )
}
