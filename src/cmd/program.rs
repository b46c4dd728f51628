//! The command line of the program: its name, its version, and its commands in clap.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, Resettable, StyledStr, Styles};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, CommandFactory, FromArgMatches, ValueEnum};

use super::brief::brief;
use super::measuring::cannot_write_to;
use super::out::{TASKDYNO, in_name, say, say_help, tell_refusal};
use super::{ColorChoice, CommandLine, CommandResult, OK, USAGE, set_color};
use crate::disk;
use crate::registry::Registry;
use crate::text;
use crate::workload;

/// The name and the version of the program, if its `Harness` sets them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Program {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

impl Program {
    /// The name from the `Harness`, or the name of the executable file.
    pub(super) fn own_name(&self) -> String {
        let started = std::env::args_os().next();
        let file = started
            .as_ref()
            .and_then(|path| Path::new(path).file_name());
        let file = file.map(|name| text::line(&name.to_string_lossy()));
        let name = self.name.clone().or(file);
        name.unwrap_or_else(|| TASKDYNO.into())
    }

    /// Parses the command line.
    ///
    /// # Errors
    ///
    /// Returns the exit code after printing help, the version or an error.
    pub(super) fn parse(&self) -> Result<CommandLine, ExitCode> {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let read = |command: Command| {
            let mut command = without_empty_variables(command);
            let matches = command.try_get_matches_from_mut(&arguments)?;
            CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        };
        // What follows `help` is a command, whose help is long.
        let wants_all = |one: &OsString| one == "--help-all" || one == "help";
        let is_brief = !arguments.iter().any(wants_all);
        let error = match read(self.command(is_brief)) {
            Ok(line) => return Ok(line),
            Err(error) => error,
        };
        set_color(color(&arguments));
        if !error.use_stderr() {
            say_help(&error.render());
            return Err(ExitCode::SUCCESS);
        }
        // The error repeats arguments. Parse again without styles, so that escape sequences in an argument cannot pass
        // for styles.
        let plain = read(self.command(is_brief).styles(Styles::plain())).err();
        let error = plain.unwrap_or(error);
        let mut message = error.render().ansi().to_string();
        if let Some(variable) = variable_behind(&error, &self.command(false), &arguments) {
            message += &format!("The value comes from the environment variable {variable}.\n");
        }
        tell_refusal(&message);
        Err(ExitCode::from(USAGE))
    }

    /// Prints a completion script, which also knows the names of all backends and workloads.
    pub(super) fn completions(
        &self,
        shell: clap_complete::Shell,
        registry: &Registry,
    ) -> CommandResult {
        let mut script = Vec::new();
        let mut command = with_names(self.command(false), registry);
        clap_complete::generate(shell, &mut command, self.own_name(), &mut script);
        say(&String::from_utf8_lossy(&script))?;
        Ok(OK)
    }

    /// Writes one manual page per command into a folder.
    pub(super) fn manual_pages(&self, folder: &Path) -> CommandResult {
        disk::create_folder(folder).map_err(|error| cannot_write_to(folder, &error, ""))?;
        let command = self.command(false);
        clap_mangen::generate_to(command, folder)
            .map_err(|error| cannot_write_to(folder, &error, ""))?;
        Ok(OK)
    }

    /// All commands and flags, with the name of the program. If `is_brief`, help leaves out what few people use.
    fn command(&self, is_brief: bool) -> Command {
        // `--baseline` has its own variable for `compare`, where it replaces the base. For `run`, it adds a comparison.
        let own_variable = |baseline: Arg| baseline.env("TASKDYNO_COMPARE_BASELINE");
        let compare = |compare: Command| compare.mut_arg("baseline", own_variable);
        let name = self.own_name();
        let command = brief(CommandLine::command(), is_brief, &|text| {
            text.replace(TASKDYNO, &name)
        });
        named(command, &name)
            .version(self.version_beside(&name))
            .bin_name(name.clone())
            .name(name)
            .mut_subcommand("compare", compare)
    }

    /// The version that `--version` prints after the name: `0.1.0`, or `1.2.3 (taskdyno 0.1.0)` for a user's own
    /// program.
    fn version_beside(&self, name: &str) -> String {
        const OURS: &str = env!("CARGO_PKG_VERSION");
        match &self.version {
            Some(version) => format!("{version} ({TASKDYNO} {OURS})"),
            None if name == TASKDYNO => OURS.into(),
            None => format!("({TASKDYNO} {OURS})"),
        }
    }
}

/// The same commands, whose filters and lists of backends can be completed.
fn with_names(command: Command, registry: &Registry) -> Command {
    let workloads = workload::builtin(registry).unwrap_or_default();
    let workloads: Vec<String> = workloads.into_iter().map(|one| one.name).collect();
    let backends: Vec<String> = registry
        .backends
        .iter()
        .map(|one| one.name().into())
        .collect();
    let command = command.mut_args(|arg| {
        let names = match arg.get_id().as_str() {
            "filters" => &workloads,
            "backends" => &backends,
            _ => return arg,
        };
        arg.value_parser(PossibleValuesParser::new(names))
    });
    command.mut_subcommands(|one| with_names(one, registry))
}

/// The same commands, with the name of the program in their help.
fn named(mut command: Command, name: &str) -> Command {
    let renamed =
        |text: Option<&StyledStr>| text.map(|text| in_name(name, &text.ansi().to_string()));
    if let Some(about) = renamed(command.get_about()) {
        command = command.about(about);
    }
    if let Some(about) = renamed(command.get_long_about()) {
        command = command.long_about(about);
    }
    let command = command.mut_args(|mut arg| {
        if let Some(help) = renamed(arg.get_help()) {
            arg = arg.help(help);
        }
        match renamed(arg.get_long_help()) {
            Some(help) => arg.long_help(help),
            None => arg,
        }
    });
    command.mut_subcommands(|one| named(one, name))
}

/// When to use colour for help and parse errors, which clap produces before it returns the parsed flags.
fn color(arguments: &[OsString]) -> ColorChoice {
    let text = |value: &OsString| value.to_string_lossy().into_owned();
    let flag = arguments.iter().enumerate().find_map(|(index, argument)| {
        let argument = text(argument);
        match argument.strip_prefix("--color")? {
            "" => arguments.get(index + 1).map(text),
            rest => rest.strip_prefix('=').map(str::to_owned),
        }
    });
    let wanted = flag.or_else(|| std::env::var("TASKDYNO_COLOR").ok());
    let wanted = wanted.and_then(|wanted| ColorChoice::from_str(&wanted, false).ok());
    wanted.unwrap_or(ColorChoice::Auto)
}

/// The variable of the environment that has the value which `error` refuses; `None` if the flag is on the command line.
fn variable_behind(
    error: &clap::Error,
    command: &Command,
    arguments: &[OsString],
) -> Option<String> {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    // It also has the name of the value, such as `--workers <COUNTS>`.
    let flag = named.split([' ', '=', '[']).next()?;
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    if words.any(|word| word.starts_with(flag)) {
        return None;
    }
    let words = arguments.iter().skip(1);
    let command = words.fold(command, |command, word| {
        command.find_subcommand(word).unwrap_or(command)
    });
    let is_meant = |arg: &&Arg| {
        arg.get_long()
            .is_some_and(|long| flag == format!("--{long}"))
    };
    let variable = command.get_arguments().find(is_meant)?.get_env()?;
    let is_set = std::env::var_os(variable).is_some();
    is_set.then(|| variable.to_string_lossy().into_owned())
}

/// The same commands, without environment variables that are set to an empty value: a CI job sets these for inputs that
/// were not given.
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
        collect(&Program::default().command(false), &mut found);
        assert!(found["TASKDYNO_FILTER"].len() > 3);
        for (variable, flags) in &found {
            for (flag, meaning) in flags {
                let (first, expected) = &flags[0];
                assert_eq!(meaning, expected, "{variable}: {flag}, {first}");
            }
        }
    }

    #[test]
    fn a_program_of_its_own_goes_by_its_own_name() {
        let program = Program {
            name: Some("mine".into()),
            version: Some("1.2.3".into()),
        };
        let ours = env!("CARGO_PKG_VERSION");
        let mut command = program.command(false);
        let version = command.render_version();
        assert_eq!(version, format!("mine 1.2.3 (taskdyno {ours})\n"));
        let help = command.render_long_help().to_string();
        assert!(help.contains("Start with `mine run`"), "{help}");
        assert!(help.contains("Usage: mine "), "{help}");

        let name = Some("taskdyno".into());
        let version = None;
        let version = Program { name, version }.command(false).render_version();
        assert_eq!(version, format!("taskdyno {ours}\n"));
    }
}
