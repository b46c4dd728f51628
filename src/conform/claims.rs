//! What a child says about itself in its greeting.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::exchange::Exchange;
use super::fault::Setback;
use crate::backend::Family;
use crate::external::GRAPH;

/// The version of the protocol that is tested.
pub(super) const VERSION: u32 = 2;

const FAMILIES: [&str; 5] = ["serial", "threads", "async", "processes", "mixed"];

/// What a child says about itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Claims {
    version: u32,
    language: String,
    runtime: String,
    runtime_version: String,
    #[serde(default)]
    details: Option<Map<String, Json>>,
    pub(super) backends: Vec<ClaimedBackend>,
    pub(super) kernels: Vec<String>,
    pub(super) kinds: Vec<String>,
    #[serde(default)]
    pub(super) has_payload: bool,
    #[serde(default)]
    pub(super) has_latencies: bool,
}

/// A backend of a child.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ClaimedBackend {
    pub(super) name: String,
    family: String,
    why: String,
    #[serde(default)]
    pub(super) options: Vec<ClaimedOption>,
    #[serde(default)]
    fixed_worker_count: Option<u32>,
    /// How many tasks that only wait each worker can have at once; `None` without a limit.
    #[serde(default = "one")]
    pub(super) waits_per_worker: Option<u32>,
    /// Its kernels, if it does not have all.
    #[serde(default)]
    kernels: Option<Vec<String>>,
}

/// An option of a backend, with all its values.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ClaimedOption {
    pub(super) name: String,
    /// Empty if the option does not have a list of values. It then keeps the child's default.
    #[serde(default)]
    pub(super) values: Vec<Json>,
}

fn one() -> Option<u32> {
    Some(1)
}

impl ClaimedBackend {
    /// The number of workers nearest to `wanted` that the backend can have.
    pub(super) fn workers(&self, wanted: u32) -> u32 {
        self.fixed_worker_count.unwrap_or(wanted)
    }

    /// Whether `task_count` tasks that wait for each other can be in progress on about as many workers.
    pub(super) fn holds(&self, task_count: u32) -> bool {
        let waits = self.waits_per_worker;
        waits.is_none_or(|waits| waits.saturating_mul(self.workers(task_count)) >= task_count)
    }

    /// What it runs its tasks on. A family that does not exist was refused before.
    pub(super) fn family(&self) -> Family {
        Family::named(&self.family).unwrap_or(Family::Threads)
    }

    /// Whether it has the kernels of this claim.
    pub(super) fn has(&self, claim: &str) -> bool {
        let kernels = self.kernels.as_ref();
        kernels.is_none_or(|kernels| kernels.iter().any(|kernel| kernel == claim))
    }

    /// Every choice of options to try: the first value of each, then each other value beside the first ones.
    pub(super) fn choices(&self) -> Vec<Map<String, Json>> {
        let first =
            |option: &ClaimedOption| Some((option.name.clone(), option.values.first()?.clone()));
        let first: Map<String, Json> = self.options.iter().filter_map(first).collect();
        let mut choices = vec![first.clone()];
        for option in &self.options {
            for value in option.values.iter().skip(1) {
                let mut choice = first.clone();
                choice.insert(option.name.clone(), value.clone());
                choices.push(choice);
            }
        }
        choices
    }
}

impl Claims {
    /// Reads the greeting in `exchange`, which has sent `hello`.
    pub(super) fn receive(exchange: &mut Exchange<'_>) -> Result<Self, Setback> {
        let greeting = exchange.expect("greeting")?;
        let claims = serde_json::from_value(greeting).map_err(|error| error.to_string());
        claims
            .and_then(|claims: Self| claims.mistake().map_or(Ok(claims), Err))
            .map_err(|mistake| {
                exchange.fault(
                    format!("its greeting is wrong: {mistake}"),
                    "FORMAT.md lists the fields of a greeting",
                )
            })
    }

    /// The first thing that is wrong; `None` if nothing is.
    fn mistake(&self) -> Option<String> {
        if self.version != VERSION {
            return Some(format!(
                "`version` is {}, but `hello` offered 1 and {VERSION}, and the greeting belongs to {VERSION}",
                self.version
            ));
        }
        let texts = [
            ("language", &self.language),
            ("runtime", &self.runtime),
            ("runtime_version", &self.runtime_version),
        ];
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.is_empty()) {
            return Some(format!("`{name}` is empty"));
        }
        let details = self.details.iter().flatten();
        if let Some((name, _)) = details.into_iter().find(|(_, value)| !value.is_string()) {
            return Some(format!("`{name}` in `details` is not a string"));
        }
        if !self.kinds.iter().any(|kind| kind == GRAPH) {
            return Some(format!("`kinds` does not contain {GRAPH:?}"));
        }
        if self.backends.is_empty() || self.kernels.is_empty() {
            return Some("`backends` and `kernels` must name at least one each".into());
        }
        if let Some(name) = repeated(self.backends.iter().map(|backend| &backend.name)) {
            return Some(format!("`backends` names {name:?} twice"));
        }
        self.backends.iter().find_map(ClaimedBackend::mistake)
    }
}

impl ClaimedBackend {
    fn mistake(&self) -> Option<String> {
        let name = &self.name;
        let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !name.chars().all(is_inner)
        {
            return Some(format!(
                "a backend is called {name:?}: use ASCII letters, digits, `-`, `_` and `.`, and begin with a letter"
            ));
        }
        if !FAMILIES.contains(&self.family.as_str()) {
            return Some(format!(
                "the family of `{name}` is {:?}, which is none of {}",
                self.family,
                FAMILIES.join(", ")
            ));
        }
        if self.why.is_empty() {
            return Some(format!("`why` of `{name}` is empty"));
        }
        if let Some(option) = repeated(self.options.iter().map(|option| &option.name)) {
            return Some(format!("`{name}` has the option {option:?} twice"));
        }
        if self.fixed_worker_count == Some(0) || self.waits_per_worker == Some(0) {
            return Some(format!("`{name}` cannot have 0 workers or waiting tasks"));
        }
        None
    }
}

fn repeated<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn greeting() -> Json {
        json!({
            "version": 2, "language": "c", "runtime": "x", "runtime_version": "1", "new_field": 1,
            "backends": [{"name": "pool", "family": "threads", "why": "y",
                "options": [{"name": "a", "values": ["1", "2", "3"]}, {"name": "b", "values": ["no", "yes"]}]}],
            "kernels": ["empty"], "kinds": ["graph", "later"], "has_payload": false,
        })
    }

    fn claims(change: impl FnOnce(&mut Json)) -> Result<Claims, String> {
        let mut greeting = greeting();
        change(&mut greeting);
        let claims: Claims = serde_json::from_value(greeting).map_err(|error| error.to_string())?;
        claims.mistake().map_or(Ok(claims), Err)
    }

    #[test]
    fn every_value_of_every_option_is_tried_once_beside_the_first_values() {
        let claims = claims(|_| ()).unwrap();
        let choices = claims.backends[0].choices();
        let expected = json!([
            {"a": "1", "b": "no"}, {"a": "2", "b": "no"}, {"a": "3", "b": "no"}, {"a": "1", "b": "yes"},
        ]);
        assert_eq!(json!(choices), expected);
    }

    #[test]
    fn null_is_no_limit_on_waiting_tasks_and_absence_is_one() {
        let waits = |claims: Claims| claims.backends[0].waits_per_worker;
        assert_eq!(waits(claims(|_| ()).unwrap()), Some(1));
        let unlimited = claims(|json| json["backends"][0]["waits_per_worker"] = Json::Null);
        assert_eq!(waits(unlimited.unwrap()), None);
    }

    #[test]
    fn mistakes_in_a_greeting_are_named() {
        let mistake = |change: fn(&mut Json)| claims(change).unwrap_err();
        for (mistake, words) in [
            (mistake(|json| json["version"] = 3.into()), "`version` is 3"),
            (
                mistake(|json| json["language"] = "".into()),
                "`language` is empty",
            ),
            (
                mistake(|json| json["language"] = 3.into()),
                "expected a string",
            ),
            (mistake(|json| json["kinds"] = json!([])), "\"graph\""),
            (mistake(|json| json["kernels"] = json!([])), "at least one"),
            (
                mistake(|json| json["details"] = json!({"a": 1})),
                "`a` in `details`",
            ),
            (
                mistake(|json| json["backends"][0]["name"] = "a b".into()),
                "\"a b\"",
            ),
            (
                mistake(|json| json["backends"][0]["family"] = "fibers".into()),
                "fibers",
            ),
            (
                mistake(|json| json["backends"][0]["options"][1]["name"] = "a".into()),
                "twice",
            ),
            (
                mistake(|json| json["backends"][0]["waits_per_worker"] = 0.into()),
                "cannot have 0",
            ),
            (
                mistake(|json| {
                    let backend = json["backends"][0].clone();
                    json["backends"].as_array_mut().unwrap().push(backend);
                }),
                "names \"pool\" twice",
            ),
        ] {
            assert!(mistake.contains(words), "{words} is not in: {mistake}");
        }
    }
}
