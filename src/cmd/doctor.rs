//! `doctor`: checks whether this machine is fit for measuring, and says which MPI it has.

use std::process::Command;
use std::time::Duration;

use super::{CommandResult, OK, say};
use crate::external::is_in_path;
use crate::foreign::{Limits, run};
use crate::machine::doctor;

/// The program that starts ranks, and the child of the backend `mpi`.
const PROGRAMS: [&str; 2] = ["mpirun", "taskdyno-mpi"];

/// What to do if they are not there.
const REMEDIES: [&str; 2] = [
    "sudo apt install mpich libmpich-dev libclang-dev",
    "cargo install --locked --path mpi, in the sources of taskdyno",
];

pub(super) fn main() -> CommandResult {
    let [has_launcher, has_child] = PROGRAMS.map(is_in_path);
    let launcher = has_launcher.then(launcher_version);
    say(&mpi(launcher.as_deref(), has_child))?;
    say(&doctor::render(&doctor::examine()))?;
    Ok(OK)
}

/// What `mpirun --version` writes; empty if it does not answer.
fn launcher_version() -> String {
    let limits = Limits {
        time: Some(Duration::from_secs(10)),
        output_bytes: 1 << 20,
        is_cancelled: &|| false,
    };
    let output = run(Command::new(PROGRAMS[0]).arg("--version"), &limits);
    let written = output.map(|output| output.output).unwrap_or_default();
    String::from_utf8_lossy(&written).into_owned()
}

/// Which MPI is there, and what is missing for the backend `mpi`. `version` is what the launcher says of itself, if there
/// is one.
fn mpi(version: Option<&str>, has_child: bool) -> String {
    let is_there = [version.is_some(), has_child];
    let name = version.map_or("not found".into(), launcher_name);
    let missing = is_there.iter().zip(REMEDIES).filter(|(is, _)| !**is);
    let remedies: Vec<&str> = missing.map(|(_, remedy)| remedy).collect();
    if remedies.is_empty() {
        return format!("MPI: {name}; `{}` is there\n\n", PROGRAMS[1]);
    }
    let child = match has_child {
        true => "",
        false => "; `taskdyno-mpi` is not in PATH",
    };
    format!(
        "MPI: {name}{child}\n  why: the backend `mpi` needs both; all others work without\n  do:  {}\n\n",
        remedies.join("; then ")
    )
}

/// Which MPI a launcher that writes this belongs to.
fn launcher_name(version: &str) -> String {
    let lines = || version.lines().map(str::trim);
    let first = lines().find(|line| !line.is_empty()).unwrap_or_default();
    if let Some(number) = first.strip_prefix("mpirun (Open MPI) ") {
        return format!("Open MPI {number}");
    }
    if first.starts_with("HYDRA") {
        let number = lines().find_map(|line| line.strip_prefix("Version:"));
        let number = number.unwrap_or_default().trim();
        return format!("MPICH, or an MPI that has its launcher, HYDRA {number}");
    }
    match first {
        "" => "`mpirun` does not say which it is".into(),
        other => format!("`mpirun` says \"{other}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_is_named_by_what_it_writes() {
        let hydra = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: x\n";
        for (version, expected) in [
            (hydra, "MPICH, or an MPI that has its launcher, HYDRA 4.0.2"),
            (
                "mpirun (Open MPI) 4.1.4\n\nReport bugs to ..\n",
                "Open MPI 4.1.4",
            ),
            ("\n Other MPI 7\n", "`mpirun` says \"Other MPI 7\""),
            ("", "`mpirun` does not say which it is"),
        ] {
            assert_eq!(launcher_name(version), expected);
        }
    }

    #[test]
    fn only_what_is_missing_is_to_be_installed() {
        let remedy = |version, has_child| {
            let text = mpi(version, has_child);
            text.lines()
                .find(|line| line.contains("do:"))
                .map(String::from)
        };
        let open = Some("mpirun (Open MPI) 4.1.4");
        assert_eq!(remedy(open, true), None);
        let child = "  do:  cargo install --locked --path mpi, in the sources of taskdyno";
        assert_eq!(remedy(open, false).as_deref(), Some(child));
        let both = remedy(None, false).unwrap();
        assert!(
            both.contains("apt install mpich") && both.contains("; then cargo"),
            "{both}"
        );
        assert!(!remedy(None, true).unwrap().contains("cargo"));
        assert!(mpi(None, true).starts_with("MPI: not found\n"));
    }
}
