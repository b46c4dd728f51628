//! What a record says of ranks that exchange messages.

use crate::record::Record;
use crate::stats::loggp::{MessageCost, Partners};
use crate::stats::median;

/// What a model of messages needs to know of a case on ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RankFacts {
    /// The number of cores that all ranks may use together. If they do not say it, all hosts are taken to be like the first.
    pub core_count: u32,
    /// With whom each rank exchanges messages; `None` if it is not known.
    pub exchange: Option<Partners>,
    /// The number of tasks per step.
    pub columns: u64,
    /// The bytes that a task hands on: its value, and its payload.
    pub message_bytes: u64,
    /// What its first two ranks measured of messages when they started; `None` if they did not.
    pub cost: Option<MessageCost>,
}

/// How the names of details begin that are measured at each start, and so differ between starts.
pub(super) const MESSAGE_DETAILS: &str = "message_";

/// The bytes of a value.
pub(super) const VALUE_BYTES: u64 = 8;

/// The facts of records of one case, whose program says by which transport its ranks exchange messages; `None` for others, and
/// for ranks with several threads, which share values without messages.
pub(super) fn rank_facts(records: &[&Record]) -> Option<RankFacts> {
    let record = records.first()?;
    let details = &record.runtime.as_ref()?.details;
    if !details.contains_key("transport") || record.case.process_threads.is_some() {
        return None;
    }
    let hosts = details.get("hosts").map(String::as_str);
    let cores = details.get("cores_per_host").and_then(|text| sum(text));
    let pattern = &record.case.parameters["pattern"];
    let partition = record.case.options.get("partition");
    let is_by_columns = partition.is_none_or(|partition| partition == "columns");
    let kind = pattern["kind"].as_str().filter(|_| is_by_columns);
    let payload = record.case.parameters["output_bytes"].as_u64();
    Some(RankFacts {
        core_count: cores
            .unwrap_or_else(|| record.host.core_count.saturating_mul(host_count(hosts))),
        exchange: kind.and_then(exchange),
        columns: pattern["width"].as_u64().unwrap_or(0),
        message_bytes: payload.unwrap_or(0).saturating_add(VALUE_BYTES),
        cost: message_cost(records),
    })
}

/// The sum of numbers with commas.
fn sum(text: &str) -> Option<u32> {
    let numbers = text.split(',').map(|number| number.trim().parse::<u32>());
    numbers.sum::<Result<u32, _>>().ok()
}

/// What messages cost: of each figure, the median over all starts of the ranks.
fn message_cost(records: &[&Record]) -> Option<MessageCost> {
    let figure = |name: &str| {
        let texts = records.iter().filter_map(|record| {
            let details = &record.runtime.as_ref()?.details;
            details.get(&format!("{MESSAGE_DETAILS}{name}_ns"))
        });
        let numbers = texts.filter_map(|text| text.parse::<f64>().ok());
        let numbers: Vec<f64> = numbers.filter(|ns| *ns >= 0.0 && ns.is_finite()).collect();
        median(&numbers)
    };
    let (send_ns, receive_ns) = (figure("send")?, figure("receive")?);
    Some(MessageCost {
        latency_ns: (figure("exchange")? - send_ns - receive_ns).max(0.0),
        send_ns,
        receive_ns,
        gap_ns: figure("gap")?,
        per_byte_ns: figure("byte")?,
        turn_ns: figure("turn"),
        wake_ns: figure("wake"),
    })
}

/// The number of hosts, given as a number or as names with commas; 1 if it is not known.
fn host_count(hosts: Option<&str>) -> u32 {
    let Some(hosts) = hosts.filter(|hosts| !hosts.is_empty()) else {
        return 1;
    };
    let named = || hosts.split(',').count().try_into().unwrap_or(1);
    hosts.trim().parse().unwrap_or_else(|_| named()).max(1)
}

/// With whom the ranks of a pattern exchange messages if each has neighbouring columns; `None` for patterns that the model
/// does not know.
fn exchange(pattern: &str) -> Option<Partners> {
    match pattern {
        "stencil-1d" => Some(Partners::Neighbours),
        "all-to-all" => Some(Partners::Everyone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Runtime;
    use crate::record::fixture::case;

    fn record(details: &[(&str, &str)]) -> Record {
        let mut record = case("fine", "mpi", 4).record();
        let details = details
            .iter()
            .map(|(name, text)| ((*name).into(), (*text).into()));
        record.host.core_count = 2;
        record.case.parameters =
            json!({"pattern": {"kind": "stencil-1d", "width": 64}, "output_bytes": 100});
        record.runtime = Some(Runtime {
            protocol_version: 2,
            language: "rust".into(),
            runtime: "MPI".into(),
            version: "1".into(),
            details: details.collect(),
        });
        record
    }

    #[test]
    fn a_program_that_names_its_transport_has_ranks() {
        let expected = RankFacts {
            core_count: 4,
            exchange: Some(Partners::Neighbours),
            columns: 64,
            message_bytes: 108,
            cost: None,
        };
        let on_two = record(&[("transport", "tcp"), ("hosts", "a,b")]);
        assert_eq!(rank_facts(&[&on_two]), Some(expected));
        assert_eq!(rank_facts(&[&record(&[("hosts", "a,b")])]), None);
        for (hosts, count) in [("2", 4), ("a", 2), ("", 2), ("0", 2)] {
            let facts = rank_facts(&[&record(&[("transport", "tcp"), ("hosts", hosts)])]);
            assert_eq!(facts.unwrap().core_count, count, "{hosts:?}");
        }
        let with_cores = record(&[("transport", "tcp"), ("cores_per_host", "1,2")]);
        assert_eq!(rank_facts(&[&with_cores]).unwrap().core_count, 3);
        let mut threaded = on_two.clone();
        threaded.case.process_threads = Some(2);
        assert_eq!(rank_facts(&[&threaded]), None);
    }

    #[test]
    fn what_messages_cost_is_the_median_over_all_starts() {
        let start = |exchange, send| {
            record(&[
                ("transport", "tcp"),
                ("message_exchange_ns", exchange),
                ("message_send_ns", send),
                ("message_receive_ns", "30"),
                ("message_gap_ns", "40"),
                ("message_byte_ns", "0.5"),
            ])
        };
        let starts = [
            start("100", "10"),
            start("300", "20"),
            start("200", "no number"),
        ];
        let facts = rank_facts(&starts.each_ref());
        let cost = facts.unwrap().cost.unwrap();
        assert_eq!((cost.send_ns, cost.receive_ns), (15.0, 30.0));
        assert_eq!((cost.latency_ns, cost.gap_ns), (155.0, 40.0));
        assert_eq!((cost.per_byte_ns, cost.turn_ns), (0.5, None));
        assert_eq!(cost.wake_ns, None);
        let silent = record(&[("transport", "tcp"), ("message_gap_ns", "40")]);
        assert_eq!(rank_facts(&[&silent]).unwrap().cost, None);
    }

    #[test]
    fn only_columns_of_known_patterns_have_known_messages() {
        let exchange = |pattern: &str, partition: &str| {
            let mut record = record(&[("transport", "tcp")]);
            record.case.parameters["pattern"]["kind"] = pattern.into();
            record
                .case
                .options
                .insert("partition".into(), partition.into());
            rank_facts(&[&record]).unwrap().exchange
        };
        assert_eq!(
            exchange("stencil-1d", "columns"),
            Some(Partners::Neighbours)
        );
        assert_eq!(exchange("all-to-all", "columns"), Some(Partners::Everyone));
        assert_eq!(exchange("stencil-1d", "cyclic"), None);
        assert_eq!(exchange("random-dag", "columns"), None);
    }
}
