//! Decides claims, from their records alone.

use serde::Serialize;

use super::RatioInterval;
use crate::record::{ClaimSide, Inequality, Quantity, Record, run_ns};
use crate::stats::{interval_rank, median, median_interval};

/// The probability that the interval of an inequality does not contain the true ratio is at most this.
const CLAIM_ALPHA: f64 = 0.01;

/// A claim, and whether it holds on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct JudgedClaim {
    /// The id of the claim.
    pub id: String,
    /// The claim, in the words of textbooks.
    pub statement: String,
    /// The verdict on all its inequalities, except those that are only reported.
    pub verdict: ClaimVerdict,
    /// One entry per inequality.
    pub figures: Vec<JudgedInequality>,
    /// By how much the times of the textbook were multiplied.
    #[serde(skip)]
    pub scale_ratio: f64,
}

/// Whether something holds here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClaimVerdict {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// The data do not decide.
    CannotTell,
}

impl ClaimVerdict {
    /// The verdict in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds here",
            Self::DoesNotHold => "does not hold here",
            Self::CannotTell => "cannot tell",
        }
    }

    /// The verdict on parts that must all hold.
    fn all(parts: impl Iterator<Item = Self> + Clone) -> Self {
        let has = |verdict| parts.clone().any(|part| part == verdict);
        match () {
            () if has(Self::DoesNotHold) => Self::DoesNotHold,
            () if has(Self::CannotTell) || !has(Self::Holds) => Self::CannotTell,
            () => Self::Holds,
        }
    }
}

/// An inequality of two medians, and whether it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct JudgedInequality {
    /// The inequality in words.
    pub inequality: String,
    /// Whether it holds.
    pub verdict: ClaimVerdict,
    /// Why the data do not decide; null if they do.
    pub reason: Option<String>,
    /// Whether it is only reported, and does not decide the claim.
    pub is_aside: bool,
    /// What is compared.
    pub quantity: Quantity,
    /// The inequality is that the ratio is above this.
    pub factor_ratio: f64,
    /// The median over all pairs of the quantity of `more` ÷ that of `less`; null without pairs.
    pub ratio: Option<f64>,
    /// The exact 99% interval of that median; null with fewer than 8 pairs.
    pub interval: Option<RatioInterval>,
    /// How many pairs there are.
    pub pair_count: usize,
    /// The side that is to be larger.
    pub more: SideFigures,
    /// The side that is to be smaller.
    pub less: SideFigures,
}

/// The medians of one side. All are null if it was not measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct SideFigures {
    /// The name of the side.
    pub side: String,
    /// The backend.
    pub backend: String,
    /// The number of workers.
    pub workers: u32,
    /// The wall time of one run.
    pub median_ns: Option<f64>,
    /// The time to start the workers, once per process.
    pub start_ns: Option<u64>,
    /// The shortest possible run time; null if the durations of the tasks are not known.
    pub ideal_ns: Option<u64>,
    /// How much longer than the shortest possible run time it took, start included.
    pub overhead_ns: Option<f64>,
    /// How many increments of a shared counter one run kept; null for all other kernels.
    pub kept_update_count: Option<f64>,
    /// When the median of the results arrived; null for kernels without results.
    pub arrival_ns: Option<f64>,
}

/// Decides all claims of these records, in the order of their numbers. Records of other commands are ignored.
pub(crate) fn judged_claims(records: &[Record]) -> Vec<JudgedClaim> {
    let sides = || records.iter().filter_map(ClaimRecord::of);
    let mut ids: Vec<&str> = Vec::new();
    for side in sides() {
        if !ids.contains(&side.claim.id.as_str()) {
            ids.push(&side.claim.id);
        }
    }
    // So that claim 10 follows claim 9.
    ids.sort_by_key(|id| (id.len(), *id));
    let of_claim = |id| sides().filter(|side| side.claim.id == id).collect();
    ids.into_iter().map(|id| judged(of_claim(id))).collect()
}

/// The claim with these sides, of which there is at least one.
fn judged(sides: Vec<ClaimRecord>) -> JudgedClaim {
    let figures = sides.iter().flat_map(|more| {
        let own = more.claim.inequalities.iter();
        own.map(|one| {
            judge_one(
                one,
                more,
                sides.iter().find(|side| side.claim.side == one.less),
            )
        })
    });
    let figures: Vec<JudgedInequality> = figures.collect();
    let deciding = figures.iter().filter(|one| !one.is_aside);
    let first = sides[0].claim;
    JudgedClaim {
        id: first.id.clone(),
        statement: first.statement.clone(),
        verdict: ClaimVerdict::all(deciding.map(|one| one.verdict)),
        scale_ratio: first.scale_ratio,
        figures,
    }
}

/// A record that is a side of a claim.
#[derive(Clone, Copy)]
struct ClaimRecord<'a> {
    record: &'a Record,
    claim: &'a ClaimSide,
}

impl<'a> ClaimRecord<'a> {
    fn of(record: &'a Record) -> Option<Self> {
        let claim = record.claim.as_ref()?;
        Some(Self { record, claim })
    }

    /// The quantity in each sample with valid times, with its round. Empty if it is not known.
    fn values(&self, quantity: Quantity) -> Vec<(u64, f64)> {
        let samples = self.record.samples.iter().zip(&self.claim.rounds);
        let sound = samples
            .enumerate()
            .filter(|(_, (sample, _))| !sample.is_degraded && sample.run_count > 0);
        let values = sound.filter_map(|(index, (sample, round))| {
            let wall_ns = run_ns(sample.wall_ns, sample.run_count);
            let value = match quantity {
                Quantity::WallTime => wall_ns,
                Quantity::Overhead => {
                    let (start, ideal) = (self.record.start_ns?, self.record.bound?.best_ns());
                    wall_ns + start as f64 - ideal as f64
                }
                Quantity::Arrival => *self.claim.arrivals_ns.get(index)? as f64,
                Quantity::KeptUpdates => {
                    run_ns(*self.claim.kept_update_counts.get(index)?, sample.run_count)
                }
            };
            Some((*round, value))
        });
        values.collect()
    }

    fn median(&self, quantity: Quantity) -> Option<f64> {
        let values = self.values(quantity).into_iter();
        median(&values.map(|(_, value)| value).collect::<Vec<_>>())
    }

    fn figures(&self) -> SideFigures {
        let Record { case, bound, .. } = self.record;
        SideFigures {
            side: self.claim.side.clone(),
            backend: case.backend.clone(),
            workers: case.workers,
            median_ns: self.median(Quantity::WallTime),
            start_ns: self.record.start_ns,
            ideal_ns: bound.map(|bound| bound.best_ns()),
            overhead_ns: self.median(Quantity::Overhead),
            kept_update_count: self.median(Quantity::KeptUpdates),
            arrival_ns: self.median(Quantity::Arrival),
        }
    }
}

fn judge_one(
    inequality: &Inequality,
    more: &ClaimRecord,
    less: Option<&ClaimRecord>,
) -> JudgedInequality {
    let ratios = less.map_or(Vec::new(), |less| ratios(inequality.quantity, more, less));
    let factor = inequality.factor_ratio;
    let interval = median_interval(&ratios, CLAIM_ALPHA);
    let (verdict, reason) = match interval {
        Some(interval) if interval.low > factor => (ClaimVerdict::Holds, None),
        Some(interval) if interval.high <= factor => (ClaimVerdict::DoesNotHold, None),
        Some(_) => (
            ClaimVerdict::CannotTell,
            Some("the interval contains the limit".into()),
        ),
        None => (
            ClaimVerdict::CannotTell,
            Some(why_too_few(inequality, more, less, ratios.len())),
        ),
    };
    let unmeasured = || SideFigures {
        side: inequality.less.clone(),
        ..SideFigures::default()
    };
    JudgedInequality {
        inequality: inequality.statement.clone(),
        verdict,
        reason,
        is_aside: inequality.is_aside,
        quantity: inequality.quantity,
        factor_ratio: factor,
        ratio: median(&ratios),
        interval: interval.map(|interval| RatioInterval {
            low: interval.low,
            high: interval.high,
        }),
        pair_count: ratios.len(),
        more: more.figures(),
        less: less.map_or_else(unmeasured, ClaimRecord::figures),
    }
}

/// The quantity of `more` ÷ that of `less`, per pair. A pair without a value above 0 on both sides is left out.
fn ratios(quantity: Quantity, more: &ClaimRecord, less: &ClaimRecord) -> Vec<f64> {
    let others = less.values(quantity);
    let pairs = more
        .values(quantity)
        .into_iter()
        .filter_map(|(round, value)| {
            let (_, other) = others.iter().find(|(other, _)| *other == round)?;
            (value > 0.0 && *other > 0.0).then(|| value / other)
        });
    pairs.collect()
}

/// Why there is no interval.
fn why_too_few(
    inequality: &Inequality,
    more: &ClaimRecord,
    less: Option<&ClaimRecord>,
    count: usize,
) -> String {
    let Some(less) = less else {
        return format!(
            "there is no record of the side \u{201c}{}\u{201d}",
            inequality.less
        );
    };
    let mut errors = [more, less]
        .into_iter()
        .filter_map(|side| side.record.error.as_ref());
    match errors.next() {
        Some(error) => error.message.clone(),
        None => format!(
            "{count} pairs: at least {} are needed",
            (1..)
                .find(|count| interval_rank(*count, CLAIM_ALPHA).is_some())
                .unwrap_or(0)
        ),
    }
}

#[cfg(test)]
mod tests;
