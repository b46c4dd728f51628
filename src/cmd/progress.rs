//! Shows the progress of a command, and detects interruption by the user.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tell;
use crate::case::Idle;
use crate::machine::ticks::{CoreTicks, CpuTicks};
use crate::text;

/// How often to redraw the bar: often enough to look alive, rarely enough not to disturb measurements.
const REDRAW: Duration = Duration::from_millis(250);
/// How often to write a line if standard error is not a terminal.
const LINE: Duration = Duration::from_secs(10);

/// The first signal that asked the command to end; 0 before any signal.
static INTERRUPT: AtomicI32 = AtomicI32::new(0);

/// Installs handlers that note Ctrl-C, requests to terminate and the end of the terminal, so that the command can end
/// in an orderly way.
///
/// It uses a signal handler instead of a waiting thread, because a run must also be interruptible if no thread can be
/// started.
pub(super) fn catch_interrupt() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        note_from_now_on(signal);
    }
}

fn note_from_now_on(signal: libc::c_int) {
    extern "C" fn note(signal: libc::c_int) {
        // Atomics are allowed in a handler. Relaxed: the number is independent of all other data.
        let _ = INTERRUPT.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
    }
    // SAFETY: all bytes zero is the default action, without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: it only writes the present action to a valid place. It cannot fail, because the signals are valid and can
    // be caught.
    unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
    // A program started with `nohup` must outlive the terminal.
    if signal == libc::SIGHUP && action.sa_sigaction == libc::SIG_IGN {
        return;
    }
    action.sa_sigaction = note as extern "C" fn(libc::c_int) as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does only what handlers may do. It cannot fail, as above.
    unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
}

/// Whether a signal has asked the command to end.
pub(super) fn is_interrupted() -> bool {
    // Relaxed: see the handler.
    INTERRUPT.load(Ordering::Relaxed) != 0
}

/// The exit code of an interrupted command: 128 plus the number of the signal, as in shells.
pub(super) fn interrupted() -> u8 {
    // Relaxed: see the handler. The numbers are 1, 2 and 15.
    128 + INTERRUPT.load(Ordering::Relaxed) as u8
}

/// Progress on standard error: on a terminal a bar, the time left, how busy each core is, and what is measured; otherwise
/// a line from time to time.
pub(super) struct Progress {
    bar: ProgressBar,
    /// The clock ticks of the cores when their bars were last drawn, and when that was; `None` without a terminal or
    /// without `/proc`.
    ticks: Option<(CpuTicks, Instant)>,
    /// The items that are counted, such as "cases".
    noun: &'static str,
    quiet: bool,
    is_terminal: bool,
    last_line: Instant,
}

impl Progress {
    /// Shows progress through `total` items called `noun`, a plural.
    pub(super) fn new(total: usize, noun: &'static str, quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = match is_terminal && !quiet {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let style =
            ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {prefix}  {wide_msg}")
                .expect("the template is well formed");
        let bar = ProgressBar::with_draw_target(Some(total as u64), target).with_style(style);
        if !quiet && !is_terminal {
            let noun = match total {
                1 => noun.trim_end_matches('s'),
                _ => noun,
            };
            tell(&format!("measuring {total} {noun}"));
        }
        Self {
            bar,
            ticks: CpuTicks::now()
                .filter(|_| is_terminal && !quiet)
                .map(|ticks| (ticks, Instant::now())),
            noun,
            quiet,
            is_terminal,
            last_line: Instant::now(),
        }
    }

    /// Shows the item that starts now.
    pub(super) fn begin(&mut self, what: &str) {
        self.bar.set_message(text::line(what));
    }

    /// Corrects the number of remaining items.
    pub(super) fn set_left(&mut self, left: u64) {
        self.bar.set_length(self.bar.position() + left);
    }

    /// Counts one finished item.
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

    /// Prints a line, even if quiet.
    pub(super) fn tell(&self, line: &str) {
        self.bar.suspend(|| tell(line));
    }

    /// Prints something to standard output, without the bar in between.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    pub(super) fn close(&self) {
        self.bar.finish_and_clear();
    }
}

/// How busy each core was, as a row of bars. A blank is a core that did nothing, or whose load is not known.
fn bars(cores: &[CoreTicks]) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    /// More cores would leave no room for the case.
    const SHOWN: usize = 32;
    let bar = |core: &CoreTicks| {
        let share = core.busy_ratio().unwrap_or(0.0);
        BARS[(share * (BARS.len() - 1) as f64).round() as usize]
    };
    let shown: String = cores.iter().take(SHOWN).map(bar).collect();
    let more = if cores.len() > SHOWN { "…" } else { "▏" };
    format!("▕{shown}{more}")
}

impl Idle for Progress {
    fn idle(&mut self) -> Instant {
        if let Some((before, drawn)) = &self.ticks
            && drawn.elapsed() >= REDRAW
            && let Some(now) = CpuTicks::now()
        {
            self.bar.set_prefix(bars(&now.cores_since(before)));
            self.ticks = Some((now, Instant::now()));
        }
        self.bar.tick();
        Instant::now() + REDRAW
    }

    fn is_cancelled(&self) -> bool {
        is_interrupted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_of_a_core_is_as_high_as_the_core_is_busy() {
        let core = |busy, idle| CoreTicks {
            busy,
            idle,
            steal: 0,
        };
        let cores = [core(0, 10), core(5, 5), core(10, 0), core(0, 0)];
        assert_eq!(bars(&cores), "▕ ▄█ ▏");
        assert_eq!(bars(&[core(1, 0); 40]).chars().count(), 34);
    }
}
