//! The whole command line as a value, so that a user's own binary can add to it.

use std::process::ExitCode;

use crate::backend::Backend;
use crate::cmd::Program;
use crate::kernel::KernelKind;
use crate::pattern::Pattern;
use crate::registry::Registry;

/// Builds a command line with backends, kernels and patterns of one's own beside the built-in ones.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     taskdyno::Harness::new().main()
/// }
/// ```
#[derive(Default, Clone)]
pub struct Harness {
    registry: Registry,
    program: Program,
}

impl Harness {
    /// A harness with what is built in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend. It must keep to the contract of [`Backend`]; every run of it is verified.
    #[must_use]
    pub fn backend(mut self, backend: &'static dyn Backend) -> Self {
        self.registry.backends.push(backend);
        self
    }

    /// Adds a kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: &'static dyn KernelKind) -> Self {
        self.registry.kernels.push(kernel);
        self
    }

    /// Adds a pattern.
    #[must_use]
    pub fn pattern(mut self, pattern: &'static dyn Pattern) -> Self {
        self.registry.patterns.push(pattern);
        self
    }

    /// Adds workloads to those that are built in. Each item is the name of a file, for messages, and its text:
    /// `("render.toml", include_str!("render.toml"))`. They cannot name graph files.
    /// A mistake in a text is reported as that of any workload file.
    #[must_use]
    pub fn workloads(
        mut self,
        files: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        self.registry.workloads.extend(files);
        self
    }

    /// Sets what the program calls itself in help, completions and messages. By default that is the name of the file
    /// that was started.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.program.name = Some(name.into());
        self
    }

    /// Sets the version of the program, such as `env!("CARGO_PKG_VERSION")`. `--version` prints it before that of
    /// taskdyno.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.program.version = Some(version.into());
        self
    }

    /// Reads the command line and does what it says. A name that is taken already, or that the id of a case cannot
    /// hold, is refused with exit code 2, whatever the command line says. Call it from `main` before any thread is started:
    /// process backends fork.
    pub fn main(self) -> ExitCode {
        crate::cmd::main(&self.registry, &self.program)
    }
}
