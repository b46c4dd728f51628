//! A program with a kernel of its own, whose constant an environment variable sets. Two shell scripts that set it
//! differently stand for two builds between which the kernel has changed.
//!
//! ```text
//! CONSTANT=3 cargo run --example constant -- run --workloads examples/constant.toml constant --out target/constant
//! ```

use std::io;
use std::process::ExitCode;

use taskdyno::prelude::*;

fn main() -> ExitCode {
    Harness::new().kernel(ScaleKind).main()
}

/// A task that multiplies its seed by the constant.
struct ScaleKind;

impl KernelKind for ScaleKind {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn why(&self) -> &'static str {
        "multiplies the seed by a constant of this build"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn build(&self, _: &Parameters, _: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        let constant = std::env::var("CONSTANT").unwrap_or_else(|_| "1".into());
        constant
            .parse()
            .map(|constant| Box::new(Scale(constant)) as Box<dyn Kernel>)
            .map_err(|_| io::Error::other(format!("CONSTANT is {constant:?}: expected a number")))
    }
}

struct Scale(u64);

impl Kernel for Scale {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        seed.wrapping_mul(self.0)
    }
}
