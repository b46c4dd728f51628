//! The command line as clap sees it.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::Styles;
use clap::{CommandFactory, FromArgMatches};

use super::CommandLine;
use super::out::tell_refusal;

/// Reads the command line.
///
/// # Errors
///
/// The exit code, after help, a version or a refusal was printed.
pub(super) fn parse() -> Result<CommandLine, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let read = |mut command: clap::Command| {
        let matches = command.try_get_matches_from_mut(&arguments)?;
        CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    };
    let error = match read(CommandLine::command()) {
        Ok(line) => return Ok(line),
        Err(error) => error,
    };
    if !error.use_stderr() {
        // Help or a version, which are words of our own. Whoever reads them may have gone.
        let _ = error.print();
        return Err(ExitCode::SUCCESS);
    }
    // A refusal repeats arguments, and among styles of clap's they could not be told from those.
    let plain = read(CommandLine::command().styles(Styles::plain())).err();
    tell_refusal(&plain.unwrap_or(error).render().ansi().to_string());
    Err(ExitCode::from(super::USAGE))
}
