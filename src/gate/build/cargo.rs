//! Builds the program of a checkout.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::Target;
use super::error::ProgramError;
use crate::foreign::git::HOOK_VARIABLES;
use crate::foreign::{Limits, run_in_view};

/// The limit on cargo's output. Cargo writes a few kilobytes for each target of each package.
const MOST_BYTES: usize = 256 << 20;
/// rustup sets this variable for the programs that it starts.
const BELOW_PROXY: &str = "RUST_RECURSION_COUNT";

/// What to build.
pub(super) struct Order<'a> {
    /// Its name on the command line.
    pub(super) name: &'a str,
    pub(super) target: &'a Target,
    /// The root of the checkout.
    pub(super) checkout: &'a Path,
    /// The folder in the checkout to build in.
    pub(super) folder: &'a Path,
    /// The target folder.
    pub(super) target_folder: &'a Path,
}

/// Builds the requested program and returns its path.
pub(super) fn build(
    order: &Order<'_>,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<PathBuf, ProgramError> {
    let name = order.name;
    if !order.folder.is_dir() {
        let below = order.folder.strip_prefix(order.checkout);
        return Err(ProgramError::NoFolder {
            name: name.into(),
            folder: below.unwrap_or(order.folder).into(),
        });
    }
    let limits = Limits {
        time: None,
        output_bytes: MOST_BYTES,
        is_cancelled,
    };
    let finished = run_in_view(&mut command(order), &limits).map_err(ProgramError::Cargo)?;
    if !finished.status.success() {
        return Err(ProgramError::NotBuilt(name.into()));
    }
    only_one(
        executables(&String::from_utf8_lossy(&finished.output)),
        name,
    )
}

fn command(order: &Order<'_>) -> Command {
    let mut command = cargo(order);
    command.current_dir(order.folder);
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    let profile = order.target.profile.as_deref();
    command.args(["--profile", profile.unwrap_or("release")]);
    command.arg("--target-dir").arg(order.target_folder);
    for (flag, value) in [
        ("--package", &order.target.package),
        ("--bin", &order.target.bin),
        ("--features", &order.target.features),
    ] {
        if let Some(value) = value {
            command.args([flag, value]);
        }
    }
    if let Some(flags) = &order.target.rustflags {
        // The encoded form takes precedence over the other.
        command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env("RUSTFLAGS", flags);
    }
    // A build script that calls git must get the checkout.
    for variable in HOOK_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Returns the command for cargo. Below `cargo run`, rustup has already chosen the toolchain of the working tree for
/// all child processes. A commit that names its own toolchain must be built with that.
fn cargo(order: &Order<'_>) -> Command {
    let mut folders = order.folder.ancestors();
    let has_toolchain = folders
        .by_ref()
        .take_while(|folder| folder.starts_with(order.checkout))
        .any(|folder| {
            let files = ["rust-toolchain", "rust-toolchain.toml"];
            files.iter().any(|file| folder.join(file).is_file())
        });
    if has_toolchain && env::var_os(BELOW_PROXY).is_some() {
        let mut command = Command::new("cargo");
        for variable in ["RUSTUP_TOOLCHAIN", BELOW_PROXY] {
            command.env_remove(variable);
        }
        return command;
    }
    // CI passes an empty value for an unset input.
    let cargo = env::var_os("CARGO").filter(|cargo| !cargo.is_empty());
    Command::new(cargo.unwrap_or_else(|| "cargo".into()))
}

fn only_one(mut programs: Vec<PathBuf>, name: &str) -> Result<PathBuf, ProgramError> {
    match (programs.pop(), programs.is_empty()) {
        (Some(program), true) => Ok(program),
        (None, _) => Err(ProgramError::NoBinary(name.into())),
        (Some(last), false) => {
            programs.push(last);
            let names = programs.iter().filter_map(|path| path.file_name());
            Err(ProgramError::SeveralBinaries {
                name: name.into(),
                binaries: names.map(|name| name.to_string_lossy().into()).collect(),
            })
        }
    }
}

/// The executables in cargo's messages.
fn executables(messages: &str) -> Vec<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let messages = messages.lines().map(serde_json::from_str);
    let messages = messages.filter_map(|message: Result<Message, _>| message.ok());
    messages.filter_map(|message| message.executable).collect()
}
