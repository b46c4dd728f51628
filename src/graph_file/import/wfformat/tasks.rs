//! The tasks of a file, and how they depend on each other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::Unit;
use super::super::draft::Draft;
use super::super::refusal::{Refusal, in_line, quoted, start_in};
use super::runtime::Runtimes;
use super::wire::{Text, WireTask};

/// The tasks of a file, and the names they go by.
pub(super) struct Tasks<'a> {
    pub(super) text: &'a str,
    pub(super) wire: &'a [WireTask<'a>],
    /// What each task goes by.
    pub(super) keys: Vec<&'a str>,
    index: HashMap<&'a str, u32>,
    /// Their ids, where they go by another name.
    aliases: HashMap<&'a str, u32>,
}

impl<'a> Tasks<'a> {
    /// Tasks from 1.5 on.
    pub(super) fn by_id(text: &'a str, wire: &'a [WireTask<'a>]) -> Result<Self, Refusal> {
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

    /// Tasks up to 1.4. Where names are not unique, tasks go by their ids.
    pub(super) fn by_name(text: &'a str, wire: &'a [WireTask<'a>]) -> Result<Self, Refusal> {
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

    /// The draft of them, with what else there was to note.
    pub(super) fn draft(
        &self,
        runtimes: Runtimes,
        mut notes: Vec<String>,
    ) -> Result<Draft, Refusal> {
        notes.extend(runtimes.notes);
        Ok(Draft {
            dependences: self.dependences()?,
            starts: self
                .keys
                .iter()
                .map(|key| start_in(self.text, key))
                .collect(),
            names: self.keys.iter().map(|key| (*key).to_owned()).collect(),
            durations: runtimes.durations,
            unit: Unit::Seconds,
            notes,
            depends_on_sign: None,
        })
    }

    /// The task that goes by this name.
    pub(super) fn find(&self, key: &str) -> Option<u32> {
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
