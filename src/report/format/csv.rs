//! Comma-separated values according to RFC 4180: one row per sample, or per channel of a compared case.

use super::{Format, channels};
use crate::compare::Comparison;
use crate::record::Record;
use crate::text::csv_field;

/// The format `csv`.
pub(super) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn why(&self) -> &'static str {
        "spreadsheets and data frames: one row per sample, or per channel of a compared case"
    }

    fn comparisons(&self, comparisons: &[Comparison]) -> String {
        let mut text = row(&[
            "case",
            "base",
            "head",
            "channel",
            "verdict",
            "ratio",
            "interval_low",
            "interval_high",
            "alpha",
            "threshold_ratio",
            "pair_count",
            "more_pair_count",
            "p_regressed",
            "p_improved",
            "p_unchanged",
            "base_commit",
            "head_commit",
            "is_judged",
        ]);
        for one in channels(comparisons) {
            let (comparison, judgement) = (one.comparison, one.judgement);
            let or_empty = |number: Option<f64>| number.map_or(String::new(), |n| n.to_string());
            let more = judgement.more_pair_count;
            text += &row(&[
                &one.case.case.id(),
                &comparison.base.name,
                &comparison.head.name,
                one.channel.name(),
                comparison.binding(judgement.verdict).name(),
                &judgement.ratio.to_string(),
                &or_empty(judgement.interval.map(|interval| interval.low)),
                &or_empty(judgement.interval.map(|interval| interval.high)),
                &judgement.alpha.to_string(),
                &judgement.threshold_ratio.to_string(),
                &judgement.pair_count.to_string(),
                &more.map_or(String::new(), |count| count.to_string()),
                &judgement.p_regressed.to_string(),
                &judgement.p_improved.to_string(),
                &judgement.p_unchanged.to_string(),
                &comparison.base.commit_name().unwrap_or_default(),
                &comparison.head.commit_name().unwrap_or_default(),
                &(one.channel == one.case.judged).to_string(),
            ]);
        }
        text
    }

    fn records(&self, records: &[Record]) -> Option<String> {
        let mut text = row(&[
            "case",
            "workload",
            "variant",
            "backend",
            "workers",
            "commit",
            "started_at",
            "sample",
            "wall_ns",
            "run_count",
            "cpu_ns",
            "foreign_cpu_ns",
            "voluntary_switch_count",
            "involuntary_switch_count",
            "is_degraded",
            "dirty",
            "invocation",
        ]);
        for record in records {
            let case = &record.case;
            let commit = record.commit.as_ref();
            for (number, sample) in record.samples.iter().enumerate() {
                let or_empty =
                    |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
                text += &row(&[
                    &case.id(),
                    &case.workload,
                    &case.variant,
                    &case.backend,
                    &case.workers.to_string(),
                    commit.map_or("", |commit| &commit.hash),
                    &record.started_at,
                    &number.to_string(),
                    &sample.wall_ns.to_string(),
                    &sample.run_count.to_string(),
                    &or_empty(sample.cpu_ns),
                    &or_empty(sample.foreign_cpu_ns),
                    &or_empty(sample.voluntary_switch_count),
                    &or_empty(sample.involuntary_switch_count),
                    &sample.is_degraded.to_string(),
                    &commit.map_or(String::new(), |commit| commit.dirty.to_string()),
                    &sample.invocation.to_string(),
                ]);
            }
        }
        Some(text)
    }
}

/// One row, with its fields quoted where necessary.
pub(in crate::report) fn row(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
    fields.join(",") + "\r\n"
}
