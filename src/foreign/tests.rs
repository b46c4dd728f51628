use std::fs::{self, File};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, Mode, mkfifoat};
use tempfile::TempDir;

use super::*;

fn limits(time: Option<Duration>, output_bytes: usize) -> Limits<'static> {
    Limits {
        time,
        output_bytes,
        is_cancelled: &|| false,
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

#[test]
fn what_a_program_writes_and_how_it_ends_is_kept() {
    let mut command = shell("cat; echo word; echo complaint >&2; exit 3");
    let finished = run(&mut command, &limits(None, 5)).unwrap();
    assert_eq!(finished.output, b"word\n");
    assert_eq!(finished.last_words, "complaint");
    assert_eq!(finished.status.code(), Some(3));
    let none = run(&mut Command::new("/no/such/program"), &limits(None, 5)).unwrap_err();
    assert!(matches!(none, ForeignError::Start { .. }), "{none}");
}

#[test]
fn of_endless_complaints_the_end_is_kept() {
    let script = "yes complaint | head -c 1000000 >&2; echo last >&2";
    let finished = run(&mut shell(script), &limits(None, 0)).unwrap();
    assert!(finished.last_words.ends_with("last"));
    assert!(finished.last_words.len() <= LAST_WORDS_BYTES);
}

#[test]
fn a_program_without_end_is_killed() {
    let endless = run(&mut shell("exec yes"), &limits(None, 1000)).unwrap_err();
    assert!(
        matches!(
            endless,
            ForeignError::Output {
                limit_bytes: 1000,
                ..
            }
        ),
        "{endless}"
    );
    let time = Some(Duration::from_millis(1));
    let silent = run(&mut shell("exec tail -f /dev/null"), &limits(time, 0)).unwrap_err();
    assert!(matches!(silent, ForeignError::Timeout { .. }), "{silent}");
}

/// A named pipe.
fn fifo(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("fifo");
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    path
}

#[test]
fn a_program_is_killed_with_what_it_has_started() {
    let folder = TempDir::new().unwrap();
    let fifo = fifo(&folder);
    let has_begun = AtomicBool::new(false);
    let limits = Limits {
        // Relaxed: a flag on which no other data depends.
        is_cancelled: &|| has_begun.load(Ordering::Relaxed),
        ..limits(None, 0)
    };
    let script = format!(
        "exec 9>'{}'; tail -f /dev/null & echo begun >&9; wait",
        fifo.display()
    );
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut pipe = File::open(&fifo).unwrap();
            pipe.read_exact(&mut [0; 6]).unwrap();
            // Relaxed: as above.
            has_begun.store(true, Ordering::Relaxed);
            // Ends when no process holds the pipe open.
            pipe.read_to_end(&mut Vec::new()).unwrap()
        });
        let cancelled = run(&mut shell(&script), &limits).unwrap_err();
        assert!(
            matches!(cancelled, ForeignError::Cancelled { .. }),
            "{cancelled}"
        );
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn a_program_that_leaves_others_behind_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let fifo = fifo(&folder);
    // It holds the output open until something is written to the pipe.
    let script = format!("cat '{}' & echo word", fifo.display());
    let finished = run(&mut shell(&script), &limits(None, 5)).unwrap();
    assert_eq!(finished.output, b"word\n");
    fs::write(&fifo, "").unwrap();
}
