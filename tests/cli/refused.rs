//! What is said where the system refuses what a runtime needs.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{assert_complains, assert_says, taskdyno};

/// Makes the system refuse `io_uring` to the process of `command`, as the default profiles of containers do.
fn without_io_uring(command: &mut Command) -> &mut Command {
    let step = |code: u32, k: u32, jt, jf| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let (load, jump) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
    );
    let mut filter = [
        // The number of the system call is the first word of what a filter sees.
        step(load, 0, 0, 0),
        step(jump, libc::SYS_io_uring_setup as u32, 0, 1),
        step(
            libc::BPF_RET,
            libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
            0,
            0,
        ),
        step(libc::BPF_RET, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let install = move || {
        let program = libc::sock_fprog {
            len: filter.len() as u16,
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: Only a process without new privileges may install a filter; this call takes no pointer.
        let bound = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        let mode = libc::SECCOMP_MODE_FILTER;
        // SAFETY: The program and its filter live until the call, which copies them, has returned.
        let installed = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
        match bound == 0 && installed == 0 {
            true => Ok(()),
            false => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: Between fork and exec, the closure only makes these two system calls.
    unsafe { command.pre_exec(install) }
}

const REFUSALS: [&str; 2] = [
    "`monoio` needs io_uring, which this system refuses (Operation not permitted",
    "`glommio` needs io_uring, which this system refuses (Operation not permitted",
];

#[test]
fn backends_that_need_io_uring_say_so_where_it_is_refused() {
    let output = without_io_uring(&mut taskdyno()).arg("list").output();
    assert_says(&output.unwrap(), 0, &REFUSALS);

    let mut dry_run = taskdyno();
    dry_run.args(["run", "empty/pattern=chain/", "--workers", "2", "--dry-run"]);
    dry_run.args(["--backends", "serial,monoio,glommio"]);
    let output = without_io_uring(&mut dry_run).output().unwrap();
    assert_complains(&output, 0, &REFUSALS);
    assert_says(&output, 0, &["empty/pattern=chain/serial/1\n"]);
}

#[test]
fn tasks_that_wait_are_not_applicable_on_may() {
    let mut dry_run = taskdyno();
    dry_run.args(["run", "sleep", "--backends", "may", "--dry-run"]);
    let output = dry_run.output().unwrap();
    assert_complains(&output, 2, &["no task can wait on `may`: may 0.3.51"]);
}

#[test]
fn what_cannot_be_written_says_what_to_do_in_words_of_the_command() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let run = ["run", "empty", "--backends", "serial", "--out"];
    let metg = ["metg", "hash-cpu", "--backends", "static", "--out"];
    let flag = "a file is in the place of a folder: choose another folder with --out DIR";
    let no_flag = "a file is in the place of a folder: choose another folder\n";
    for (command, expected) in [(&run[..], flag), (&metg, flag), (&["man-pages"], no_flag)] {
        let output = taskdyno().args(command).arg(&file).output().unwrap();
        assert_complains(&output, 2, &[expected]);
    }
}
