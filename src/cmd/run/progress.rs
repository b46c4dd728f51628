//! How far `run` has come, for people who wait.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::case::Idle;
use crate::cmd::tell;
use crate::record::Record;

/// The bar is redrawn this often: often enough to look alive, rarely enough not to disturb.
const REDRAW: Duration = Duration::from_millis(250);
/// Where there is no terminal, a line is written this often.
const LINE: Duration = Duration::from_secs(10);

/// Progress on standard error: a bar on a terminal, a line now and then elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    quiet: bool,
    is_terminal: bool,
    last_line: Instant,
    interrupt: &'static AtomicBool,
}

impl Progress {
    pub(super) fn new(total: usize, quiet: bool, interrupt: &'static AtomicBool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = match is_terminal && !quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {wide_msg}")
            .expect("the template is well formed");
        let bar = ProgressBar::with_draw_target(Some(total as u64), target).with_style(style);
        if !quiet && !is_terminal {
            tell(&format!("measuring {total} cases"));
        }
        Self {
            bar,
            quiet,
            is_terminal,
            last_line: Instant::now(),
            interrupt,
        }
    }

    pub(super) fn begin(&mut self, id: &str) {
        self.bar.set_message(id.to_owned());
    }

    pub(super) fn end(&mut self, record: &Record) {
        if let Some(error) = &record.error {
            let line = format!("{}: {}: {}", record.case.id(), error.kind, error.message);
            self.bar.suspend(|| tell(&line));
        }
        self.bar.inc(1);
        if !self.quiet && !self.is_terminal && self.last_line.elapsed() >= LINE {
            self.last_line = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let left = self.bar.eta().as_secs();
            tell(&format!("{done} of {total} cases, about {left} s left"));
        }
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
        // Relaxed: a flag that stands for itself.
        self.interrupt.load(Ordering::Relaxed)
    }
}
