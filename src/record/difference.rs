//! Finds where two values differ.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A part of a value that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Its name, as in FORMAT.md: `plan.warmup_ns`.
    pub name: String,
    /// The old value as JSON; null if the part did not exist.
    pub before: Value,
    /// The new value.
    pub now: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, before, now } = self;
        write!(out, "`{name}` was {before} and is now {now}")
    }
}

/// Returns the first part, by name, in which two values of one type differ.
///
/// # Panics
///
/// If they cannot be written as JSON, which is always possible for plain data.
pub(crate) fn difference<T: Serialize>(before: &T, now: &T) -> Option<Difference> {
    let json = |value: &T| serde_json::to_value(value).expect("plain data");
    between(String::new(), json(before), json(now))
}

fn between(name: String, before: Value, now: Value) -> Option<Difference> {
    if before == now {
        return None;
    }
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
            keys.into_iter().find_map(|key| {
                let part = |of: &serde_json::Map<String, Value>| of.get(key).cloned();
                let dot = if name.is_empty() { "" } else { "." };
                between(
                    format!("{name}{dot}{key}"),
                    part(&before).unwrap_or_default(),
                    part(&now).unwrap_or_default(),
                )
            })
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            let pairs = before.into_iter().zip(now).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (before, now))| between(format!("{name}[{index}]"), before, now))
        }
        (before, now) => Some(Difference { name, before, now }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_part_is_named_with_both_values() {
        let said = |before, now| difference(&before, &now).map(|one| one.to_string());
        let before = json!({ "plan": { "a": 1, "b": [1, { "c": "x" }] } });
        assert_eq!(said(before.clone(), before.clone()), None);
        let now = json!({ "plan": { "a": 1, "b": [1, { "c": "y" }] } });
        assert_eq!(
            said(before.clone(), now).unwrap(),
            "`plan.b[1].c` was \"x\" and is now \"y\""
        );
        let now = json!({ "plan": { "b": [1] } });
        assert_eq!(said(before, now).unwrap(), "`plan.a` was 1 and is now null");
    }
}
