//! The command line as clap sees it.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::{Resettable, Styles};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::CommandLine;
use super::out::tell_refusal;

/// Reads the command line.
///
/// # Errors
///
/// The exit code, after help, a version or a refusal was printed.
pub(super) fn parse() -> Result<CommandLine, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let read = |command: Command| {
        let mut command = without_empty_variables(command);
        let matches = command.try_get_matches_from_mut(&arguments)?;
        CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    };
    let error = match read(command()) {
        Ok(line) => return Ok(line),
        Err(error) => error,
    };
    if !error.use_stderr() {
        // Help or a version, which are words of our own. Whoever reads them may have gone.
        let _ = error.print();
        return Err(ExitCode::SUCCESS);
    }
    // A refusal repeats arguments, and among styles of clap's they could not be told from those.
    let plain = read(command().styles(Styles::plain())).err();
    tell_refusal(&plain.unwrap_or(error).render().ansi().to_string());
    Err(ExitCode::from(super::USAGE))
}

/// All commands with their flags.
fn command() -> Command {
    // `run` measures and then looks at baselines too; for `compare` a baseline takes the place of the base.
    let own_variable = |baseline: Arg| baseline.env("TASKDYNO_COMPARE_BASELINE");
    let compare = |compare: Command| compare.mut_arg("baseline", own_variable);
    CommandLine::command().mut_subcommand("compare", compare)
}

/// The same commands, which do not look at variables that are set to nothing: a job passes those for inputs that
/// nobody gave.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let command = command.mut_args(|arg| match is_empty(&arg) {
        true => arg.env(Resettable::Reset),
        false => arg,
    });
    command.mut_subcommands(without_empty_variables)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What a flag means: what its value is called, what it may be, and what it does.
    #[derive(Debug, PartialEq)]
    struct Meaning {
        value_names: String,
        possible: Vec<String>,
        help: String,
    }

    impl Meaning {
        fn of(arg: &Arg) -> Self {
            let possible = arg.get_possible_values().into_iter();
            Self {
                value_names: format!("{:?}", arg.get_value_names()),
                possible: possible.map(|one| one.get_name().to_owned()).collect(),
                help: arg.get_help().unwrap().to_string(),
            }
        }
    }

    /// Each variable of `command` and of those below it, with each flag that reads it.
    fn collect(command: &Command, found: &mut BTreeMap<String, Vec<(String, Meaning)>>) {
        for arg in command.get_arguments() {
            if let Some(name) = arg.get_env() {
                let name = name.to_str().unwrap().to_owned();
                let flag = format!("{} {}", command.get_name(), arg.get_id());
                let flags = found.entry(name).or_default();
                flags.push((flag, Meaning::of(arg)));
            }
        }
        command
            .get_subcommands()
            .for_each(|one| collect(one, found));
    }

    #[test]
    fn a_variable_means_the_same_everywhere() {
        let mut found = BTreeMap::new();
        collect(&command(), &mut found);
        assert!(found["TASKDYNO_FILTER"].len() > 3);
        for (variable, flags) in &found {
            for (flag, meaning) in flags {
                let (first, expected) = &flags[0];
                assert_eq!(meaning, expected, "{variable}: {flag}, {first}");
            }
        }
    }
}
