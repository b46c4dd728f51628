//! What the program says to people who type its name.

use std::process::{Command, Output};

fn output(words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_taskdyno-mpi"));
    program.args(words).output().unwrap()
}

#[test]
fn help_and_version_are_answers() {
    for (words, expected) in [
        ("--help", "usage: mpirun -n RANKS taskdyno-mpi child"),
        ("-h", "usage: "),
        ("help", "usage: "),
        (
            "--version",
            concat!("taskdyno-mpi ", env!("CARGO_PKG_VERSION"), "\n"),
        ),
        ("-V", "taskdyno-mpi "),
    ] {
        let said = output(&[words]);
        assert_eq!(said.status.code(), Some(0), "{words}");
        let text = String::from_utf8(said.stdout).unwrap();
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with('\n') && said.stderr.is_empty());
    }
}

#[test]
fn a_wrong_command_line_is_named_before_the_usage() {
    for (words, expected) in [
        (
            &["chidl"][..],
            "taskdyno-mpi: there is no command `chidl`\nusage: ",
        ),
        (
            &["child", "--foo", "x"],
            "taskdyno-mpi: `child` does not take `--foo x`\nusage: ",
        ),
        (
            &["child", "--fault=none"],
            "taskdyno-mpi: `child` does not take `--fault=none`\n",
        ),
        (
            &["probe", "--fixed"],
            "taskdyno-mpi: `probe` does not take `--fixed`\nusage: ",
        ),
        (&[], "taskdyno-mpi: a command is missing\nusage: "),
    ] {
        let said = output(words);
        assert_eq!(said.status.code(), Some(2), "{words:?}");
        let text = String::from_utf8(said.stderr).unwrap();
        assert!(text.starts_with(expected), "{text}");
        assert!(said.stdout.is_empty());
    }
}
