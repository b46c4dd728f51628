//! The whole command line as a value, so that a user's own program can extend it.

use std::process::ExitCode;

use crate::backend::Backend;
use crate::cmd::Program;
use crate::kernel::KernelKind;
use crate::pattern::Pattern;
use crate::registry::Registry;

/// A command line with additional backends, kernels, patterns and workloads.
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
    /// Creates a harness with everything that is built in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend. It must follow the contract of [`Backend`]. Every run of it is verified.
    #[must_use]
    pub fn backend(mut self, backend: impl Backend + 'static) -> Self {
        self.registry.backends.push(kept(backend));
        self
    }

    /// Adds a kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: impl KernelKind + 'static) -> Self {
        self.registry.kernels.push(kept(kernel));
        self
    }

    /// Adds a pattern.
    #[must_use]
    pub fn pattern(mut self, pattern: impl Pattern + 'static) -> Self {
        self.registry.patterns.push(kept(pattern));
        self
    }

    /// Adds workloads to the built-in ones. Each item is the name of a file, for messages, and its text:
    /// `("render.toml", include_str!("render.toml"))`. The text cannot name graph files. Mistakes in it are reported
    /// like those in any workload file.
    #[must_use]
    pub fn workloads(
        mut self,
        files: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        self.registry.workloads.extend(files);
        self
    }

    /// Sets the name of the program in help, completions and messages. The default is the name of the executable file.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.program.name = Some(name.into());
        self
    }

    /// Sets the version of the program, such as `env!("CARGO_PKG_VERSION")`. `--version` prints it, followed by the
    /// version of taskdyno.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.program.version = Some(version.into());
        self
    }

    /// Parses the command line, runs the command, and returns its exit code. If an added item has a name that is not
    /// unique or not valid, prints an error and returns exit code 2 for every command.
    ///
    /// Call it from `main` before starting any thread, because process backends fork.
    pub fn main(self) -> ExitCode {
        crate::cmd::main(&self.registry, &self.program)
    }
}

/// Keeps a value until the program ends, because the registry hands out references to it.
fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
