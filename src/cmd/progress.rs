//! How far a command has come, for people who wait, and whether they still want it to go on.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tell;
use crate::case::Idle;
use crate::text;

/// The bar is redrawn this often: often enough to look alive, rarely enough not to disturb.
const REDRAW: Duration = Duration::from_millis(250);
/// Where there is no terminal, a line is written this often.
const LINE: Duration = Duration::from_secs(10);

/// The first signal that asked the command to end; 0 as long as there was none.
static INTERRUPT: AtomicI32 = AtomicI32::new(0);

/// From now on Ctrl-C, requests to terminate and the end of the terminal are noted, and the command ends in good order.
///
/// A handler notes them, and no thread that waits for them: where none can be started, the run is to go on, and can
/// still be ended.
pub(super) fn catch_interrupt() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        note_from_now_on(signal);
    }
}

fn note_from_now_on(signal: libc::c_int) {
    extern "C" fn note(signal: libc::c_int) {
        // Atomics are allowed in a handler. Relaxed: a number that stands for itself.
        let _ = INTERRUPT.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
    }
    // SAFETY: all bytes zero is the default action, without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: it only writes the present action to a valid place. The signals are known and can be caught, so it
    // cannot fail.
    unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
    // Whoever started it with `nohup` wants it to outlive the terminal.
    if signal == libc::SIGHUP && action.sa_sigaction == libc::SIG_IGN {
        return;
    }
    action.sa_sigaction = note as extern "C" fn(libc::c_int) as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does nothing but what handlers may do. It cannot fail, as above.
    unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
}

/// Whether the command is to end.
pub(super) fn is_interrupted() -> bool {
    // Relaxed: see the handler.
    INTERRUPT.load(Ordering::Relaxed) != 0
}

/// The exit code of a command that was made to end: 128 and the number of the signal, as shells have it.
pub(super) fn interrupted() -> u8 {
    // Relaxed: see the handler. The numbers are 1, 2 and 15.
    128 + INTERRUPT.load(Ordering::Relaxed) as u8
}

/// Progress on standard error: a bar on a terminal, a line now and then elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    /// What is counted: "cases".
    noun: &'static str,
    quiet: bool,
    is_terminal: bool,
    last_line: Instant,
}

impl Progress {
    /// Progress through this many of what `noun` says.
    pub(super) fn new(total: usize, noun: &'static str, quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = match is_terminal && !quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {wide_msg}")
            .expect("the template is well formed");
        let bar = ProgressBar::with_draw_target(Some(total as u64), target).with_style(style);
        if !quiet && !is_terminal {
            tell(&format!("measuring {total} {noun}"));
        }
        Self {
            bar,
            noun,
            quiet,
            is_terminal,
            last_line: Instant::now(),
        }
    }

    /// Something begins.
    pub(super) fn begin(&mut self, what: &str) {
        self.bar.set_message(text::line(what));
    }

    /// This many are still to come: more, or fewer, than was thought.
    pub(super) fn set_left(&mut self, left: u64) {
        self.bar.set_length(self.bar.position() + left);
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.bar.inc(1);
        if !self.quiet && !self.is_terminal && self.last_line.elapsed() >= LINE {
            self.last_line = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let left = self.bar.eta().as_secs();
            tell(&format!(
                "{done} of {total} {}, about {left} s left",
                self.noun
            ));
        }
    }

    /// Says something, quiet or not.
    pub(super) fn tell(&self, line: &str) {
        self.bar.suspend(|| tell(line));
    }

    pub(super) fn close(&self) {
        self.bar.finish_and_clear();
    }
}

impl Idle for Progress {
    fn idle(&mut self) -> Instant {
        self.bar.tick();
        Instant::now() + REDRAW
    }

    fn is_cancelled(&self) -> bool {
        is_interrupted()
    }
}
