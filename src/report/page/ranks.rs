//! How small tasks can be on many ranks: the METG of every sweep over numbers of ranks, and a model of messages. It takes what
//! the first two ranks measured of messages. If they measured nothing, it is fitted to the METG on one rank and two.

use std::collections::BTreeMap;

use serde::Serialize;

use super::round::figure;
use crate::record::slug;
use crate::report::model::{Curve, Sweep};
use crate::report::rank_facts::{RankFacts, VALUE_BYTES};
use crate::stats::Interval;
use crate::stats::loggp::{MessageCost, MessageTime, Messages, StepCost, error};
use crate::stats::metg::Crossing;
use crate::units;

/// Up to so many ranks the model is drawn, for each power of two.
const MOST_RANKS_LOG2: u32 = 10;

/// The METG over numbers of ranks, of one workload on one backend.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageRanks {
    /// A name for anchors, unique on the page.
    pub slug: String,
    /// The workload, its other swept parameters, and the backend with its options.
    pub title: String,
    /// The position of the backend in [`Page::backends`](super::model::Page::backends).
    pub backend: usize,
    /// The efficiency that defines the METG.
    pub target_ratio: f64,
    /// One point per number of ranks, sorted.
    pub points: Vec<PageRankPoint>,
    /// The model; null unless METG was measured on one rank, messages follow a known pattern, and either two ranks measured
    /// what they cost or METG was measured on two.
    pub model: Option<PageRankModel>,
}

/// A measured METG.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageRankPoint {
    /// The number of ranks.
    pub ranks: u32,
    /// The METG.
    pub metg_ns: f64,
    /// Its 95% interval.
    pub low_ns: Option<f64>,
    /// See `low_ns`.
    pub high_ns: Option<f64>,
    /// Whether the model was fitted to it.
    pub is_fitted: bool,
    /// What the model says for this number, if it was not fitted to it. The second is null if it may be that tasks of no size
    /// reach the target.
    pub predicted_ns: Option<(f64, Option<f64>)>,
    /// How far the METG is beyond the nearer end of what the model says, as a share of it; 0 within.
    pub error_ratio: Option<f64>,
    /// Whether there were more ranks than cores, so that ranks took turns.
    pub is_crowded: bool,
    /// Whether there were more ranks than columns, so that some had no work.
    pub is_wide: bool,
}

/// A model of messages.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageRankModel {
    /// What each task costs beyond its work.
    pub per_task_ns: f64,
    /// What one message each way costs a step.
    pub per_message_ns: f64,
    /// What the first two ranks measured; null if they did not.
    pub measured: Option<PageMessageCost>,
    /// The time of a message of one byte; null unless METG was measured with messages of several sizes.
    pub one_byte_ns: Option<f64>,
    /// The time of each further byte; null as `one_byte_ns`.
    pub per_byte_ns: Option<f64>,
    /// The number of ranks, and the METG: twice the same if the parts of a message were measured, and otherwise if messages of a
    /// rank overlap, and if they do not.
    pub range: Vec<(u32, f64, f64)>,
    /// What it says, in one sentence.
    pub text: String,
}

/// What a message costs, after LogGP.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageMessageCost {
    /// The time on the network: `L`.
    pub latency_ns: f64,
    /// How long the sender is busy: `o`.
    pub send_ns: f64,
    /// How long the receiver is busy: `o`.
    pub receive_ns: f64,
    /// The time between two messages: `g`.
    pub gap_ns: f64,
    /// The time of each further byte: `G`.
    pub byte_ns: f64,
    /// A turn of a rank on a core that it shares; null if the two ranks were on two hosts.
    pub turn_ns: Option<f64>,
    /// A message each way between ranks that sleep while they wait; null if it was not measured.
    pub wake_ns: Option<f64>,
}

/// A METG that was measured on so many ranks.
#[derive(Clone, Copy)]
struct RankMetg {
    ranks: u32,
    metg_ns: f64,
    interval: Option<Interval>,
    facts: RankFacts,
}

/// The sweeps of one workload on one backend, which differ in the number of ranks.
struct OverRanks<'a> {
    sweep: &'a Sweep,
    curve: &'a Curve,
    metgs: Vec<RankMetg>,
}

/// One entry per workload and backend whose METG is known on two numbers of ranks or more.
pub(super) fn over_ranks(sweeps: &[Sweep], backend: impl Fn(&str) -> usize) -> Vec<PageRanks> {
    let mut by_name: BTreeMap<(&str, &str, &str), OverRanks> = BTreeMap::new();
    for sweep in sweeps {
        for curve in &sweep.curves {
            let key = (&*sweep.workload, &*sweep.variant, &*curve.label);
            let Some(metg) = metg(sweep, curve) else {
                continue;
            };
            let new = || OverRanks {
                sweep,
                curve,
                metgs: Vec::new(),
            };
            by_name.entry(key).or_insert_with(new).metgs.push(metg);
        }
    }
    let mut all: Vec<OverRanks> = by_name.into_values().collect();
    all.retain(|one| one.metgs.len() > 1);
    let costs: Vec<Option<StepCost>> = all.iter().map(OverRanks::cost).collect();
    let pages = all.iter().zip(&costs).map(|(one, cost)| {
        let fitted = cost.filter(|cost| matches!(cost.messages, Messages::Fitted(_)));
        let time = fitted.and_then(|_| message_time(one, &all, &costs));
        one.page(*cost, time, backend(&one.curve.backend))
    });
    pages.collect()
}

fn metg(sweep: &Sweep, curve: &Curve) -> Option<RankMetg> {
    let metg = curve.metg?;
    let Crossing::At(metg_ns) = metg.crossing else {
        return None;
    };
    Some(RankMetg {
        ranks: sweep.workers,
        metg_ns,
        interval: metg.interval,
        facts: curve.ranks?,
    })
}

/// How the time of a message grows with its bytes, from the same workload with messages of other sizes.
fn message_time(
    one: &OverRanks,
    all: &[OverRanks],
    costs: &[Option<StepCost>],
) -> Option<MessageTime> {
    let same = all.iter().zip(costs).filter(|(other, _)| {
        let key = |of: &OverRanks| {
            let facts = of.metgs[0].facts;
            (
                of.sweep.workload.clone(),
                of.curve.label.clone(),
                facts.exchange,
                facts.columns,
            )
        };
        key(other) == key(one)
    });
    let points = same.filter_map(|(other, cost)| {
        let bytes = other.metgs[0].facts.message_bytes;
        Some((bytes as f64, (*cost)?.per_message_ns()))
    });
    let points: Vec<(f64, f64)> = points.collect();
    MessageTime::fit(&points)
}

impl OverRanks<'_> {
    /// The METG on so many ranks.
    fn on(&self, ranks: u32) -> Option<&RankMetg> {
        self.metgs.iter().find(|one| one.ranks == ranks)
    }

    /// The model: of what two ranks measured, or else of the METG on one rank and two.
    fn cost(&self) -> Option<StepCost> {
        let facts = self.metgs[0].facts;
        let (exchange, columns) = (facts.exchange?, facts.columns as f64);
        let target = self.sweep.target;
        let (one, two) = (self.on(1)?.metg_ns, self.on(2));
        match self.metgs.iter().find_map(pair_cost) {
            Some(cost) => {
                let further = facts.message_bytes.saturating_sub(VALUE_BYTES) as f64;
                StepCost::of_measured(one, (cost, further), exchange, columns, target)
            }
            None => StepCost::fit([one, two?.metg_ns], exchange, columns, target),
        }
    }

    fn page(&self, cost: Option<StepCost>, time: Option<MessageTime>, backend: usize) -> PageRanks {
        let variant = match self.sweep.variant.as_str() {
            "" => String::new(),
            variant => format!(" · {}", variant.replace(',', ", ")),
        };
        let label = &self.curve.label;
        let workload = &self.sweep.workload;
        let mut points: Vec<PageRankPoint> =
            self.metgs.iter().map(|one| point(one, cost)).collect();
        points.sort_by_key(|point| point.ranks);
        PageRanks {
            slug: format!("ranks-{}-{}", self.sweep.slug, slug(label)),
            title: format!("{workload}{variant} · {label}"),
            backend,
            target_ratio: self.sweep.target,
            points,
            model: cost.map(|cost| model(cost, time)),
        }
    }
}

/// What messages cost two ranks. More ranks than cores would measure turns, and further hosts are left to the check.
fn pair_cost(metg: &RankMetg) -> Option<MessageCost> {
    metg.facts.cost.filter(|_| metg.ranks == 2)
}

fn point(metg: &RankMetg, cost: Option<StepCost>) -> PageRankPoint {
    let ranks = f64::from(metg.ranks);
    let RankFacts {
        core_count,
        columns,
        ..
    } = metg.facts;
    let fitted_to = cost.map_or(0, |cost| match cost.messages {
        Messages::Measured(..) => 1,
        Messages::Fitted(_) => 2,
    });
    let held_out = cost.filter(|_| metg.ranks > fitted_to);
    let predicted = held_out.and_then(|cost| cost.metg_on(ranks, core_count.into()));
    // If no size may reach the target at all, there is no figure to compare with.
    let predicted = predicted.filter(|range| range.low.is_finite());
    let end = |ns: f64| Some(figure(ns)).filter(|_| ns.is_finite());
    PageRankPoint {
        ranks: metg.ranks,
        metg_ns: figure(metg.metg_ns),
        low_ns: metg.interval.map(|one| figure(one.low)),
        high_ns: metg.interval.map(|one| figure(one.high)),
        is_fitted: metg.ranks <= fitted_to,
        predicted_ns: predicted.map(|range| (figure(range.low), end(range.high))),
        error_ratio: predicted.map(|range| figure(error(range, metg.metg_ns))),
        is_crowded: metg.ranks > core_count,
        is_wide: u64::from(metg.ranks) > columns,
    }
}

fn model(cost: StepCost, time: Option<MessageTime>) -> PageRankModel {
    let range = (0..=MOST_RANKS_LOG2).filter_map(|power| {
        let ranks = 1 << power;
        let metg = cost.metg(f64::from(ranks))?;
        Some((ranks, figure(metg.low), figure(metg.high)))
    });
    let measured = match cost.messages {
        Messages::Measured(cost, _) => Some(PageMessageCost {
            latency_ns: figure(cost.latency_ns),
            send_ns: figure(cost.send_ns),
            receive_ns: figure(cost.receive_ns),
            gap_ns: figure(cost.gap_ns),
            byte_ns: figure(cost.per_byte_ns),
            turn_ns: cost.turn_ns.map(figure),
            wake_ns: cost.wake_ns.map(figure),
        }),
        Messages::Fitted(_) => None,
    };
    PageRankModel {
        per_task_ns: figure(cost.per_task_ns),
        per_message_ns: figure(cost.per_message_ns()),
        measured,
        one_byte_ns: time.map(|time| figure(time.one_byte_ns)),
        per_byte_ns: time.map(|time| figure(time.per_byte_ns)),
        range: range.collect(),
        text: sentence(&cost, time),
    }
}

/// What the model says.
fn sentence(cost: &StepCost, time: Option<MessageTime>) -> String {
    let most = f64::from(1u32 << MOST_RANKS_LOG2);
    let far = cost.metg(most).map(|far| {
        let (low, high) = (units::time(far.low), units::time(far.high));
        let figure = match low == high {
            true => low,
            false => format!("between {low} and {high}"),
        };
        format!(" On {most} ranks with at least one column each, the METG is then {figure}.")
    });
    let (far, per_task) = (far.unwrap_or_default(), units::time(cost.per_task_ns));
    if let Messages::Measured(parts, _) = cost.messages {
        let turn = parts.turn_ns.map(|ns| {
            format!(
                " Ranks that share a core take turns of {} beside their work.",
                units::time(ns)
            )
        });
        let wake = parts.wake_ns.map(|ns| {
            format!(
                " With more ranks than cores, a message each way takes {}.",
                units::time(ns)
            )
        });
        return format!(
            "Model, not measured beyond the points. One rank shows that a task costs {per_task} beyond its work. Two ranks \
             measured messages when they started (LogGP): latency L {}, o {} to send and {} to receive, gap g {}, and \
             G {:.2} ns per further byte.{}{}{far}",
            units::time(parts.latency_ns),
            units::time(parts.send_ns),
            units::time(parts.receive_ns),
            units::time(parts.gap_ns),
            parts.per_byte_ns,
            wake.unwrap_or_default(),
            turn.unwrap_or_default(),
        );
    }
    let bytes = time.map(|time| {
        let (first, next) = (units::time(time.one_byte_ns), time.per_byte_ns);
        format!(" ({first} for its first byte, and {next:.2} ns for each further one)")
    });
    format!(
        "Model, not measured beyond the points: fitted to one rank and two, a task costs {per_task} beyond its work, and a \
         message {}{}.{far}",
        units::time(cost.per_message_ns()),
        bytes.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::loggp::Partners;
    use crate::stats::metg::Metg;

    const FACTS: RankFacts = RankFacts {
        core_count: 3,
        exchange: Some(Partners::Neighbours),
        columns: 64,
        message_bytes: 8,
        cost: None,
    };

    /// A sweep of `mpi` with this METG.
    fn sweep(variant: &str, ranks: u32, metg_ns: f64, facts: Option<RankFacts>) -> Sweep {
        let crossing = Crossing::At(metg_ns);
        let curve = Curve {
            backend: "mpi".into(),
            label: "mpi".into(),
            is_limit: false,
            points: Vec::new(),
            round_count: 7,
            shared_core_count: 0,
            left_out_count: 0,
            failed_count: 0,
            metg: Some(Metg {
                crossing,
                interval: None,
            }),
            ranks: facts,
            utilisation: None,
        };
        Sweep {
            workload: "fine".into(),
            variant: variant.into(),
            workers: ranks,
            slug: format!("fine-{ranks}"),
            parameters: Vec::new(),
            size_parameter: "iterations".into(),
            target: 0.5,
            curves: vec![curve],
        }
    }

    #[test]
    fn the_model_is_fitted_to_one_rank_and_two_and_checked_with_the_others() {
        // 50 ns per task and 3,200 ns per message. On three ranks a message and a half, on four three messages.
        let metg = |ranks: f64, messages: f64| {
            let (mean, most) = (64.0 / ranks, (64.0 / ranks).ceil());
            (50.0 * most + 3200.0 * messages) / (mean - 0.5 * most)
        };
        let sweeps = [
            sweep("", 4, metg(4.0, 3.0), Some(FACTS)),
            sweep("", 1, metg(1.0, 0.0), Some(FACTS)),
            sweep("", 3, metg(3.0, 1.5), Some(FACTS)),
            sweep("", 2, metg(2.0, 1.0), Some(FACTS)),
        ];
        let [page] = &over_ranks(&sweeps, |_| 5)[..] else {
            panic!("there is one figure");
        };
        assert_eq!((page.title.as_str(), page.backend), ("fine · mpi", 5));
        let model = page.model.as_ref().unwrap();
        assert_eq!((model.per_task_ns, model.per_message_ns), (50.0, 3200.0));
        assert_eq!(model.range.first(), Some(&(1, 100.0, 100.0)));
        // With a column each, a task costs 50 ns, and one message or two.
        assert_eq!(model.range.last(), Some(&(1024, 6500.0, 12900.0)));
        for words in ["Model, not measured", "1024 ranks", "3.20 µs"] {
            assert!(model.text.contains(words), "{}", model.text);
        }
        let ranks: Vec<_> = page
            .points
            .iter()
            .map(|one| (one.ranks, one.is_crowded))
            .collect();
        assert_eq!(ranks, [(1, false), (2, false), (3, false), (4, true)]);
        let errors: Vec<_> = page.points.iter().map(|one| one.error_ratio).collect();
        // Four ranks take turns, of which METG says nothing.
        assert_eq!(errors, [None, None, Some(0.0), None]);
        assert_eq!(page.points[2].predicted_ns, Some((416.13, Some(725.81))));
        let fitted: Vec<_> = page.points.iter().map(|one| one.is_fitted).collect();
        assert_eq!(fitted, [true, true, false, false]);
    }

    #[test]
    fn measured_messages_give_one_figure_that_two_ranks_check_too() {
        let cost = MessageCost {
            latency_ns: 1000.0,
            send_ns: 100.0,
            receive_ns: 100.0,
            gap_ns: 400.0,
            per_byte_ns: 0.5,
            turn_ns: Some(5000.0),
            wake_ns: Some(2000.0),
        };
        let on = |ranks, metg_ns, cost| {
            let core_count = 2;
            let facts = RankFacts {
                cost,
                core_count,
                message_bytes: 28,
                ..FACTS
            };
            sweep("", ranks, metg_ns, Some(facts))
        };
        // Only what two ranks measured counts.
        let other = MessageCost {
            latency_ns: 9e9,
            ..cost
        };
        let sweeps = [
            on(1, 100.0, None),
            on(2, 200.0, Some(cost)),
            on(3, 9e3, Some(other)),
            on(65, 9e9, None),
        ];
        let page = over_ranks(&sweeps, |_| 0).remove(0);
        let model = page.model.as_ref().unwrap();
        // 1.2 µs and 20 bytes more.
        assert_eq!((model.per_task_ns, model.per_message_ns), (50.0, 1210.0));
        let last = model.range.last().copied();
        // The second message starts 410 ns after the first.
        assert_eq!(last, Some((1024, 3340.0, 3340.0)));
        for words in [
            "Model, not measured",
            "latency L 1.00 µs",
            "turns of 5.00 µs",
            "is then 3.34 µs",
        ] {
            assert!(model.text.contains(words), "{}", model.text);
        }
        let measured = model.measured.as_ref().unwrap();
        assert_eq!((measured.latency_ns, measured.gap_ns), (1000.0, 400.0));
        let points: Vec<_> = page
            .points
            .iter()
            .map(|one| (one.is_fitted, one.is_crowded, one.is_wide))
            .collect();
        assert_eq!(
            points,
            [
                (true, false, false),
                (false, false, false),
                (false, true, false),
                (false, true, true)
            ]
        );
        let [one, two, three, many] = &page.points[..] else {
            panic!("there are four points");
        };
        assert_eq!(one.predicted_ns, None);
        assert_eq!(two.predicted_ns, Some((175.63, Some(175.63))));
        assert!((two.error_ratio.unwrap() - 0.13879).abs() < 1e-4);
        // Two ranks that stay on one core never reach half.
        let (low, high) = three.predicted_ns.unwrap();
        assert!(low > 1000.0 && high.is_none() && three.error_ratio == Some(0.0));
        // So many ranks on two cores never reach it.
        assert_eq!((many.predicted_ns, many.error_ratio), (None, None));
    }

    #[test]
    fn messages_of_several_sizes_show_the_time_per_byte() {
        let facts = |message_bytes| RankFacts {
            message_bytes,
            ..FACTS
        };
        let mut sweeps = Vec::new();
        for (variant, bytes) in [("output_bytes=93", 101), ("output_bytes=993", 1001)] {
            let message = 1000.0 + 2.0 * (bytes - 1) as f64;
            sweeps.push(sweep(variant, 1, 100.0, Some(facts(bytes))));
            sweeps.push(sweep(
                variant,
                2,
                100.0 + 4.0 * message / 64.0,
                Some(facts(bytes)),
            ));
        }
        let pages = over_ranks(&sweeps, |_| 0);
        let models: Vec<_> = pages
            .iter()
            .map(|page| page.model.as_ref().unwrap())
            .collect();
        let figures: Vec<_> = models
            .iter()
            .map(|one| (one.per_message_ns, one.per_byte_ns))
            .collect();
        assert_eq!(figures, [(1200.0, Some(2.0)), (3000.0, Some(2.0))]);
        assert!(
            models[0]
                .text
                .contains("1.00 µs for its first byte, and 2.00 ns")
        );
    }

    #[test]
    fn without_two_numbers_of_ranks_there_is_no_figure_and_without_both_no_model() {
        let none = |sweeps: &[Sweep]| over_ranks(sweeps, |_| 0).is_empty();
        assert!(none(&[sweep("", 1, 100.0, Some(FACTS))]));
        // Threads exchange no messages.
        assert!(none(&[
            sweep("", 1, 100.0, None),
            sweep("", 2, 200.0, None)
        ]));
        let model = |sweeps: &[Sweep]| over_ranks(sweeps, |_| 0)[0].model.is_some();
        assert!(!model(&[
            sweep("", 2, 100.0, Some(FACTS)),
            sweep("", 4, 200.0, Some(FACTS))
        ]));
        let unknown = Some(RankFacts {
            exchange: None,
            ..FACTS
        });
        assert!(!model(&[
            sweep("", 1, 100.0, unknown),
            sweep("", 2, 200.0, unknown)
        ]));
    }
}
