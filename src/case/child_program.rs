//! How the child of a case is started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::ChildProcess;
use crate::external::External;
use crate::record::{Case, CaseError, ErrorKind};
use crate::system::Root;
use crate::system::limit::cannot_start;

/// How to start a child.
#[derive(Debug, Clone)]
pub struct ChildProgram(Start);

#[derive(Debug, Clone)]
enum Start {
    /// A build of taskdyno, or a program that uses the harness.
    Build(PathBuf),
    /// The program of an external backend.
    External(&'static External),
}

impl ChildProgram {
    /// A build of taskdyno, or a program that uses the harness.
    pub fn of_build(program: &Path) -> Self {
        Self(Start::Build(program.into()))
    }

    /// The program of an external backend.
    pub(crate) fn of_external(external: &'static External) -> Self {
        Self(Start::External(external))
    }

    /// The backend, if it is an external one.
    pub(crate) fn external(&self) -> Option<&'static External> {
        match self.0 {
            Start::Build(_) => None,
            Start::External(external) => Some(external),
        }
    }

    fn command(&self, case: &Case) -> io::Result<Command> {
        match &self.0 {
            Start::Build(program) => {
                let mut command = Command::new(program);
                command.arg("child");
                Ok(command)
            }
            Start::External(external) => external.to_command(case),
        }
    }

    /// Starts the child of `case`.
    pub(super) fn spawn(&self, case: &Case, timeout: Duration) -> Result<ChildProcess, CaseError> {
        let spawned = self
            .command(case)
            .and_then(|command| ChildProcess::spawn(command, timeout, Root::default()));
        spawned.map_err(|error| {
            let message = match &self.0 {
                Start::Build(program) => cannot_start(program.display(), &error).to_string(),
                Start::External(external) => external.cannot_start(&error),
            };
            CaseError::new(ErrorKind::SetUp, message)
        })
    }
}
