//! STG: the Standard Task Graph Set of the Kasahara laboratory at Waseda University.
//!
//! The first line has the number n of tasks. Then follow n + 2 lines `id cost predecessor_count predecessor...`;
//! tasks 0 and n + 1 are dummies that n does not count. Lines that begin with `#` are comments, and blank lines are
//! skipped.

use super::draft::Draft;
use super::refusal::{Refusal, in_line, quoted, start_in};
use super::{Unit, billionths};

const LINE_HELP: &str = "the line of a task is `id cost predecessor_count predecessor...`, with numbers separated by white space";

/// The line of one task.
struct TaskLine<'a> {
    text: &'a str,
    id: u32,
    /// In billionths.
    cost: u64,
}

pub(super) fn parse(text: &str) -> Result<Draft, Refusal> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next();
    let declared = header(text, first)?;

    let mut tasks = Vec::new();
    let mut dependences = Vec::new();
    for line in lines {
        tasks.push(task(text, line, &mut dependences)?);
    }
    check_count(text, first, declared, &tasks)?;
    let by_id = by_id(text, &tasks)?;
    check_predecessors(text, &tasks, &by_id, &dependences)?;
    Ok(Draft {
        names: (0..tasks.len()).map(|id| id.to_string()).collect(),
        starts: by_id
            .iter()
            .map(|index| start_in(text, tasks[*index as usize].text))
            .collect(),
        dependences,
        durations: Some(
            by_id
                .iter()
                .map(|index| tasks[*index as usize].cost)
                .collect(),
        ),
        unit: Unit::None,
        notes: Vec::new(),
        depends_on_sign: None,
    })
}

/// The number of tasks without the two dummies.
fn header(text: &str, line: Option<&str>) -> Result<u64, Refusal> {
    let help =
        "the first line of an STG file must be the number of its tasks, without the two dummies";
    let Some(line) = line else {
        return Err(Refusal::new("the file contains only comments", help));
    };
    let numbers: Vec<_> = line
        .split_whitespace()
        .take(3)
        .map(str::parse::<u64>)
        .collect();
    match &*numbers {
        [Ok(count)] => Ok(*count),
        [Ok(_), Ok(_)] => Err(Refusal::new(
            "this is the STG prototype format, whose first line holds two numbers: tasks and processors",
            "its costs depend on the processor, which is not supported; use a graph from the sets with one number in the \
             first line",
        )
        .at(text, line)),
        _ => {
            let message = format!("{} is not a number of tasks", quoted(line));
            Err(Refusal::new(message, help).at(text, line))
        }
    }
}

/// Parses the line of one task, and adds its dependences.
fn task<'a>(
    text: &str,
    line: &'a str,
    dependences: &mut Vec<(u32, u32)>,
) -> Result<TaskLine<'a>, Refusal> {
    let mut words = line.split_whitespace();
    let id: u32 = number(text, line, words.next(), "id")?;
    let name = id.to_string();
    let cost: f64 = number(text, line, words.next(), "cost")?;
    let cost =
        billionths(cost, || format!("task {name}")).map_err(|refusal| refusal.at(text, line))?;
    let count: u64 = number(text, line, words.next(), "number of predecessors")?;
    let start = dependences.len();
    for word in words {
        let predecessor = number(text, line, Some(word), "predecessor")?;
        dependences.push((predecessor, id));
    }
    let found = (dependences.len() - start) as u64;
    if found != count {
        let message = format!("task {name} has {found} predecessors, but its line says {count}");
        let help = format!("{LINE_HELP}; if the line is incomplete, fetch the file again");
        return Err(Refusal::new(message, help).at(text, line));
    }
    Ok(TaskLine {
        text: line,
        cost,
        id,
    })
}

fn number<T: std::str::FromStr>(
    text: &str,
    line: &str,
    word: Option<&str>,
    what: &str,
) -> Result<T, Refusal> {
    // Computed only for errors, because a line has as many numbers as its task has predecessors.
    let task = || quoted(line.split_whitespace().next().unwrap_or_default());
    let Some(word) = word else {
        let message = format!("the line of task {} ends before its {what}", task());
        return Err(Refusal::new(message, LINE_HELP).at(text, line));
    };
    word.parse().map_err(|_| {
        let message = format!("{} is not a valid {what} of task {}", quoted(word), task());
        Refusal::new(message, LINE_HELP).at(text, word)
    })
}

fn check_count(
    text: &str,
    header: Option<&str>,
    declared: u64,
    tasks: &[TaskLine<'_>],
) -> Result<(), Refusal> {
    let expected = declared.saturating_add(2);
    let found = tasks.len() as u64;
    if found == expected {
        return Ok(());
    }
    let message = format!(
        "the first line says {declared} tasks, so {expected} with the two dummies, but there are {found}"
    );
    let last = tasks.last().map(|task| task.text);
    let (help, line) = if let Some(without) = without_dummies(declared, tasks) {
        (
            format!(
                "it most likely counts the two dummies, tasks 0 and {}, which it must not: write {without} instead; if \
                 the file is incomplete, fetch it again",
                declared - 1
            ),
            header,
        )
    } else if found < expected {
        let help = "the file is incomplete: fetch it again, or correct its first line";
        (help.to_owned(), last)
    } else {
        let first_beyond = usize::try_from(expected)
            .ok()
            .and_then(|index| tasks.get(index));
        let help = "correct the first line, or remove the extra tasks";
        (help.to_owned(), first_beyond.map(|task| task.text))
    };
    let refusal = Refusal::new(message, help);
    Err(match line {
        Some(line) => refusal.at(text, line),
        None => refusal,
    })
}

/// The number that the first line should hold if it seems to count the dummies: there are as many tasks as it says,
/// and the first and the last task cost nothing, like dummies.
fn without_dummies(declared: u64, tasks: &[TaskLine<'_>]) -> Option<u64> {
    let is_dummy = |id: u64| {
        tasks
            .iter()
            .any(|task| u64::from(task.id) == id && task.cost == 0)
    };
    let is_counted = tasks.len() as u64 == declared && declared >= 2;
    (is_counted && is_dummy(0) && is_dummy(declared - 1)).then(|| declared - 2)
}

/// For each id, the index of its line. Checks that every id from 0 occurs exactly once.
fn by_id(text: &str, tasks: &[TaskLine<'_>]) -> Result<Vec<u32>, Refusal> {
    const NONE: u32 = u32::MAX;
    let mut by_id = vec![NONE; tasks.len()];
    for (index, task) in tasks.iter().enumerate() {
        let Some(place) = by_id.get_mut(task.id as usize) else {
            let message = format!(
                "task {} is beyond the last id, {}",
                task.id,
                tasks.len() - 1
            );
            return Err(Refusal::new(message, "ids go from 0 to n + 1").at(text, task.text));
        };
        if *place != NONE {
            let first = in_line(text, tasks[*place as usize].text);
            let message = format!("task {} is defined twice{first}", task.id);
            return Err(Refusal::new(message, "give every task a unique id").at(text, task.text));
        }
        *place = index as u32;
    }
    Ok(by_id)
}

/// Checks that all predecessors exist, and that no task names one twice.
fn check_predecessors(
    text: &str,
    tasks: &[TaskLine<'_>],
    by_id: &[u32],
    dependences: &[(u32, u32)],
) -> Result<(), Refusal> {
    let line_of = |task: u32| tasks[by_id[task as usize] as usize].text;
    // The last task that named each predecessor. Ids are below `u32::MAX`, because no file is long enough for more.
    let mut named_by = vec![u32::MAX; tasks.len()];
    for (predecessor, task) in dependences {
        let Some(named_by) = named_by.get_mut(*predecessor as usize) else {
            let message =
                format!("task {task} depends on task {predecessor}, which does not exist");
            let help = format!("name one of the tasks 0 to {}", tasks.len() - 1);
            return Err(Refusal::new(message, help).at(text, line_of(*task)));
        };
        if *named_by == *task {
            let message = format!("task {task} names its predecessor {predecessor} twice");
            let help = "remove one of them, and lower the number of predecessors";
            return Err(Refusal::new(message, help).at(text, line_of(*task)));
        }
        *named_by = *task;
    }
    Ok(())
}
