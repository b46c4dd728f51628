//! Compares what a file says of an external backend with what its program says of itself.

use super::protocol::Greeting;
use crate::backend::Backend;
use crate::external::External;

/// What the greeting of the program of `external` says differently from its file, and what to do; `None` if they agree.
pub(super) fn disagreement(external: &External, greeting: &Greeting) -> Option<String> {
    let name = external.name();
    let command = external.command().join(" ");
    let differs = difference(external, greeting)?;
    Some(format!(
        "the greeting of `{command}` does not agree with the file of backends: {differs}; correct the entry of `{name}` \
         in the file, or the program"
    ))
}

fn difference(external: &External, greeting: &Greeting) -> Option<String> {
    let name = external.name();
    let Some(backend) = greeting.backends.iter().find(|one| one.name == name) else {
        let known: Vec<_> = greeting.backends.iter().map(|one| &*one.name).collect();
        return Some(format!(
            "it has no backend `{name}`, but {}",
            known.join(", ")
        ));
    };
    if backend.family != external.family().name() {
        let (here, there) = (external.family().name(), &backend.family);
        return Some(format!("the file says family {here}, the greeting {there}"));
    }
    let fixed = external.fixed_worker_count().map(|count| count as u32);
    if backend.fixed_worker_count.is_some() && backend.fixed_worker_count != fixed {
        let count = backend.fixed_worker_count.unwrap_or_default();
        return Some(format!(
            "the greeting says that it always has {count} workers"
        ));
    }
    let waits = external.waits_per_worker().map(|count| count as u32);
    if backend.waits_per_worker != waits {
        return Some(format!(
            "the file says that each worker can have {} waiting tasks at once, the greeting {}",
            unlimited(waits),
            unlimited(backend.waits_per_worker)
        ));
    }
    let mut options = external.options().iter();
    let is_there = |name: &str| backend.options.iter().any(|one| one.name == name);
    if let Some(option) = options.find(|one| !is_there(one.name)) {
        return Some(format!("the greeting has no option `{}`", option.name));
    }
    let is_greeted = |kernel: &str| {
        let whole = kernel.split('/').next();
        let kernels = backend.kernels.as_ref().unwrap_or(&greeting.kernels);
        kernels
            .iter()
            .any(|one| one == kernel || Some(one.as_str()) == whole)
    };
    if let Some(kernel) = external.kernels().find(|kernel| !is_greeted(kernel)) {
        return Some(format!("the greeting has no kernel `{kernel}` for it"));
    }
    if let Some(kind) = external
        .kinds()
        .iter()
        .find(|kind| !greeting.kinds.contains(kind))
    {
        return Some(format!("the greeting has no kind of work `{kind}`"));
    }
    let lacks_payload = external.has_payload() && !greeting.has_payload;
    lacks_payload.then(|| "the greeting says that tasks hand on no bytes".into())
}

/// A number of tasks, or that there is no limit.
fn unlimited(count: Option<u32>) -> String {
    count.map_or("any number of".into(), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::external::{Existing, load};
    use crate::kernel::KERNELS;

    /// The backend `x` in a file.
    fn external() -> &'static External {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backends.toml");
        let text = r#"
            [[backend]]
            name = "x"
            why = "a test"
            family = "threads"
            command = ["child"]
            kernels = ["empty", "counter/variant=racy"]
            options = [{ name = "daemon", why = "as daemons", values = ["yes", "no"] }]
            workers = 2
            waits_per_worker = 3
            payload = true
        "#;
        fs::write(&path, text).unwrap();
        let known = Existing {
            names: &[],
            kernels: KERNELS,
            workloads: None,
        };
        load(&[path], &known).unwrap()[0]
    }

    /// What is said of a greeting that says the same, except for `value` at `place`.
    fn said(place: &str, value: &Value) -> Option<String> {
        let mut greeting = json!({
            "version": 2, "language": "sh", "runtime": "sh", "runtime_version": "1",
            "backends": [{
                "name": "x", "family": "threads", "options": [{"name": "daemon"}],
                "fixed_worker_count": 2, "waits_per_worker": 3,
            }],
            "kernels": ["empty", "counter"], "kinds": ["graph"], "has_payload": true,
        });
        *greeting.pointer_mut(place).unwrap() = value.clone();
        disagreement(external(), &serde_json::from_value(greeting).unwrap())
    }

    #[test]
    fn a_greeting_may_say_more_than_the_file() {
        for (place, value) in [
            ("/version", json!(2)),
            (
                "/kernels",
                json!(["sleep", "counter/variant=racy", "empty"]),
            ),
            ("/kinds", json!(["recursion", "graph"])),
            (
                "/backends/0/options",
                json!([{"name": "size"}, {"name": "daemon"}]),
            ),
            ("/backends/0/fixed_worker_count", json!(null)),
        ] {
            assert_eq!(said(place, &value), None, "{place} = {value}");
        }
    }

    #[test]
    fn what_a_greeting_says_differently_is_named() {
        for (place, value, words) in [
            (
                "/backends/0/name",
                json!("y"),
                "it has no backend `x`, but y",
            ),
            (
                "/backends/0/family",
                json!("processes"),
                "the file says family threads, the greeting processes",
            ),
            (
                "/backends/0/fixed_worker_count",
                json!(3),
                "the greeting says that it always has 3 workers",
            ),
            (
                "/backends/0/waits_per_worker",
                json!(null),
                "can have 3 waiting tasks at once, the greeting any number of",
            ),
            (
                "/backends/0/options",
                json!([{"name": "size"}]),
                "the greeting has no option `daemon`",
            ),
            (
                "/kernels",
                json!(["empty", "counter/variant=locked"]),
                "the greeting has no kernel `counter/variant=racy`",
            ),
            (
                "/kinds",
                json!(["recursion"]),
                "the greeting has no kind of work `graph`",
            ),
            (
                "/has_payload",
                json!(false),
                "the greeting says that tasks hand on no bytes",
            ),
        ] {
            let said = said(place, &value).unwrap_or_else(|| panic!("{place} = {value} agrees"));
            assert!(said.contains(words), "{said}");
        }
    }
}
