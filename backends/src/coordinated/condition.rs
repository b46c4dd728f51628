use std::io;

#[cfg(feature = "smol")]
use super::support::of_smol::SmolMonitor;
#[cfg(feature = "tokio")]
use super::support::tokio_monitor::TokioMonitor;
use super::support::{CoordinatedKind, Form, ROUNDS, two_at_least};
use crate::coordination::{ConditionWork, Coordinated, Wakes};
use crate::kernel::{Kernel, Pace, Setting, Venue};
use crate::parameter::{DefaultValue, Parameter, ParameterKind, Parameters};
use crate::sync::{Monitor, SharedMonitor, ThreadMonitor};

/// A dispatcher that wakes consumers, which wait for items at a condition.
pub const CONDITION: CoordinatedKind = CoordinatedKind {
    name: "condition",
    why: "coordinates: the first task puts items and wakes the others, which wait at a condition",
    parameters: &[
        Parameter {
            name: "rounds",
            why: "how often the first task puts items, when those before have been taken",
            kind: ROUNDS,
            default: Some(DefaultValue::Count(100)),
        },
        Parameter {
            name: "wakes",
            why: "whom it wakes: one task for one item, or all tasks for as many items",
            kind: ParameterKind::Choice(&["one", "all"]),
            default: Some(DefaultValue::Text("one")),
        },
        Parameter {
            name: "form",
            why: "which condition: `natural` is `std` for threads, a futex for processes, that of the runtime for async tasks",
            kind: ParameterKind::Choice(&["natural", PARKING_LOT]),
            default: Some(DefaultValue::Text("natural")),
        },
    ],
    size_parameter: Some("rounds"),
    pace: Pace::Contention,
    latencies: &[],
    is_timing_the_work: false,
    fits,
    build,
};

fn fits(parameters: &Parameters, venue: &Venue<'_>) -> Result<(), String> {
    let form = Form::at(venue)?;
    if parameters.text("form") == PARKING_LOT {
        parking_lot_fits(form)?;
    }
    two_at_least(venue, "puts items for")?;
    venue.holds(venue.task_count)
}

fn build(parameters: &Parameters, setting: &Setting<'_>) -> io::Result<Box<dyn Kernel>> {
    match Form::of(setting) {
        #[cfg(feature = "parking_lot")]
        Form::Threads if parameters.text("form") == PARKING_LOT => work(
            of_parking_lot::ParkingLotMonitor::default(),
            parameters,
            setting,
        ),
        Form::Threads => work(ThreadMonitor::default(), parameters, setting),
        Form::Processes => work(SharedMonitor::new()?, parameters, setting),
        #[cfg(feature = "tokio")]
        Form::TokioTasks => work(TokioMonitor::default(), parameters, setting),
        #[cfg(feature = "smol")]
        Form::SmolTasks => work(SmolMonitor::default(), parameters, setting),
        form => form.is_lacking(),
    }
}

/// The form of the crate `parking_lot`.
const PARKING_LOT: &str = "parking-lot";

fn parking_lot_fits(form: Form) -> Result<(), String> {
    match form {
        _ if !cfg!(feature = "parking_lot") => Err(
            "this build has no conditions of parking_lot: build it with the feature `parking_lot`"
                .into(),
        ),
        Form::Threads => Ok(()),
        _ => Err(
            "the condition `parking-lot` is for threads: form=natural is for all workers".into(),
        ),
    }
}

fn work(
    monitor: impl Monitor,
    parameters: &Parameters,
    setting: &Setting<'_>,
) -> io::Result<Box<dyn Kernel>> {
    let wakes = match parameters.text("wakes") {
        "all" => Wakes::All,
        _ => Wakes::One,
    };
    let consumer_count = setting.graph.task_count() as u64 - 1;
    let round_count = parameters.count("rounds");
    let work = ConditionWork::new(monitor, wakes, consumer_count, round_count)?;
    Coordinated::boxed(work, setting)
}

#[cfg(feature = "parking_lot")]
mod of_parking_lot {
    use parking_lot::{Condvar, Mutex};

    use crate::sync::{Halted, Monitor, PLACE_COUNT, Party};

    /// The mutex and the condition of `parking_lot`.
    #[derive(Default)]
    pub(super) struct ParkingLotMonitor {
        lock: Mutex<()>,
        places: [Condvar; PLACE_COUNT],
    }

    impl Monitor for ParkingLotMonitor {
        fn locked<R>(&self, change: impl FnOnce() -> R) -> R {
            let _held = self.lock.lock();
            change()
        }

        async fn wait_until<R: Send>(
            &self,
            place: usize,
            party: Party<'_>,
            what: &str,
            mut check: impl FnMut() -> Option<R> + Send,
        ) -> Result<R, Halted> {
            let mut held = self.lock.lock();
            if let Some(found) = check() {
                return Ok(found);
            }
            let _waiting = party.waits_for(what);
            loop {
                party.look()?;
                self.places[place].wait(&mut held);
                if let Some(found) = check() {
                    return Ok(found);
                }
            }
        }

        fn wake_one(&self, place: usize) {
            self.places[place].notify_one();
        }

        fn wake_all(&self, place: usize) {
            self.places[place].notify_all();
        }

        fn halt(&self) {
            // As in `ThreadMonitor`: with the lock, so that nobody looks before and waits after.
            let _held = self.lock.lock();
            for place in &self.places {
                place.notify_all();
            }
        }
    }
}
