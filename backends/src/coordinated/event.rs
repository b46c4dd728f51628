use std::io;

use super::support::{CoordinatedKind, Form, ROUNDS, two_at_least};
use crate::coordination::{Coordinated, EVENT_LATENCIES, EventWork};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, Parameters};
use crate::sync::{Event, SharedEvent, ThreadEvent};

/// One task that sets an event, again and again, for which all others wait.
pub const EVENT: CoordinatedKind = CoordinatedKind {
    name: "event",
    why: "coordinates: the first task sets an event, for which all others wait, again and again",
    parameters: &[Parameter {
        name: "rounds",
        why: "how often an event is set, when all others wait for it",
        kind: ROUNDS,
        default: Some(DefaultValue::Count(100)),
    }],
    size_parameter: Some("rounds"),
    pace: Pace::Contention,
    latencies: EVENT_LATENCIES,
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(_: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    Form::at(venue)?;
    two_at_least(venue, "sets an event for")?;
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    match Form::of(setting) {
        Form::Threads => work(|| Ok(ThreadEvent::default()), parameters, setting),
        Form::Processes => work(SharedEvent::new, parameters, setting),
        #[cfg(feature = "tokio")]
        Form::TokioTasks => work(|| Ok(of_tokio::TokioEvent::default()), parameters, setting),
        #[cfg(feature = "smol")]
        Form::SmolTasks => work(|| Ok(of_smol::SmolEvent::default()), parameters, setting),
        form => form.is_lacking(),
    }
}

fn work<E: Event>(
    event: impl Fn() -> io::Result<E>,
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let waiter_count = setting.graph.task_count() as u64 - 1;
    let work = EventWork::new(event, waiter_count, parameters.count("rounds"))?;
    Coordinated::boxed(work, setting)
}

#[cfg(feature = "tokio")]
mod of_tokio {
    use tokio::sync::watch;

    use crate::sync::{Event, Halted, Party};

    /// A flag that async tasks watch.
    #[derive(Default)]
    pub(super) struct TokioEvent(watch::Sender<bool>);

    impl Event for TokioEvent {
        async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
            if *self.0.borrow() {
                return Ok(());
            }
            let _waiting = party.waits_for("the event");
            let mut watched = self.0.subscribe();
            let set = watched.wait_for(|is_set| *is_set).await;
            set.expect("the sender lives as long as this");
            Ok(())
        }

        fn set(&self) {
            self.0.send_replace(true);
        }

        fn clear(&self) {
            self.0.send_replace(false);
        }
    }
}

#[cfg(feature = "smol")]
mod of_smol {
    use std::sync::atomic::{AtomicBool, Ordering};

    use event_listener::Event as Wakeups;

    use crate::sync::{Event, Halted, Party};

    /// A flag, and the event of smol for those that wait for it.
    #[derive(Default)]
    pub(super) struct SmolEvent {
        is_set: AtomicBool,
        woken: Wakeups,
    }

    impl SmolEvent {
        fn is_set(&self) -> bool {
            // Acquire: pairs with the Release in `set`.
            self.is_set.load(Ordering::Acquire)
        }
    }

    impl Event for SmolEvent {
        async fn wait(&self, party: Party<'_>) -> Result<(), Halted> {
            if self.is_set() {
                return Ok(());
            }
            let _waiting = party.waits_for("the event");
            loop {
                // It listens before it looks again, so a wake-up after that reaches it.
                let woken = self.woken.listen();
                if self.is_set() {
                    return Ok(());
                }
                woken.await;
            }
        }

        fn set(&self) {
            // Release: hands over what happened before.
            self.is_set.store(true, Ordering::Release);
            self.woken.notify(usize::MAX);
        }

        fn clear(&self) {
            // Relaxed: it hands over nothing.
            self.is_set.store(false, Ordering::Relaxed);
        }
    }
}
