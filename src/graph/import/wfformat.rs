//! WfFormat of WfCommons: scientific workflows with measured runtimes, as JSON.
//!
//! Schema 1.5 keeps the runtimes apart from the tasks (`workflow.specification.tasks`, `workflow.execution.tasks`);
//! in 1.4 a task has its runtime in it (`workflow.tasks`). There the schema says that parents are named by id, and
//! the published files name them by `name`; so a task of 1.4 goes by its name, and is found by its id too.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::draft::Draft;
use super::refusal::{Refusal, in_line, offset_in, quoted, start_in};
use super::{Unit, all_or_none, billionths};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFile<'a> {
    #[serde(borrow)]
    schema_version: Option<Text<'a>>,
    workflow: Option<WireWorkflow<'a>>,
}

#[derive(Deserialize)]
struct WireWorkflow<'a> {
    /// In 1.5.
    #[serde(borrow)]
    specification: Option<WireSpecification<'a>>,
    /// In 1.5.
    execution: Option<WireExecution<'a>>,
    /// In 1.4.
    tasks: Option<Vec<WireTask<'a>>>,
}

#[derive(Deserialize)]
struct WireSpecification<'a> {
    #[serde(borrow)]
    tasks: Option<Vec<WireTask<'a>>>,
}

#[derive(Deserialize)]
struct WireExecution<'a> {
    #[serde(borrow)]
    tasks: Option<Vec<WireRuntime<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTask<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    id: Option<Text<'a>>,
    parents: Option<Vec<Text<'a>>>,
    children: Option<Vec<Text<'a>>>,
    /// In 1.4.
    #[serde(borrow)]
    runtime_in_seconds: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRuntime<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    /// As it is written: read as a number here, a bad one would be told without its task.
    #[serde(borrow)]
    runtime_in_seconds: Option<&'a RawValue>,
}

/// A string that is a part of the file, unless it has escapes in it. (Without this type, strings in a list are
/// copied.)
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

pub(super) fn parse(text: &str) -> Result<Draft, Refusal> {
    let file: WireFile<'_> = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    let version = file.schema_version.as_ref().map(|version| &*version.0);
    let workflow = file.workflow.ok_or_else(|| missing("workflow"))?;
    match version {
        Some("1.4") => {
            let tasks = workflow.tasks.ok_or_else(|| missing("workflow.tasks"))?;
            let tasks = Tasks::by_name(text, &tasks)?;
            tasks.draft(tasks.own_runtimes()?)
        }
        Some("1.5") => {
            let specification = workflow.specification;
            let tasks = specification.and_then(|specification| specification.tasks);
            let tasks = tasks.ok_or_else(|| missing("workflow.specification.tasks"))?;
            let tasks = Tasks::by_id(text, &tasks)?;
            let runtimes = workflow.execution.and_then(|execution| execution.tasks);
            tasks.draft(tasks.executed_runtimes(&runtimes.unwrap_or_default())?)
        }
        Some(other) => Err(Refusal::new(
            format!(
                "the schema version is {}, expected 1.4 or 1.5",
                quoted(other)
            ),
            "convert the file to WfFormat 1.5",
        )
        .at(text, other)),
        None => Err(missing("schemaVersion")),
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> Refusal {
    // The message ends with the place, which is given in our own way, and may quote a string of any length.
    const LONGEST: usize = 200;
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let message: String = message.chars().take(LONGEST).collect();
    let help = match error.classify() {
        Category::Eof => "the file was cut off: fetch it again",
        Category::Data => "expected WfFormat 1.4 or 1.5; its schema is at https://wfcommons.org",
        Category::Syntax | Category::Io => "expected WfFormat, which is JSON",
    };
    let message = match error.classify() {
        Category::Data => format!("not WfFormat: {message}"),
        _ => format!("not valid JSON: {message}"),
    };
    let line = text
        .split_inclusive('\n')
        .nth(error.line().saturating_sub(1));
    let refusal = Refusal::new(message, help);
    // At the end of a text there is no line behind the last newline.
    let start = line.and_then(|line| offset_in(text, line));
    refusal.at_byte(start.map_or(text.len(), |start| start + error.column().saturating_sub(1)))
}

fn missing(key: &str) -> Refusal {
    Refusal::new(
        format!("`{key}` is missing"),
        "expected WfFormat 1.4 or 1.5; its schema is at https://wfcommons.org",
    )
}

/// The tasks of a file, and the names they go by.
struct Tasks<'a> {
    text: &'a str,
    wire: &'a [WireTask<'a>],
    /// What each task goes by.
    keys: Vec<&'a str>,
    index: HashMap<&'a str, u32>,
    /// Their ids, where they go by another name.
    aliases: HashMap<&'a str, u32>,
}

impl<'a> Tasks<'a> {
    /// Tasks of 1.5.
    fn by_id(text: &'a str, wire: &'a [WireTask<'a>]) -> Result<Self, Refusal> {
        let keys = ids(text, wire)?;
        for (task, key) in wire.iter().zip(&keys) {
            for (list, name) in [(&task.parents, "parents"), (&task.children, "children")] {
                if list.is_none() {
                    let message = format!("task {} has no `{name}`", quoted(key));
                    let help = format!("add `\"{name}\": []` if there are none");
                    return Err(Refusal::new(message, help).at(text, key));
                }
            }
        }
        let index = index(text, &keys)?;
        Ok(Self {
            text,
            wire,
            keys,
            index,
            aliases: HashMap::new(),
        })
    }

    /// Tasks of 1.4. Where names are not unique, tasks go by their ids.
    fn by_name(text: &'a str, wire: &'a [WireTask<'a>]) -> Result<Self, Refusal> {
        let names: Vec<&str> = wire.iter().map(|task| &*task.name.0).collect();
        let ids = wire.iter().filter_map(|task| task.id.as_ref());
        let ids: Vec<&str> = ids.map(|id| &*id.0).collect();
        let by_name = index(text, &names);
        if by_name.is_err() && ids.len() == wire.len() {
            let by_id = index(text, &ids)?;
            return Ok(Self {
                text,
                wire,
                keys: ids,
                index: by_id,
                aliases: HashMap::new(),
            });
        }
        index(text, &ids)?;
        let with_id = wire.iter().zip(0..);
        let aliases = with_id.filter_map(|(task, number)| Some((&*task.id.as_ref()?.0, number)));
        Ok(Self {
            text,
            wire,
            keys: names,
            index: by_name?,
            aliases: aliases.collect(),
        })
    }

    fn draft(&self, durations: Option<Vec<u64>>) -> Result<Draft, Refusal> {
        Ok(Draft {
            dependences: self.dependences()?,
            starts: self
                .keys
                .iter()
                .map(|key| start_in(self.text, key))
                .collect(),
            names: self.keys.iter().map(|key| (*key).to_owned()).collect(),
            durations,
            unit: Unit::Seconds,
        })
    }

    /// The task that goes by this name.
    fn find(&self, key: &str) -> Option<u32> {
        let found = self.index.get(key).or_else(|| self.aliases.get(key));
        found.copied()
    }

    /// The dependences that tasks state as parents and as children. A task that has the list must have in it whatever
    /// the other end states.
    fn dependences(&self) -> Result<Vec<(u32, u32)>, Refusal> {
        let mut as_parents = Vec::new();
        let mut as_children = Vec::new();
        for (task, number) in self.wire.iter().zip(0..) {
            for parent in task.parents.iter().flatten() {
                as_parents.push((self.neighbour(number, &parent.0, "parent")?, number));
            }
            for child in task.children.iter().flatten() {
                as_children.push((number, self.neighbour(number, &child.0, "child")?));
            }
        }
        for list in [&mut as_parents, &mut as_children] {
            list.sort_unstable();
            list.dedup();
        }
        let one_sided = |parent: u32, child: u32, list: &Option<Vec<Text<'_>>>| {
            list.is_some().then_some((parent, child))
        };
        if let Some((parent, child)) =
            only_in_first(&as_parents, &as_children).find_map(|(parent, child)| {
                one_sided(parent, child, &self.wire[parent as usize].children)
            })
        {
            return Err(self.disagreement((child, parent, "parent"), "child"));
        }
        if let Some((parent, child)) =
            only_in_first(&as_children, &as_parents).find_map(|(parent, child)| {
                one_sided(parent, child, &self.wire[child as usize].parents)
            })
        {
            return Err(self.disagreement((parent, child, "child"), "parent"));
        }
        as_parents.append(&mut as_children);
        Ok(as_parents)
    }

    /// The task that `number` names as its parent or child.
    fn neighbour(&self, number: u32, key: &str, role: &str) -> Result<u32, Refusal> {
        self.find(key).ok_or_else(|| {
            let task = self.keys[number as usize];
            let message = format!(
                "task {}{} names {} as its {role}, which is no task of this file",
                quoted(task),
                in_line(self.text, task),
                quoted(key)
            );
            let help = format!(
                "add that task, or take it out of the list; a {role} is named as its task is"
            );
            Refusal::new(message, help).at(self.text, key)
        })
    }

    /// One task names another one in this role, but that does not name it in return.
    fn disagreement(&self, (task, other, role): (u32, u32, &str), reverse: &str) -> Refusal {
        let [task, other] = [task, other].map(|number| self.keys[number as usize]);
        let message = format!(
            "task {} names {}{} as its {role}, but that does not name it as its {reverse}",
            quoted(task),
            quoted(other),
            in_line(self.text, other)
        );
        let help = "`parents` and `children` must tell the same dependences: add it there, or take it out here";
        Refusal::new(message, help).at(self.text, task)
    }

    /// The runtimes that stand with the tasks.
    fn own_runtimes(&self) -> Result<Option<Vec<u64>>, Refusal> {
        let runtimes = self.wire.iter().zip(&self.keys);
        let durations = runtimes.map(|(task, key)| self.duration(task.runtime_in_seconds, key));
        self.all_or_none(durations.collect::<Result<_, _>>()?)
    }

    /// The runtimes that stand apart from the tasks.
    fn executed_runtimes(&self, executed: &[WireRuntime<'_>]) -> Result<Option<Vec<u64>>, Refusal> {
        let mut durations = vec![None; self.wire.len()];
        let mut first: Vec<Option<&str>> = vec![None; self.wire.len()];
        for runtime in executed {
            let id = &*runtime.id.0;
            let task = self.find(id).ok_or_else(|| {
                let message = format!("the execution names task {}, which is not specified", quoted(id));
                let help = "add it to `workflow.specification.tasks`, or take it out of `workflow.execution.tasks`";
                Refusal::new(message, help).at(self.text, id)
            })?;
            if let Some(first) = first[task as usize].replace(id) {
                let first = in_line(self.text, first);
                let message = format!("the execution names task {} twice{first}", quoted(id));
                let help = "leave one runtime a task: the sum, if it ran in several parts";
                return Err(Refusal::new(message, help).at(self.text, id));
            }
            durations[task as usize] = self.duration(runtime.runtime_in_seconds, id)?;
        }
        self.all_or_none(durations)
    }

    /// The runtime of the task that is named as `key`, in nanoseconds.
    fn duration(&self, runtime: Option<&RawValue>, key: &str) -> Result<Option<u64>, Refusal> {
        let Some(runtime) = runtime.map(RawValue::get) else {
            return Ok(None);
        };
        let task = || format!("task {}", quoted(key));
        // What begins like a number of JSON is one: the file was read as JSON.
        let duration = match runtime.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            true => billionths(runtime.parse().unwrap_or(f64::NAN), task),
            false => Err(not_a_number(runtime, &task())),
        };
        duration
            .map(Some)
            .map_err(|refusal| refusal.at(self.text, runtime))
    }

    fn all_or_none(&self, durations: Vec<Option<u64>>) -> Result<Option<Vec<u64>>, Refusal> {
        all_or_none(durations, |without| {
            let key = self.keys[without];
            let message = format!(
                "task {} has no `runtimeInSeconds`, but others have",
                quoted(key)
            );
            let help = "give every task its runtime (0 is one), or none";
            Refusal::new(message, help).at(self.text, key)
        })
    }
}

fn not_a_number(runtime: &str, task: &str) -> Refusal {
    let runtime = quoted(runtime.trim_matches('"'));
    Refusal::new(
        format!("the duration of {task} is {runtime}, which is no number"),
        "a runtime is a number of seconds from 0 up, without quotes",
    )
}

/// The ids of tasks that all have one.
fn ids<'a>(text: &str, wire: &'a [WireTask<'a>]) -> Result<Vec<&'a str>, Refusal> {
    let ids = wire.iter().map(|task| match &task.id {
        Some(id) => Ok(&*id.0),
        None => {
            let name = &*task.name.0;
            let message = format!("task {} has no `id`", quoted(name));
            Err(Refusal::new(message, "give every task an `id` of its own").at(text, name))
        }
    });
    ids.collect()
}

/// The number of the task that goes by each key.
fn index<'a>(text: &str, keys: &[&'a str]) -> Result<HashMap<&'a str, u32>, Refusal> {
    let mut index = HashMap::with_capacity(keys.len());
    for (key, number) in keys.iter().zip(0u32..) {
        match index.entry(*key) {
            Entry::Vacant(entry) => entry.insert(number),
            Entry::Occupied(first) => {
                let first = in_line(text, keys[*first.get() as usize]);
                let message = format!("task {} is there already{first}", quoted(key));
                let help = "give every task a name of its own";
                return Err(Refusal::new(message, help).at(text, key));
            }
        };
    }
    Ok(index)
}

/// What is in `first` but not in `second`. Both are sorted.
fn only_in_first(first: &[(u32, u32)], second: &[(u32, u32)]) -> impl Iterator<Item = (u32, u32)> {
    let mut rest = second.iter().peekable();
    first.iter().copied().filter(move |one| {
        while rest.next_if(|other| *other < one).is_some() {}
        rest.peek() != Some(&one)
    })
}
