//! What the kernels share whose tasks have to be on time.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::{AwaitedOn, DueTimes, Slot};
use crate::graph::TaskId;
use crate::kernel::{Awaited, Kernel, KernelKind, Pace, Setting, Venue};
use crate::latency::{Histogram, Recorder};
use crate::parameter::{Parameter, Parameters};
use crate::random::mix;
use crate::sync::at_once;

/// A kind of kernel whose tasks have to be on time, declared as data. Each field is what the method of [`KernelKind`] with
/// the same name returns or does.
#[derive(Debug)]
pub struct MixedKind {
    pub(in crate::loads) name: &'static str,
    pub(in crate::loads) why: &'static str,
    pub(in crate::loads) parameters: &'static [Parameter],
    pub(in crate::loads) size_parameter: Option<&'static str>,
    pub(in crate::loads) latencies: &'static [&'static str],
    pub(in crate::loads) is_ranked_by_cpu: bool,
    pub(in crate::loads) fits: fn(&Venue<'_>) -> Result<(), String>,
    pub(in crate::loads) build: fn(&Parameters, &Setting<'_>) -> io::Result<Box<dyn Kernel>>,
}

impl KernelKind for MixedKind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn why(&self) -> &'static str {
        self.why
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn fits(&self, _: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
        (self.fits)(venue)
    }

    fn is_idempotent(&self) -> bool {
        // An interrupted task has begun, and never ends.
        false
    }

    fn size_parameter(&self) -> Option<&'static str> {
        self.size_parameter
    }

    fn pace(&self, _: &Parameters) -> Pace {
        Pace::Clock
    }

    fn latencies(&self) -> &'static [&'static str] {
        self.latencies
    }

    fn is_timing_the_work(&self) -> bool {
        true
    }

    fn is_ranked_by_cpu(&self) -> bool {
        self.is_ranked_by_cpu
    }

    fn build(&self, parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
        (self.build)(parameters, setting)
    }
}

/// What the tasks of such a kernel do.
pub(in crate::loads) trait Punctual: Send + Sync + 'static {
    /// Whether tasks wait, so that they can be awaited.
    const WAITS: bool = true;

    /// What one task does in its slot.
    fn work(&self, slot: Slot, timing: &Timing) -> impl Future<Output = ()> + Send;

    /// The output of a task.
    fn output(seed: u64) -> u64 {
        mix(seed)
    }
}

/// How tasks wait until they are due, and where they record how late they are.
pub(in crate::loads) struct Timing {
    runtime: AwaitedOn,
    /// The name of the latency.
    name: &'static str,
    recorder: Recorder,
}

impl Timing {
    /// Waits until `due`: awaits it on async backends, and blocks on others.
    pub(in crate::loads) async fn until(&self, due: Instant) {
        self.runtime.until(due).await;
    }

    /// Records how long ago a task was due.
    pub(in crate::loads) fn record_since(&self, due: Instant) {
        if self.recorder.is_on() {
            let late = Instant::now().saturating_duration_since(due);
            self.recorder.record(late.as_nanos() as u64);
        }
    }
}

/// A kernel whose tasks have to be on time.
pub(in crate::loads) struct Mixed<W> {
    work: W,
    schedule: DueTimes,
    timing: Timing,
}

impl<W: Punctual> Mixed<W> {
    /// A kernel for `setting`. Its tasks do `work`, are due at this interval, and record the latency `name`.
    ///
    /// # Errors
    ///
    /// If the system refuses the shared pages.
    pub(in crate::loads) fn boxed(
        work: W,
        interval: Duration,
        name: &'static str,
        setting: &Setting<'_>,
    ) -> io::Result<Box<dyn Kernel>> {
        Ok(Box::new(Self {
            work,
            schedule: DueTimes::new(setting.graph.task_count(), interval)?,
            timing: Timing {
                runtime: match W::WAITS {
                    true => AwaitedOn::of(setting),
                    false => AwaitedOn::Thread,
                },
                name,
                recorder: Recorder::new()?,
            },
        }))
    }

    async fn task(&self, seed: u64) -> u64 {
        self.work.work(self.schedule.begin(), &self.timing).await;
        self.schedule.end();
        W::output(seed)
    }
}

impl<W: Punctual> Kernel for Mixed<W> {
    fn run(&self, _: TaskId, seed: u64) -> u64 {
        at_once(self.task(seed))
    }

    fn expected(&self, _: TaskId, seed: u64) -> u64 {
        W::output(seed)
    }

    fn is_awaited(&self) -> bool {
        self.timing.runtime.is_async()
    }

    fn awaited(&self, _: TaskId, seed: u64) -> Awaited<'_> {
        Box::pin(self.task(seed))
    }

    fn reset(&self) {
        self.schedule.reset();
    }

    fn record_latencies(&self, on: bool) {
        self.timing.recorder.switch(on);
    }

    fn take_latencies(&self) -> BTreeMap<String, Histogram> {
        let Timing { name, recorder, .. } = &self.timing;
        BTreeMap::from([((*name).into(), recorder.take())])
    }
}
