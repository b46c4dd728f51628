//! What `--help` shows of commands with many flags: those that people use, in groups, with examples. `--help-all` shows
//! the rest.

use clap::{Arg, ArgAction, Command};

/// A command whose `--help` is short.
struct Brief {
    /// Its name.
    command: &'static str,
    /// The headings, each with its flags by their ids. All other flags are left out of `--help`.
    groups: &'static [(&'static str, &'static [&'static str])],
    /// Examples, one command per line with what it does.
    examples: &'static str,
}

const BRIEFS: [Brief; 2] = [
    Brief {
        command: "run",
        groups: &[
            (
                "Which cases",
                &[
                    "filters",
                    "exclude",
                    "all",
                    "backends",
                    "workers",
                    "workloads",
                    "dry_run",
                ],
            ),
            ("How to measure", &["runs", "max_time", "pin"]),
            (
                "Results",
                &[
                    "out",
                    "resume",
                    "details",
                    "trace",
                    "quiet",
                    "baseline",
                    "save_baseline",
                ],
            ),
        ],
        examples: "Examples:
  taskdyno run                                    the default cases, in about a minute
  taskdyno run hash empty --backends rayon,tokio  some workloads on two backends
  taskdyno run '*/rayon/2' --exclude empty        a glob, and what to leave out
  taskdyno run --out try --resume                 continue what was interrupted",
    },
    Brief {
        command: "gate",
        groups: &[
            (
                "Which cases",
                &["filters", "exclude", "backends", "workers", "dry_run"],
            ),
            ("What to compare", &["base", "head", "features"]),
            (
                "How to judge",
                &[
                    "threshold",
                    "max_time",
                    "allow_new",
                    "allow_missing",
                    "fail_on_inconclusive",
                ],
            ),
            ("Results", &["out", "resume", "format", "quiet"]),
        ],
        examples: "Examples:
  taskdyno gate hash                   the working tree against its main branch
  taskdyno gate --base v1.0 --head v1.1 empty
  taskdyno gate --self-test --quick    what a gate can detect on this machine",
    },
];

/// The same command, whose `--help` shows the flags that people use and whose `--help-all` shows all. `named` puts the name
/// of the program into examples. If `is_brief`, variables are left out of the help, because they make it three times as
/// long.
pub(super) fn brief(
    mut command: Command,
    is_brief: bool,
    named: &dyn Fn(&str) -> String,
) -> Command {
    for one in BRIEFS {
        command = command.mut_subcommand(one.command, |command| {
            let command = command
                .disable_help_flag(true)
                .arg(help("help", "Print this help", ArgAction::HelpShort).short('h'))
                .arg(help(
                    "help-all",
                    "Print help with all flags",
                    ArgAction::HelpLong,
                ))
                .after_help(named(one.examples))
                .after_long_help(named(one.examples));
            command.mut_args(|arg| grouped(arg, &one, is_brief))
        });
    }
    command
}

fn help(name: &'static str, text: &'static str, action: ArgAction) -> Arg {
    Arg::new(name).long(name).help(text).action(action)
}

/// The flag under its heading, or left out of the short help.
fn grouped(arg: Arg, brief: &Brief, is_brief: bool) -> Arg {
    let id = arg.get_id().as_str();
    if id.starts_with("help") {
        return arg;
    }
    // clap refuses the setting for flags without a value.
    let has_value = arg.get_action().takes_values();
    let group = brief.groups.iter().find(|(_, ids)| ids.contains(&id));
    match group {
        Some((heading, _)) => arg
            .help_heading(*heading)
            .hide_env(is_brief)
            .hide_possible_values(is_brief && has_value),
        None => arg.help_heading("More").hide_short_help(true),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cmd::CommandLine;

    /// The help of a command.
    fn shown(command: &str) -> String {
        let whole = brief(CommandLine::command(), true, &str::to_owned);
        let mut whole = whole.term_width(100);
        whole.build();
        let found = whole.find_subcommand_mut(command).unwrap();
        found.render_help().to_string()
    }

    #[test]
    fn the_help_of_a_command_fits_one_screen() {
        // A terminal of 50 lines is common, and the help scrolls away if it is longer.
        for one in BRIEFS {
            let text = shown(one.command);
            assert!(text.lines().count() <= 48, "{}:\n{text}", one.command);
        }
    }

    #[test]
    fn every_flag_of_a_group_exists() {
        for one in BRIEFS {
            let whole = CommandLine::command();
            let command = whole.find_subcommand(one.command).unwrap();
            for id in one.groups.iter().flat_map(|(_, ids)| *ids) {
                let exists = command.get_arguments().any(|arg| arg.get_id() == id);
                assert!(exists, "{} has no flag {id}", one.command);
            }
        }
    }
}
