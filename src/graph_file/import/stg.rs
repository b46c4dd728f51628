//! STG: the Standard Task Graph Set of the Kasahara laboratory at Waseda University.
//!
//! A line with the number n of tasks, then n + 2 lines `id cost predecessor_count predecessor...`: tasks 0 and n + 1
//! are dummies that n does not count. Lines that begin with `#` are comments; blank lines are skipped.

use super::draft::Draft;
use super::refusal::{Refusal, in_line, quoted, start_in};
use super::{Unit, billionths};

const LINE_HELP: &str =
    "a task is a line `id cost predecessor_count predecessor...`, numbers between white space";

/// One line of a task.
struct Line<'a> {
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
    let help = "an STG file begins with a line that holds the number of its tasks, without the two dummies";
    let Some(line) = line else {
        return Err(Refusal::new("there is no line but comments", help));
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
            "its costs depend on the processor, which is not supported; take the graph from the sets with one \
             number in the first line",
        )
        .at(text, line)),
        _ => {
            let message = format!("{} is not a number of tasks", quoted(line));
            Err(Refusal::new(message, help).at(text, line))
        }
    }
}

/// Reads the line of one task, and adds its dependences.
fn task<'a>(
    text: &str,
    line: &'a str,
    dependences: &mut Vec<(u32, u32)>,
) -> Result<Line<'a>, Refusal> {
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
        let message = format!("task {name} has {found} predecessors, but says that it has {count}");
        let help = format!("{LINE_HELP}; if the line was cut off, fetch the file again");
        return Err(Refusal::new(message, help).at(text, line));
    }
    Ok(Line {
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
    // Looked for only where it is told: a line has as many numbers as its task has predecessors.
    let task = || quoted(line.split_whitespace().next().unwrap_or_default());
    let Some(word) = word else {
        let message = format!("the line of task {} ends before its {what}", task());
        return Err(Refusal::new(message, LINE_HELP).at(text, line));
    };
    word.parse().map_err(|_| {
        let message = format!("{} is no {what} of task {}", quoted(word), task());
        Refusal::new(message, LINE_HELP).at(text, word)
    })
}

fn check_count(
    text: &str,
    header: Option<&str>,
    declared: u64,
    tasks: &[Line<'_>],
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
                "it most likely counts the two dummies, tasks 0 and {}, which it must not: write {without} in its place; \
                 if the file was cut off, fetch it again",
                declared - 1
            ),
            header,
        )
    } else if found < expected {
        let help = "the file was cut off: fetch it again, or correct its first line";
        (help.to_owned(), last)
    } else {
        let first_beyond = usize::try_from(expected)
            .ok()
            .and_then(|index| tasks.get(index));
        let help = "correct the first line, or take out the tasks beyond";
        (help.to_owned(), first_beyond.map(|task| task.text))
    };
    let refusal = Refusal::new(message, help);
    Err(match line {
        Some(line) => refusal.at(text, line),
        None => refusal,
    })
}

/// The number that the first line should hold, if it seems to count the dummies: there are as many tasks as it says, and
/// the first and the last of them cost nothing, as dummies do.
fn without_dummies(declared: u64, tasks: &[Line<'_>]) -> Option<u64> {
    let is_dummy = |id: u64| {
        tasks
            .iter()
            .any(|task| u64::from(task.id) == id && task.cost == 0)
    };
    let is_counted = tasks.len() as u64 == declared && declared >= 2;
    (is_counted && is_dummy(0) && is_dummy(declared - 1)).then(|| declared - 2)
}

/// For each id, the index of its line: every id from 0 up stands there once.
fn by_id(text: &str, tasks: &[Line<'_>]) -> Result<Vec<u32>, Refusal> {
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
            let message = format!("task {} is there already{first}", task.id);
            return Err(
                Refusal::new(message, "give every task an id of its own").at(text, task.text)
            );
        }
        *place = index as u32;
    }
    Ok(by_id)
}

/// Checks that predecessors are there, and none twice for one task.
fn check_predecessors(
    text: &str,
    tasks: &[Line<'_>],
    by_id: &[u32],
    dependences: &[(u32, u32)],
) -> Result<(), Refusal> {
    let line_of = |task: u32| tasks[by_id[task as usize] as usize].text;
    // The last task that named a predecessor; ids are below `u32::MAX`, which no file is long enough for.
    let mut named_by = vec![u32::MAX; tasks.len()];
    for (predecessor, task) in dependences {
        let Some(named_by) = named_by.get_mut(*predecessor as usize) else {
            let message = format!("task {task} depends on task {predecessor}, which is not there");
            let help = format!("name one of the tasks 0 to {}", tasks.len() - 1);
            return Err(Refusal::new(message, help).at(text, line_of(*task)));
        };
        if *named_by == *task {
            let message = format!("task {task} names its predecessor {predecessor} twice");
            let help = "take one of them out, and count it no longer";
            return Err(Refusal::new(message, help).at(text, line_of(*task)));
        }
        *named_by = *task;
    }
    Ok(())
}
