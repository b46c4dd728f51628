//! Which records are not steady, in words.

use super::sessions::counts;
use crate::record::{Record, Sample};
use crate::stats::steady::{Unsteady, unsteady};

/// Why the samples of a record are not steady; `None` if they are, if they are too few to tell, or if the case failed.
/// The samples of each process are judged by themselves; if several are not steady, the text is about the worst.
pub(crate) fn not_steady(record: &Record) -> Option<String> {
    if record.error.is_some() {
        return None;
    }
    let found = (0..record.plan.invocation_count).filter_map(|invocation| {
        let own = |sample: &&Sample| sample.invocation == invocation && counts(sample);
        let samples = record.samples.iter().filter(own);
        let walls: Vec<f64> = samples.map(Sample::run_wall_ns).collect();
        Some((invocation, walls.len(), unsteady(&walls)?))
    });
    let distance = |found: &(u32, usize, Unsteady)| found.2.distance();
    let worst = found.max_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let (invocation, sample_count, unsteady) = worst;
    let process = match record.plan.invocation_count {
        0 | 1 => String::new(),
        count => format!("in process {} of {count}, ", invocation + 1),
    };
    Some(process + &in_words(&unsteady, sample_count))
}

fn in_words(unsteady: &Unsteady, sample_count: usize) -> String {
    format!(
        "of {sample_count} samples, the last {} take {:.2} times as long as the first {}",
        unsteady.last_count, unsteady.ratio, unsteady.first_count
    )
}

/// What is not steady in the sessions of both sides: how many, and the first of them. `None` if all are steady.
pub(super) fn not_steady_sessions(sides: [(&str, &[&Record]); 2]) -> Option<String> {
    let of_side = |(side, records): (&str, &[&Record])| {
        let found: Vec<String> = records
            .iter()
            .filter_map(|record| not_steady(record))
            .collect();
        let first = found.first()?;
        let (count, all) = (found.len(), records.len());
        Some(format!("{count} of {all} sessions of the {side}: {first}"))
    };
    let found: Vec<String> = sides.into_iter().filter_map(of_side).collect();
    (!found.is_empty()).then(|| found.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::case;

    /// Twenty samples of a millisecond, of which the first `slow` take two.
    fn record(slow: usize) -> Record {
        let wall = |index: usize| {
            if index < slow { 2000 } else { 1000 }
        };
        let walls: Vec<u64> = (0..20).map(wall).collect();
        case("empty", "rayon", 2).walls_us(&walls).record()
    }

    #[test]
    fn a_case_that_was_not_warm_says_which_samples() {
        let said = not_steady(&record(8)).unwrap();
        assert_eq!(
            said,
            "of 20 samples, the last 12 take 0.50 times as long as the first 8"
        );
        assert_eq!(not_steady(&record(0)), None);
        let mut failed = record(8);
        failed.error = case("x", "y", 1).error("panic", "").record().error;
        assert_eq!(not_steady(&failed), None);
    }

    #[test]
    fn each_process_is_judged_by_itself() {
        let mut both = record(0);
        let of_second = record(8).samples.into_iter().map(|sample| Sample {
            invocation: 1,
            ..sample
        });
        both.samples.extend(of_second);
        both.plan.invocation_count = 2;
        let said = not_steady(&both).unwrap();
        assert!(
            said.starts_with("in process 2 of 2, of 20 samples, the last 12"),
            "{said}"
        );
        // Two steady processes with different levels are steady.
        for sample in &mut both.samples {
            sample.wall_ns = 1_000_000 * u64::from(1 + sample.invocation);
        }
        assert_eq!(not_steady(&both), None);
    }

    #[test]
    fn sessions_are_counted_per_side() {
        let (steady, unsteady) = (record(0), record(8));
        let said = not_steady_sessions([("base", &[&steady]), ("head", &[&steady, &unsteady])]);
        let said = said.unwrap();
        assert!(
            said.starts_with("1 of 2 sessions of the head: of 20 samples, the last 12"),
            "{said}"
        );
        assert_eq!(
            not_steady_sessions([("base", &[&steady]), ("head", &[])]),
            None
        );
    }
}
